#!/bin/sh
# workalendar 17.0.0 beside holidays 0.109.
# Guess: a calendar library's Brazil has the national holidays of the year that is asked for.
# Seen: 20 November, a national holiday since 2024 (law 14.759), is a working day in every year; due dates and payouts fall
# on a day on which no bank settles.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check workalendar==17.0.0 holidays==0.109
cat > "$folder/seen.py" <<'PY'
from datetime import date

import holidays
from workalendar.america import Brazil

days = [date(year, 11, 20) for year in (2023, 2024, 2025, 2026)]
seen = {day.year: (Brazil().is_working_day(day), day in holidays.BR(years=day.year)) for day in days}
print("year: (working day of workalendar, holiday of holidays):", seen)
assert all(day not in dict(Brazil().holidays(day.year)) for day in days)
assert [day in holidays.BR(years=day.year) for day in days] == [False, True, True, True]
PY
"$folder/venv/bin/python" "$folder/seen.py"
