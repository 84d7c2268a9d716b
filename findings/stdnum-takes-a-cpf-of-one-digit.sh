#!/bin/sh
# python-stdnum 2.2.
# Guess: stdnum.br.cpf.validate refuses what Brazil's tax office refuses.
# Seen: it checks the two sums alone. Eleven times the same digit, 1 to 9, passes them, is given to nobody, and is what people type into forms that
# want a CPF: refuse it by a rule of one's own. Eleven zeros are refused, and the CNPJ has no such number.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-stdnum==2.2
"$folder/venv/bin/python" - <<'PY'
from stdnum.br import cnpj, cpf

taken = [digit for digit in "0123456789" if cpf.is_valid(digit * 11)]
print("CPF of one digit taken:", taken)
print("CNPJ of one digit taken:", [digit for digit in "0123456789" if cnpj.is_valid(digit * 14)])
assert taken == list("123456789")
PY
