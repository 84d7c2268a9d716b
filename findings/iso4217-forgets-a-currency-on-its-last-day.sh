#!/bin/sh
# iso4217 1.14.20250512 and 1.16.20260101.
# Guess: a package of the standard's currencies only ever gains codes; an update cannot make old data unreadable.
# Seen: it holds the standard's list one, the currencies in force on a day. The lev left it on 1 January 2026, so that
# Currency("BGN"), right in May 2025, raises ValueError after the update, for payments of 2025 as well. Whoever refuses
# currencies that the package does not know refuses histories: unknown codes have to be readable, with a rule of one's own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 1.14.20250512 1.16.20260101; do
  python3 -m venv --clear "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "iso4217==$version"
  "$folder/venv/bin/python" - "$version" <<'PY'
import sys

from iso4217 import Currency

codes = {currency.code for currency in Currency}
print(sys.argv[1], "knows", len(codes), "codes; the lev:", "BGN" in codes)
assert ("BGN" in codes) == (sys.argv[1] == "1.14.20250512")
PY
done
