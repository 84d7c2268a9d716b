"""Help tests to make provisions: a policy, months that end, and what was written for them."""

import json
from datetime import date, timedelta
from typing import Any

from config.office.actors import SYSTEM
from lending.domain.books.month_close import kept_of
from lending.domain.books.provision_policy import DAY_ONE_POLICY, Policy, canonical_policy, parse_policy
from lending.models import DayClose, Loan, LoanProvision, MonthClose, ProvisionMonth, ProvisionPolicy
from lending.operations.policies import enter_policy
from tests.approvals import SECOND
from tests.conftest import CLERK, NOW
from tests.lending.loans import roll

DAY = timedelta(days=1)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
MARCH_END, APRIL_END, MAY_END = date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)


def policy_text(**changes: Any) -> str:  # noqa: ANN401 - of any field
    return json.dumps({**json.loads(DAY_ONE_POLICY.read_text()), **changes})


def policy(**changes: Any) -> Policy:  # noqa: ANN401 - of any field
    return parse_policy(*canonical_policy(policy_text(**changes)))


def provide_by(**changes: Any) -> ProvisionPolicy:  # noqa: ANN401 - of any field
    return enter_policy(text=policy_text(**changes), actor=SYSTEM, now=NOW)


def make_provision(loan: Loan, close: DayClose) -> LoanProvision:
    """Make the month of a close, with a row of a loan, by hand."""
    first = close.day.replace(day=1)
    month = ProvisionMonth.objects.create(month=first, close=close, policy=provide_by(), last_line=0)
    return LoanProvision.objects.create(
        month=month, loan=loan, product_id=loan.product_id, currency=loan.currency, stage=1, cause="SOUND",
        category="NORMAL", ead_minor=1_000, periods=[[30, 1_000]], pd_ppm=500,
    )  # fmt: skip


def make_month_close() -> MonthClose:
    """Close a month before any loan, by hand."""
    month = date(2025, 1, 1)
    content, sha256 = kept_of(month, [])
    return MonthClose.objects.create(
        month=month, content=content, sha256=sha256, closed_by=str(CLERK), approved_by=str(SECOND), closed_at=NOW
    )


def end_month(last: date) -> ProvisionMonth:
    """Open the day after a month's last, and close what is behind it."""
    roll(last + DAY)
    return ProvisionMonth.objects.get(close__day=last)
