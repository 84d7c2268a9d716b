#!/bin/sh
# pyiso20022 1.6.2.
# Guess: what is installed with pip can be imported.
# Seen: every module of messages imports xsdata, and the wheel requires nothing: the import fails until xsdata is installed
# beside it. So a lock file that follows requirements leaves it out, and an office finds out when the first file is due.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyiso20022==1.6.2
cat > "$folder/seen.py" <<'PY'
import importlib
from importlib.metadata import requires

try:
    importlib.import_module("pyiso20022.pain.pain_001_001_09")
except ModuleNotFoundError as error:
    print("required:", requires("pyiso20022"), "| import:", error)
    assert (requires("pyiso20022"), error.name) == (None, "xsdata")
else:
    raise SystemExit("it imports now")
PY
"$folder/venv/bin/python" "$folder/seen.py"
