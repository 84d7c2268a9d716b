#!/bin/sh
# psycopg 3.3.9.
# Guess: a statement that a connection has prepared is the same statement whatever numbers it is executed with.
# Seen: a whole number is bound by its own size, as smallint, integer, bigint or numeric, and the types are part of the key
# under which a statement is kept; so are those of arrays, and NULL has no type. An INSERT of six amounts, each small or
# large or missing, is up to 4^6 statements: each is counted to the threshold, parsed and planned by itself, and they push
# one another out of the hundred that are kept. Given one type (psycopg.types.numeric.Int8), it is one statement.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "psycopg[binary]==3.3.9"
cat > "$folder/seen.py" <<'PY'
from itertools import product

from psycopg._preparing import PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from psycopg.postgres import types
from psycopg.types.numeric import Int8

INSERT = "INSERT INTO sale VALUES (%s, %s, %s)"
AMOUNTS = [1, 100_000, 10**12, None]


def key(values):
    query = PostgresQuery(Transformer())
    query.convert(INSERT, values)
    return PrepareManager.key(query)


names = {number: types[key([number, 1, 1])[1][0]].name for number in AMOUNTS[:3]}
print("1, 100000 and 10**12 are bound as", ", ".join(names.values()))
assert list(names.values()) == ["int2", "int4", "int8"]
plain = {key(row) for row in product(AMOUNTS, repeat=3)}
print("three amounts, each small, larger, large or missing:", len(plain), "statements to prepare")
assert len(plain) == 64
arrays = {key([[number], 1, 1]) for number in AMOUNTS[:3]}
print("an array of one of them:", len(arrays))
assert len(arrays) == 3
typed = {key([Int8(value) for value in row]) for row in product(AMOUNTS[:3], repeat=3)}
print("as Int8:", len(typed))
assert len(typed) == 1
PY
"$folder/venv/bin/python" "$folder/seen.py"
