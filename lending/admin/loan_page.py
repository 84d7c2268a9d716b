"""The page of one loan: where it stands, its schedule against what happened, its postings and transfers."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from operator import itemgetter
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.display import (
    SERIES,
    Alert,
    Card,
    Cell,
    Chart,
    Column,
    Figure,
    Page,
    Row,
    Table,
    Text,
    chip,
    lines,
    linked,
    major,
)
from config.office.pages import named
from config.office.words import money
from lending.admin.arrears import case_alerts
from lending.admin.booking_effects import rate_words
from lending.admin.delinquency_words import bucket_chip
from lending.admin.loan_episodes import episodes_card
from lending.admin.transfer import transfer_state
from lending.admin.transfer_words import PAYOUT_HOLDS, TRANSFER_KINDS
from lending.admin.warnings import warning_alerts
from lending.admin.words import (
    ACCOUNTS,
    EVENT_TYPES,
    INSTALMENT_STATES,
    late_words,
    loan_chip,
)
from lending.domain.books.instalment import InstalmentState
from lending.domain.books.ledger import ACCRUAL, OPENING, Account
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import PayoutHold, TransferKind
from lending.domain.contract.events import EventType
from lending.models import Loan, LoanEvent, Posting, Transfer
from lending.queries.delinquency import classes_of, current_policy
from lending.queries.servicing import EventWithAllocation, InstalmentRow, Servicing, get_servicing
from lending.queries.transfers import payout_holds

TRANSFERS_SHOWN: Final = 8
SHOWN: Final = 30
"""Of the events and entries, the latest; a loan of two years may have thousands."""
ALL: Final = "all"
ENTRY_WORDS: Final = {ACCRUAL: _("Earned ahead of the close"), OPENING: _("Taken over with the loan book")}
"""Of the entries that no event made."""


def loan_page(loan: Loan, request: HttpRequest) -> Page:
    """Return the page of a loan, as far as the user may see it."""
    servicing = get_servicing(loan, most=None if ALL in request.GET else SHOWN)
    projection, position = servicing.projection, servicing.projection.position
    holds, policy = payout_holds(servicing.transfers), current_policy()
    classed = classes_of([loan], policy, on=servicing.as_of).get(loan.pk)

    def amount(minor: int) -> str:
        return money(minor, loan.currency)

    currency = {"currency": loan.currency}
    figures = [
        Figure(label=_t("Outstanding principal, %(currency)s") % currency, value=amount(position.principal_minor)),
        Figure(
            label=_t("Due now, %(currency)s") % currency,
            value=amount(projection.due_minor),
            note=_due(servicing, loan.currency),
        ),
        Figure(
            label=_("Days past due"),
            value=projection.dpd,
            style="tl-late" if projection.dpd else "",
            note=_t("since %(date)s") % {"date": classed.late_since} if classed and classed.late_since else "",
        ),
        Figure(label=_t("Payoff on %(date)s") % {"date": servicing.as_of}, value=amount(projection.payoff_minor)),
    ]
    if position.credit_minor:
        figures.append(Figure(label=_("Credit held"), value=amount(position.credit_minor)))
    return Page(
        title=f"{loan} · {loan.merchant.name}",
        name=linked(loan.merchant, loan.merchant.name),
        chips=[
            chip(*loan_chip(LoanStatus(loan.status), projection.dpd)),
            *([bucket_chip(policy, classed)] if classed and classed.bucket else []),
        ],
        sub=[
            str(loan),
            f"{amount(loan.amount_minor)} {loan.currency}",
            _t("%(rate)s a year") % {"rate": rate_words(servicing.rate)},
            linked(loan.product),
            _origin(loan),
            None if loan.line is None else linked(loan.line),
        ],
        lead=_lead(loan, servicing),
        alerts=[
            *([Alert(text=late_words(projection.dpd), tint="tl-bad")] if projection.dpd else []),
            *(case_alerts(loan.merchant_id, request) if projection.due_minor else []),
            *(warning_alerts(loan.merchant_id, request) if loan.status == LoanStatus.ACTIVE else []),
            *_held(holds),
        ],
        figures=figures,
        cards=[
            *_schedule(servicing, loan),
            *([episodes_card(servicing, loan, policy)] if servicing.spells else []),
            _events(servicing, loan, request),
            _entries(servicing, loan),
            _transfers(servicing, loan, holds),
        ],
    )


def _origin(loan: Loan) -> Cell | str:
    if loan.application is not None:
        return linked(loan.application, _t("the decision"))
    return _t("no %(number)s of the book that was taken over on %(date)s") % {
        "number": loan.imported.number,
        "date": loan.imported_on,
    }


def _held(holds: Mapping[int, PayoutHold]) -> list[Alert]:
    """Explain why the loan's payout is held, and what to do."""
    return [Alert(strong=_("The payout is held back."), text=PAYOUT_HOLDS[hold]) for hold in holds.values()]


def _due(servicing: Servicing, currency: str) -> str:
    """Break down what is due."""
    due = servicing.due
    parts = [
        (_t("principal"), due.principal_minor),
        (_t("interest"), due.interest_minor),
        (_t("penalty"), due.penalty_minor),
        (_t("fees"), due.fees_minor),
        (_t("written off"), due.claim_minor),
        (_t("refund owed back"), due.receivable_minor),
    ]
    return ", ".join(f"{words} {money(minor, currency)}" for words, minor in parts if minor)


def _lead(loan: Loan, servicing: Servicing) -> str:
    """Summarise the loan in one sentence."""
    if loan.status == LoanStatus.APPROVED:
        return _t("Approved; not yet paid out.")
    if loan.status == LoanStatus.CANCELLED:
        return _t("Cancelled before any money left.")
    if loan.status == LoanStatus.CLOSED:
        words = _t("Settled on %(date)s.") if loan.principal_written_off_minor else _t("Repaid in full on %(date)s.")
        return words % {"date": loan.closed_on}
    if loan.status == LoanStatus.WRITTEN_OFF:
        return _t("Written off: payments that still come are recoveries.")
    paid = sum(row.state is InstalmentState.PAID for row in servicing.rows)
    told = _t("Repaid %(paid)s of %(all)s instalments") % {"paid": paid, "all": len(servicing.rows)}
    following = servicing.projection.next_due
    if following is None:
        return f"{told}."
    amount = money(servicing.projection.next_due_minor, loan.currency)
    return f"{told}; " + _t("next %(amount)s on %(date)s.") % {"amount": amount, "date": following}


def _schedule(servicing: Servicing, loan: Loan) -> list[Card]:
    if not servicing.rows:
        return []
    has_fees = any(row.drawn.fee_minor for row in servicing.rows)
    columns = [
        Column(label=_("No"), number=True),
        Column(label=_("Due"), style="tl-nowrap"),
        Column(label=_("Principal"), number=True),
        Column(label=_("Interest"), number=True),
        *([Column(label=_("Fee"), number=True)] if has_fees else []),
        Column(label=_("Total"), number=True),
        Column(label=_("Left to pay"), number=True),
        Column(label=_("State")),
    ]
    table = Table(columns=columns, rows=[_instalment(row, loan, has_fees=has_fees) for row in servicing.rows])
    note = Text(
        _(
            "Interest as drawn. What is left of an instalment that was due is what accrued to its date, and of the "
            "next one what will have; interest and penalties since the last date are in “Due now”."
        ),
        "tl-note",
    )
    chart = Chart(
        name="balance-chart",
        label=_("Principal outstanding after each instalment, as scheduled and as it is; the table says the same."),
        data=_balance(servicing, loan),
    )
    return [
        Card(title=_("Schedule against actual"), parts=[table, note], span=7),
        Card(title=_("Principal, scheduled and actual"), parts=[chart, _charged(servicing, loan)], span=5),
    ]


def _charged(servicing: Servicing, loan: Loan) -> Table:
    position = servicing.projection.position
    rows = [
        (_("Principal"), position.disbursed_minor, position.principal_written_off_minor, position.principal_minor),
        (_("Interest"), position.interest_minor, position.interest_written_off_minor, position.interest_open_minor),
        (_("Penalty"), position.penalty_minor, position.penalty_written_off_minor, position.penalty_open_minor),
        (_("Fees"), position.fees_minor, position.fees_written_off_minor, position.fees_open_minor),
    ]
    any_off = any(off for _, _, off, _ in rows)
    columns = [
        Column(label=_("Part")),
        Column(label=_("Charged to date"), number=True),
        Column(label=_("Paid"), number=True),
        *([Column(label=_("Waived or written off"), number=True)] if any_off else []),
        Column(label=_("Unpaid"), number=True),
    ]
    shown = [
        [words, *(money(m, loan.currency) for m in (charged, charged - off - left, *([off] if any_off else []), left))]
        for words, charged, off, left in rows
    ]
    return Table(columns=columns, rows=shown)


def _instalment(row: InstalmentRow, loan: Loan, *, has_fees: bool) -> list[object]:
    drawn = row.drawn
    fee = [drawn.fee_minor] if has_fees else []
    amounts = (drawn.principal_minor, drawn.interest_minor, *fee, drawn.total_minor, row.left_minor)
    return [drawn.no, drawn.due, *(money(m, loan.currency) for m in amounts), chip(*INSTALMENT_STATES[row.state])]


def _balance(servicing: Servicing, loan: Loan) -> dict[str, object]:
    """Chart the principal as scheduled after each instalment, and as it was."""
    drawn, planned = loan.amount_minor, [major(loan.amount_minor, loan.currency)]
    for row in servicing.rows:
        drawn -= row.drawn.principal_minor
        planned.append(major(drawn, loan.currency))
    days = [loan.disbursed_on or servicing.as_of, *(row.drawn.due for row in servicing.rows)]
    ends = sorted(servicing.repaid.items())
    paid = [0, *accumulate(minor for _, minor in ends)]
    actual = [
        major(loan.amount_minor - paid[bisect_right(ends, day, key=itemgetter(0))], loan.currency)
        if day <= servicing.as_of
        else None
        for day in days
    ]
    return lines(list(map(str, days)), (_t("Schedule"), planned, SERIES[2]), (_t("Actual"), actual, SERIES[0]), low=0)


def _events(servicing: Servicing, loan: Loan, request: HttpRequest) -> Card:
    people = named(one.event.actor for one in servicing.events)
    may_reverse = request.user.has_perm("lending.reverse_loan")
    columns = [
        Column(label=_("No"), number=True),
        Column(label=_("As of"), style="tl-nowrap"),
        Column(label=_("What")),
        Column(label=_("Amount"), number=True),
        *(
            Column(label=words, number=True)
            for words in (_("Penalty"), _("Fees"), _("Interest"), _("Principal"), _("Credit"))
        ),
        Column(label=_("By")),
        Column(label=""),
    ]
    address = reverse("admin:lending_loan_reverse", args=[loan.pk]) if may_reverse else None
    rows = [
        _event(one, loan, people.get(one.event.actor), reversed_at=address if one.is_reversible else None)
        for one in servicing.events
    ]
    empty = _("Nothing yet. Payments, fees and corrections appear here once the loan is paid out.")
    aside = None
    if len(servicing.events) < servicing.booked:
        words = _t("the latest %(shown)s of %(all)s") % {"shown": len(servicing.events), "all": servicing.booked}
        aside = Cell(text=words, link=f"?{ALL}=1", title=_("Show all events and postings"))
    return Card(title=_("Events"), parts=[Table(columns=columns, rows=rows, empty=empty)], aside=aside)


def _event(one: EventWithAllocation, loan: Loan, who: str | None, *, reversed_at: str | None) -> Row:
    """Show an event; reversed_at: the address where it can be reversed, if it can."""
    event, allocation = one.event, one.allocation

    def amount(minor: int | None) -> str:
        return money(minor, loan.currency) if minor else ""

    words = str(EVENT_TYPES[EventType(event.type)])
    if event.of is not None:
        words = _t("%(what)s of no %(no)s") % {"what": words, "no": event.of.seq}
    notes = [
        _t("reversed by no %(no)s") % {"no": one.reversed_by.seq} if one.reversed_by is not None else "",
        event.external_ref,
        event.reason,
    ]
    allocated = [""] * 5
    if allocation is not None:
        allocated = [
            amount(minor)
            for minor in (
                allocation.penalty_minor,
                allocation.fee_minor,
                allocation.interest_minor,
                allocation.principal_minor,
                allocation.credit_minor,
            )
        ]
        if allocation.claim_minor:
            notes.insert(0, _t("recovered: %(amount)s") % {"amount": amount(allocation.claim_minor)})
    return Row(
        cells=[
            event.seq,
            Cell(text=event.on.isoformat(), note=f"{event.booked_at:%Y-%m-%d %H:%M}"),
            Cell(text=words, note=" · ".join(filter(None, notes))),
            _figure(event, loan),
            *allocated,
            who,
            Cell(text=_("Reverse"), link=f"{reversed_at}?event={event.seq}") if reversed_at else "",
        ],
        style="tl-gone" if one.reversed_by is not None else "",
    )


def _figure(event: LoanEvent, loan: Loan) -> object:
    if event.rate is not None:
        return rate_words(event.rate)
    if event.periods is not None:
        return ngettext("%(n)s instalment", "%(n)s instalments", event.periods) % {"n": event.periods}
    return money(event.amount_minor, loan.currency) if event.amount_minor else ""


def _entries(servicing: Servicing, loan: Loan) -> Card:
    columns = [
        Column(label=_("Day of the books"), style="tl-nowrap"),
        Column(label=_("Entry")),
        Column(label=_("Debit")),
        Column(label=_("Credit")),
        Column(label=loan.currency, number=True),
    ]
    rows = [_posting(posting, loan) for posting in servicing.postings]
    note = _("What the loan earns each night is posted by product and day; its own share is in “Charged to date”.")
    return Card(
        title=_("Postings"),
        parts=[Table(columns=columns, rows=rows, empty=_("None yet.")), Text(note, "tl-note")],
        span=7,
    )


def _posting(posting: Posting, loan: Loan) -> list[object]:
    entry = posting.entry
    return [
        entry.effective_date,
        ENTRY_WORDS.get(entry.code) or EVENT_TYPES[EventType[entry.code]],
        ACCOUNTS[Account(posting.debit_id)],
        ACCOUNTS[Account(posting.credit_id)],
        money(posting.amount_minor, loan.currency),
    ]


def _transfers(servicing: Servicing, loan: Loan, holds: Mapping[int, PayoutHold]) -> Card:
    columns = [
        Column(label=_("What"), style="tl-nowrap"),
        Column(label=_("Requested"), number=True),
        Column(label=_("Moved"), number=True),
        Column(label=_("State")),
    ]
    rows = [_transfer(one, loan, holds.get(one.pk)) for one in servicing.transfers[:TRANSFERS_SHOWN]]
    more = len(servicing.transfers) - TRANSFERS_SHOWN
    parts: list[Table | Text] = [Table(columns=columns, rows=rows, empty=_("None yet."))]
    if more > 0:
        said = ngettext("and %(number)s earlier one", "and %(number)s earlier ones", more) % {"number": more}
        parts.append(Text(said, "tl-note"))
    return Card(title=_("Payouts and collections"), parts=parts, span=5)


def _transfer(transfer: Transfer, loan: Loan, hold: PayoutHold | None) -> list[object]:
    return [
        Cell(text=TRANSFER_KINDS[TransferKind(transfer.kind)], note=transfer.on.isoformat()),
        money(transfer.amount_minor, loan.currency),
        money(transfer.moved_minor, loan.currency),
        transfer_state(transfer, hold),
    ]
