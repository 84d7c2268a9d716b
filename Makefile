# `make demo` and `make test` need nothing but Python 3.11 or later, make and the package index.
# Paths are relative, so that the checkout may lie anywhere; programs are run by the environment's Python,
# so that a moved checkout still finds them.

PY := .venv/bin/python
MANAGE := $(PY) manage.py
DJLINT := $(PY) -m djlint config merchants scoring lending --profile=django --indent=2 --max-line-length=120

# Where bytecode is forbidden, every process compiles two thousand modules before it does anything.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv run stop check fmt test waits torture bench beside first-day demo seed screenshots clean fresh

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: venv ## the whole product with a simulated market; DATA=dir loads a real one, ONCE=1 does not serve
	@$(MANAGE) demo $(if $(ONCE),--once)

test: venv ## the whole suite
	@$(PY) -m pytest -n 2 --dist loadgroup -m "not torture" $(ARGS)

venv: .venv/installed ## the environment, in .venv

# The Python the lock was resolved for comes first. A shim may exist and not run, so each is tried.
.venv/installed: requirements-uv.lock requirements.lock
	@.venv/bin/python -c "" 2>/dev/null || { \
	  for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	    if $$python -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then break; fi; python=; \
	  done; \
	  if [ -z "$$python" ]; then echo "Python 3.11 or later is needed, and none was found." >&2; exit 1; fi; \
	  echo "Making .venv"; $$python -m venv --clear .venv; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock \
	  && .venv/bin/uv pip sync --quiet --python $(PY) --require-hashes requirements.lock \
	  || { echo "uv did not do; installing with pip, which takes longer"; \
	       $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@touch $@

run: venv ## start the embedded servers and print their addresses
	@$(PY) -m config.embedded start
	@$(PY) -m config.embedded urls

stop: venv ## stop the embedded servers
	@$(PY) -m config.embedded stop

clean: venv ## stop the embedded servers and remove their data
	@$(PY) -m config.embedded clean

seed: venv ## a market of 5,000 simulated merchants, imported into a database of its own
	@DATA=.local/markets/5000 $(MANAGE) demo --once --merchants 5000

# From cheap to dear.
check: venv ## formats, lint, types, layers, migrations; prints the lines of source
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(DJLINT) --check
	@$(PY) -m mypy .
	@$(PY) .venv/bin/lint-imports
	@$(MANAGE) check --fail-level WARNING
	@$(MANAGE) makemigrations --check --dry-run
	@# 0002_transaction makes a table; the linter takes its NOT NULL columns for added ones.
	@# 0005_no_dues_of_90_days drops a column that only closes of days wrote: they wait until the new code runs.
	@# 0008_corrections, 0016_servicing, 0036_cross_default and 0037_lines_less_charges widen varchar columns, which rewrites nothing.
	@# 0011_sums_by_status makes a constraint of a table that has some hundred rows.
	@# 0011_behaviour_corrected makes a constraint that the one it replaces implies.
	@# 0014_loans_at_rest and 0015_rows_at_rest rename and drop columns: every process is stopped meanwhile.
	@# 0011_lean_staging drops an id that nothing names, and its index, of a table that is empty most of the time.
	@# 0019_encrypted_numbers and 0039_encrypted_files drop plain columns once they are encrypted: every process is stopped meanwhile.
	@# 0025_one_payout makes a unique index of the payouts: every process is stopped meanwhile.
	@LOG_LEVEL=ERROR $(MANAGE) lintmigrations --no-cache --quiet ok ignore warning \
	  --include-apps office merchants scoring lending \
	  --ignore-name 0002_transaction 0005_no_dues_of_90_days 0008_corrections 0011_lean_staging 0011_sums_by_status \
	  0011_behaviour_corrected 0014_loans_at_rest 0015_rows_at_rest 0016_payout_accounts 0016_servicing 0019_encrypted_numbers 0025_one_payout \
	  0036_cross_default 0037_lines_less_charges 0039_encrypted_files
	@$(PY) tests/architecture/lock.py
	@$(PY) tests/architecture/lines.py

fmt: venv ## format the source and mend what can be mended
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .
	@$(DJLINT) --quiet --reformat

screenshots: venv ## pictures of every page of the demo, into docs/images; needs chromium and fonts-noto-cjk
	@$(PY) -m tests.screens

bench: venv ## measure the product beside its rivals, in a database of its own; MERCHANTS=n, DAYS=n, ROWS=n, LOANS=n; ONLY="name ..."
	@$(PY) -m tests.benchmarks $(if $(MERCHANTS),--merchants $(MERCHANTS)) $(if $(DAYS),--days $(DAYS)) $(if $(ROWS),--rows $(ROWS)) $(if $(LOANS),--loans $(LOANS)) $(if $(ONLY),--only $(ONLY))

beside: venv ## decisions and a run beside those of an older checkout, BASE=directory, with a .venv of its own
	@$(PY) -m tests.benchmarks.beside $(BASE) $(if $(MERCHANTS),--merchants $(MERCHANTS))

first-day: venv ## walk an office from nothing to its first offers, on servers of its own, and time it
	@$(PY) -m tests.first_day

waits: venv ## the tests that start processes, or threads that meet, TIMES=n times (50)
	@for time in $$(seq $(or $(TIMES),50)); do echo "$$time"; $(PY) -m pytest -q -n 2 --dist loadgroup -m "waits and not torture" $(ARGS) || exit 1; done

torture: venv ## the long fault runs
	@$(PY) -m pytest -m torture $(ARGS)

fresh: ## clone main into an empty folder, and run the two commands there as root and as an ordinary user
	@.ci/fresh
