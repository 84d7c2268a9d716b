"""Figures that others publish or assert for the same sums, one test a case.

`--golden-dir DIR` takes any directory that holds files of these names, itself or in folders below it. What is the
standard must be equal to the last minor unit. A peer's own quirk is run too; where it differs, and where the product
lacks or refuses what a case needs, the case is an expected failure with the reason. docs/algorithms/golden.md counts
them by file.
"""

from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.golden.files import CHECKS
from tests.golden.outcome import Case, Outcome, cases_in, judge


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "peer_case" in metafunc.fixturenames:
        root = Path(metafunc.config.getoption("golden_dir") or SHARED / "golden" / "loans")
        found = [pytest.param(file, case, id=case["id"]) for file in CHECKS for case in cases_in(root, file)]
        absent = pytest.param("", {}, id="absent", marks=pytest.mark.skip(reason="no golden tables: see --golden-dir"))
        metafunc.parametrize(("file", "peer_case"), found or [absent])


@pytest.mark.real
def test_a_loan_equals_the_peers(file: str, peer_case: Case) -> None:
    judged = judge(peer_case, CHECKS[file])
    if judged.outcome in {Outcome.WAITS, Outcome.DIFFERS}:
        pytest.xfail(judged.reason)
    assert judged.outcome is Outcome.EQUAL, judged.reason
