"""Loans computed from the specification by a model written apart: equal in every field, to the last minor unit.

`--golden-dir DIR` takes any directory that holds tradeline_term.json, itself or in folders below it; default is the
one beside the checkout. A case is what `manage.py replay` reads, so nothing is translated. One that must be refused
passes when its code comes back. The other files of that directory are in test_peers.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED
from tests.golden.own import check_loan

FILE = "tradeline_term.json"


def golden_cases(config: pytest.Config) -> list[dict[str, Any]]:
    root = Path(config.getoption("golden_dir") or SHARED / "golden" / "loans")
    return [case for path in sorted(root.rglob(FILE)) for case in json.loads(path.read_text(encoding="utf-8"))["cases"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "golden_case" in metafunc.fixturenames:
        absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"no golden {FILE}: see --golden-dir"))
        found = [pytest.param(case, id=case["id"]) for case in golden_cases(metafunc.config)]
        metafunc.parametrize("golden_case", found or [absent])


@pytest.mark.real
def test_a_loan_equals_the_golden_one(golden_case: dict[str, Any]) -> None:
    check_loan(golden_case)
