#!/bin/sh
# chinesecalendar 1.11.0 beside holidays 0.109.
# Guess: a calendar with the State Council's notices has, for every day off given in exchange for a weekend, that weekend as worked.
# Seen: where the exchange crosses the year's end, the day off of January is there and the Saturday worked in December is
# not: 3 January 2006 is free in exchange for 31 December 2005, and both are no workdays. Counting business days over that
# year's end is one short. holidays has the pair, and names it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check chinesecalendar==1.11.0 holidays==0.109
cat > "$folder/seen.py" <<'PY'
from datetime import date

import chinese_calendar
import holidays

off, worked = date(2006, 1, 3), date(2005, 12, 31)
china = holidays.CN(years=[2005, 2006])
print("chinesecalendar, workdays:", chinese_calendar.is_workday(off), chinese_calendar.is_workday(worked))
print("holidays:", china.get(off), "| worked:", worked in china.weekend_workdays)
assert not chinese_calendar.is_workday(off)
assert not chinese_calendar.is_workday(worked)
assert off in china
assert worked in china.weekend_workdays
PY
"$folder/venv/bin/python" "$folder/seen.py"
