"""Show what an event would do to a loan: its figures and schedule before and after, and every posting."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Cell, Column, Heading, Part, Table
from config.office.words import money
from lending.admin.words import ACCOUNTS
from lending.domain.books.ledger import Movement
from lending.domain.books.plan import Plan
from lending.domain.books.projection import Projection
from lending.models import Loan

POSITIONS: Final = (
    ("principal_minor", _("Principal outstanding")),
    ("interest_minor", _("Interest charged to date")),
    ("interest_paid_minor", _("Interest paid")),
    ("penalty_minor", _("Penalty charged to date")),
    ("penalty_paid_minor", _("Penalty paid")),
    ("fees_minor", _("Fees charged")),
    ("fees_paid_minor", _("Fees paid")),
    ("credit_minor", _("Credit held")),
    ("receivable_minor", _("Refund owed back")),
    ("principal_written_off_minor", _("Principal waived or written off")),
    ("interest_written_off_minor", _("Interest waived or written off")),
    ("penalty_written_off_minor", _("Penalty waived or written off")),
    ("fees_written_off_minor", _("Fees waived or written off")),
    ("waived_minor", _("Of these, waived")),
    ("recovered_minor", _("Recovered")),
)


def planned_effects(plan: Plan, loan: Loan) -> Iterator[Part]:
    """Show the loan before and after, and every posting."""

    def amount(minor: int) -> str:
        return money(minor, loan.currency)

    before, after = plan.before, plan.after
    changed = [
        [words, amount(getattr(before.position, name)), amount(getattr(after.position, name))]
        for name, words in POSITIONS
        if getattr(before.position, name) != getattr(after.position, name)
    ]
    ahead = [amount(minor) for minor in plan.interest_to_come_minor()]
    costs = [[_("Interest to come, if paid as it falls due"), *ahead]] if ahead[0] != ahead[1] else []
    yield Heading(_t("The loan as of %(date)s") % {"date": plan.to})
    yield Table(
        columns=[
            Column(label=loan.currency),
            Column(label=_("Before"), number=True),
            Column(label=_("After"), number=True),
        ],
        rows=[
            *changed,
            [_("Due now"), amount(before.due_minor), amount(after.due_minor)],
            *([[_("Due next"), _next_due(before, amount), _next_due(after, amount)]] if before.next_due else []),
            [_("Days past due"), before.dpd, after.dpd],
            *costs,
        ],
    )
    if plan.schedule_before != plan.replayed.schedule:
        yield Heading(_("The schedule"))
        yield _schedules(plan, amount)
    yield Heading(_("Postings"))
    earned = [_movement(part, loan, _t("earned ahead of the close")) for part in plan.earned]
    yield Table(
        columns=[Column(label=_("Debit")), Column(label=_("Credit")), Column(label=loan.currency, number=True)],
        rows=[*earned, *(_movement(part, loan) for part in plan.moved)],
        empty=_("Nothing is posted."),
    )


def _next_due(loan: Projection, amount: Callable[[int], str]) -> Cell | None:
    return None if loan.next_due is None else Cell(text=amount(loan.next_due_minor), note=loan.next_due.isoformat())


def _schedules(plan: Plan, amount: Callable[[int], str]) -> Table:
    """Show the rows that fall due after the event's date, before and after."""
    ahead = [
        [row for row in schedule if row.due > plan.to] for schedule in (plan.schedule_before, plan.replayed.schedule)
    ]
    rows = [
        [cell for row in pair for cell in (("", "") if row is None else (row.due, amount(row.total_minor)))]
        for pair in zip_longest(*ahead)
    ]
    return Table(
        columns=[
            Column(label=_("Due before"), style="tl-nowrap"),
            Column(label=_("Instalment"), number=True),
            Column(label=_("Due after"), style="tl-nowrap"),
            Column(label=_("Instalment"), number=True),
        ],
        rows=rows,
    )


def _movement(part: Movement, loan: Loan, note: str = "") -> list[object]:
    debit = Cell(text=ACCOUNTS[part.debit], note=note)
    return [debit, ACCOUNTS[part.credit], money(part.amount_minor, loan.currency)]


def rate_words(rate: Decimal) -> str:
    """Format a yearly rate with all its decimals."""
    return f"{(rate * 100).normalize():f} %"
