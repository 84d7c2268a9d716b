#!/bin/sh
# Babel 2.19.0 beside iso4217 1.16.20260101 (the list of the standard).
# Guess: babel.numbers.get_currency_precision gives a currency's minor units, as ISO 4217 has them.
# Seen: it gives CLDR's digits for display. Of the currencies in force fifteen differ: a dinar of Iraq has 3 decimals in
# the standard and none in CLDR, a forint, a rupiah or a Colombian peso has 2 and none. Amounts stored as whole "minor
# units" by this function are a hundredth, or a thousandth, of what a bank's file means by them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Babel==2.19.0 iso4217==1.16.20260101
cat > "$folder/seen.py" <<'PY'
from babel.numbers import get_currency_precision
from iso4217 import Currency

differ = {
    currency.code: (currency.exponent, get_currency_precision(currency.code))
    for currency in Currency
    if currency.exponent is not None and currency.exponent != get_currency_precision(currency.code)
}
print("code: ISO 4217, Babel:", differ)
assert len(differ) == 15
assert differ["IQD"] == (3, 0)
assert differ["HUF"] == differ["IDR"] == differ["COP"] == (2, 0)
PY
"$folder/venv/bin/python" "$folder/seen.py"
