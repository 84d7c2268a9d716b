#!/bin/sh
# ibis-framework 12.0.0 (DuckDB 2.0.1).
# Guess: nullability is a note on a column; what may be null and what may not can be put under one another, as in SQL.
# Seen: ibis.union demands equal types, and int64 and !int64 are two: a table read with a schema that promises no nulls
# cannot be united with an aggregate, which never carries the promise - not even a count, which no engine gives as null.
# A relation that is to be united with others has to give the promise up everywhere, or everywhere claim it by a cast.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ibis-framework[duckdb]==12.0.0" duckdb==2.0.1
cat > "$folder/seen.py" <<'PY'
import ibis

sales = ibis.memtable({"shop": [1, 1, 2], "n": [10, 20, 5]}, schema={"shop": "!int64", "n": "!int64"})
counts = sales.group_by("shop").aggregate(n=sales.count())
print("a row  ", sales.schema()["n"], "- a count", counts.schema()["n"])
assert str(sales.schema()["n"]) == "!int64"
assert str(counts.schema()["n"]) == "int64"
try:
    ibis.union(sales, counts)
except ibis.common.exceptions.RelationError as error:
    print("union refused:", type(error).__name__)
else:
    raise SystemExit("the union is taken now")
promised = counts.mutate(n=counts.n.cast("!int64"))
print("with the promise claimed by a cast:", sorted(ibis.union(sales, promised).n.execute().tolist()))
assert sorted(ibis.union(sales, promised).n.execute().tolist()) == [1, 2, 5, 10, 20]
PY
"$folder/venv/bin/python" "$folder/seen.py"
