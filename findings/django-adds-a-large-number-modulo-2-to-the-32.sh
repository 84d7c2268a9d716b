#!/bin/sh
# Django 5.2.19, psycopg 3.3.9 with its C speed-up (psycopg-binary).
# Guess: update(total=F("total") + 2_500_000_000) on a BigIntegerField adds 2,500,000,000, or fails.
# Seen: with Django's OPTIONS server_side_binding it adds -1,794,967,296, and nothing is raised. The number beside F() is a
# Value of Django's IntegerField, whatever the column is; bound by the server it becomes psycopg's Int4, which the C
# implementation writes as the low 32 bits. psycopg's Python implementation raises struct.error. A Value with output_field=BigIntegerField() is whole.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "Django==5.2.19" "psycopg[binary]==3.3.9"
cat > "$folder/seen.py" <<'PY'
import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "OPTIONS": {"server_side_binding": True}}}
)
django.setup()
from django.db import connection
from django.db.models import BigIntegerField, Value
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer


def bound(value):
    """Return what is sent to the server of an expression's number: how many bytes, and the number they are."""
    _, [parameter] = value.as_sql(compiler=None, connection=connection)
    sent = bytes(Transformer().get_dumper(parameter, PyFormat.BINARY).dump(parameter))
    return len(sent), int.from_bytes(sent, "big", signed=True)


AMOUNT = 2_500_000_000
plain, big = Value(AMOUNT), Value(AMOUNT, output_field=BigIntegerField())
print("psycopg's implementation:", pq.__impl__)
print("a number beside F() is sent in", *bound(plain), "where", AMOUNT, "was given")
assert bound(plain) == (4, AMOUNT - 2**32)
print("with output_field=BigIntegerField():", *bound(big))
assert bound(big) == (8, AMOUNT)
PY
"$folder/venv/bin/python" "$folder/seen.py"
