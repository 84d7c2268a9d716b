"""Our own loans: a case is what `manage.py replay` reads, so nothing is translated."""

from lending.domain.contract.files import replay_case
from tests.golden.outcome import Case, require_equal


def check_loan(case: Case) -> None:
    """Compare every field, or the code of a refusal that has a message too."""
    found = replay_case(case)
    if "refused" in case:
        require_equal((found.get("refused"), bool(found.get("error"))), (case["refused"], True), "refused")
        return
    wanted = {"id": case["id"], **case["expect"]}
    require_equal(found.keys(), wanted.keys(), "fields")
    for name, value in wanted.items():
        require_equal(found[name], value, name)
