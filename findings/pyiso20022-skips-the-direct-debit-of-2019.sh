#!/bin/sh
# pyiso20022 1.6.2 beside sepaxml 2.7.0.
# Guess: a library with pain.001 in versions 8 to 12 has pain.008 in those that go with them.
# Seen: pain.008 is there in versions 1 to 7, 9 and 10; version 8, which goes with pain.001.001.09 and which SEPA banks take, is
# missing. sepaxml, which writes version 2, has the schema of version 8 to hold such a file against.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyiso20022==1.6.2 sepaxml==2.7.0
cat > "$folder/seen.py" <<'PY'
from importlib.util import find_spec
from pathlib import Path

root = Path(find_spec("pyiso20022").origin).parent / "pain"
schemas = Path(find_spec("sepaxml").origin).parent / "schemas"
versions = sorted(int(path.name[-2:]) for path in root.glob("pain_008_001_*"))
print("pain.008 of pyiso20022:", versions, "| with pain.001.001.09:", (root / "pain_001_001_09").is_dir())
print("schema of sepaxml:", (schemas / "pain.008.001.08.xsd").exists())
assert versions == [1, 2, 3, 4, 5, 6, 7, 9, 10]
assert (schemas / "pain.008.001.08.xsd").exists()
PY
"$folder/venv/bin/python" "$folder/seen.py"
