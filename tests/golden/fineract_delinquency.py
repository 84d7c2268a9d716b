"""Apache Fineract's delinquency: days past due and what is overdue, until a case needs its ranges or its pauses."""

from typing import Any

from tests.golden.fineract_servicing import STEPS, Timeline, begun
from tests.golden.outcome import Case, Waits, require_equal
from tests.golden.quotes import minor


def check_delinquency(case: Case) -> None:
    """Compare what is the same here; the product has no ranges of days after a grace, and cannot pause them."""
    if any(event["type"] == "disbursement" for event in case["timeline"]):
        found = begun(case)
        for event in case["timeline"]:
            if event["type"] == "expect_loan_delinquency":
                compare_days(found, event)
            elif event["type"] in STEPS:
                STEPS[event["type"]](found, event)
    message = "delinquency: ranges of days past due after a grace, by loan and by instalment, and their pauses"
    raise Waits(message)


def compare_days(found: Timeline, event: dict[str, Any]) -> None:
    state = found.state
    for row in event["rows"]:
        if "pastDueDays" in row:
            require_equal(state.dpd, int(row["pastDueDays"]), "days past due")
        if "delinquentAmount" in row:
            require_equal(overdue(found), minor(row["delinquentAmount"]), "overdue")


def overdue(found: Timeline) -> int:
    """Return what was due before today and is unpaid, of a loan without interest and charges."""
    rows = zip(found.loan.schedule, found.state.unpaid_minor, strict=True)
    return sum(left for row, left in rows if row.due < found.today)
