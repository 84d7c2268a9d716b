"""Office pages of closes: progress, proof, and opening or closing the next day by hand."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.business_date import get_business_date
from config.office.display import Alert, Card, Cell, Column, Facts, Page, Part, Table, Text, chip, linked
from config.office.lists import ListColumn, choice_filter
from config.office.pages import OfficeAdmin, name_of
from config.office.progress import live_view, progress_page
from config.office.verbs import Asked, Effects, Verb, VerbForm, date_field, refused_by
from config.office.words import money
from lending.admin.words import ACCOUNTS, CLOSE_REFUSALS, CLOSE_STATES, OPENING_REFUSALS, PROOF_LINES
from lending.domain.books.day_close import CloseState
from lending.domain.books.ledger import Account
from lending.models import DayClose, Loan, ProofLine
from lending.operations.day_close import CLOSE, DayNotClosed, DayNotOpened, close_day, open_first_day, open_next_day
from lending.queries.closes import (
    drifted_of,
    get_close_refusal,
    get_first_refusal,
    get_opening,
    get_opening_refusal,
    next_day,
    postings_of,
    proof_of,
)

RIGHT: Final = "lending.start_dayclose"


def _close_about(_row: None, _asked: Asked) -> Sequence[Part]:
    return [Facts([(_("Day to close"), next_day()), (_("Active loans"), Loan.objects.active().count())])]


def _open_about(_row: None, _asked: Asked) -> Sequence[Part]:
    opening = get_opening()
    if opening.after is None:
        return []
    columns = [
        Column(label=_("To be collected")),
        Column(label=_("Loans"), number=True),
        Column(label=_("Amount"), number=True),
    ]
    dues = [[row.currency, row.loans, money(row.minor, row.currency)] for row in opening.dues]
    facts = [
        (_("Open now"), opening.after),
        (_("Opens"), opening.after + timedelta(days=1)),
        (_("Closed behind it"), opening.closes),
    ]
    return [Facts(facts), Table(columns=columns, rows=dues, empty=_("Nothing is due on the day that is closed."))]


def _shown(asked: Asked) -> date:
    """Return which day the page showed; a form that nobody was shown names one that is never next."""
    try:
        return date.fromisoformat(asked.seen or "")
    except ValueError:
        return date.min


def _close(_row: None, asked: Asked) -> DayClose:
    return close_day(actor=asked.actor, now=asked.now, seen=_shown(asked))


def _open(_row: None, asked: Asked) -> DayClose:
    return open_next_day(after=_shown(asked), actor=asked.actor, now=asked.now)


CLOSE_NEXT: Final = Verb(
    name="start",
    label=_("Close the next day"),
    right=RIGHT,
    about=_close_about,
    note=_(
        "Dues are collected, interest and penalties accrued, every loan is compared with its events, and the ledger "
        "with the loans. Payments can be booked meanwhile."
    ),
    why_not=refused_by(lambda _row, _asked: get_close_refusal(), CLOSE_REFUSALS),
    seen=lambda _row: next_day(),
    call=_close,
    done=_("The close has started."),
    refusals={DayNotClosed: CLOSE_REFUSALS},
    is_primary=True,
)
OPEN: Final = Verb(
    name="open",
    label=_("Open the next day"),
    right=RIGHT,
    about=_open_about,
    note=_(
        "The next day opens at once and takes payments; the day before is closed behind it and its books are proven."
    ),
    why_not=refused_by(lambda _row, _asked: get_opening_refusal(), OPENING_REFUSALS),
    seen=lambda _row: get_business_date(),
    call=_open,
    done=_("The next day is open; the day before is being closed."),
    refusals={
        DayNotOpened: OPENING_REFUSALS,
        DayNotClosed: _("The next day is open; the day before cannot be closed yet."),
    },
)


class FirstDayForm(VerbForm):
    on = date_field(_("First business date"))


FIRST: Final = Verb(
    name="first",
    label=_("Open the first day"),
    right=RIGHT,
    form=FirstDayForm,
    note=_("The office begins on this day: it takes payments, and scores are as of its morning."),
    effects=lambda _row, _asked: Effects(warning=_("The date only moves forward: there is no way back.")),
    why_not=refused_by(lambda _row, _asked: get_first_refusal(), OPENING_REFUSALS),
    offered=lambda _row: get_first_refusal() is None,
    call=lambda _row, asked: open_first_day(on=asked.data["on"], actor=asked.actor, now=asked.now),
    done=_("The day is open."),
    refusals={DayNotOpened: OPENING_REFUSALS},
    is_primary=True,
)


@admin.register(DayClose)
class DayCloseAdmin(OfficeAdmin[DayClose]):
    columns = (
        ListColumn(label=_("Day"), cell=lambda close: close.day.isoformat(), style="tl-nowrap"),
        ListColumn(label=_("State"), cell=lambda close: chip(*CLOSE_STATES[CloseState(close.state)])),
        ListColumn(label=_("Loans"), cell=lambda close: close.loans, number=True),
        ListColumn(label=_("Started, UTC"), cell=lambda close: close.started_at, style="tl-nowrap"),
        ListColumn(label=_("Finished, UTC"), cell=lambda close: close.finished_at, style="tl-nowrap"),
    )
    filters = (choice_filter("state", _("state"), CLOSE_STATES),)
    list_verbs = (CLOSE_NEXT, OPEN, FIRST)
    empty = _("No day closed yet. Every day from the first loan on is closed once the next has opened.")

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:row_id>/progress/", wrap(self.progress_view), name="lending_dayclose_progress")]

    def progress_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.require_view(request)
        return live_view(request, _live(self.found(row_id)))

    def page_of(self, row: DayClose, request: HttpRequest) -> Page:
        part, drifted, proof = _live(row), drifted_of(row), proof_of(row)
        started = {"at": f"{row.started_at:%Y-%m-%d %H:%M}", "who": name_of(row.started_by)}
        took = None if row.finished_at is None else (row.finished_at - row.started_at).total_seconds()
        loans = ngettext("%(n)s loan running", "%(n)s loans running", row.loans) % {"n": f"{row.loans:,}"}
        alerts = []
        if drifted:
            named = Cell(more=[linked(loan) for loan in drifted])
            alerts = [Alert(tint="tl-bad", link=named, text=_("what these loans hold is not what their events give."))]
        return Page(
            title=_t("Close of %(date)s") % {"date": row.day},
            chips=[chip(*CLOSE_STATES[CloseState(row.state)])],
            sub=[
                _t("started %(at)s UTC by %(who)s") % started,
                None if took is None else _t("took %(seconds)s s") % {"seconds": f"{took:,.1f}"},
                loans,
            ],
            alerts=alerts,
            live=part.live,
            poll=part.poll,
            cards=[*([_proof(proof)] if proof else []), _postings(row)],
        )


def _live(close: DayClose) -> Page:
    """Show the stages of the close; while it is in progress, the page polls."""
    working = close.state == CloseState.WORKING
    poll = reverse("admin:lending_dayclose_progress", args=[close.pk]) if working else None
    return progress_page(CLOSE, subject_id=close.pk, poll=poll)


def _proof(proof: Sequence[ProofLine]) -> Card:
    columns = [
        Column(label=_("Account")),
        Column(label=_("Currency")),
        Column(label=_("Ledger"), number=True),
        Column(label=_("Loans"), number=True),
        Column(label=_("Verdict")),
    ]
    words = _(
        "Debits are positive. Before, the loans that moved and a 28th of the others were compared with their events."
    )
    note = Text(words, "tl-note")
    return Card(
        title=_("Proof: every account is the sum over all loans"),
        parts=[Table(columns=columns, rows=[_proof_row(line) for line in proof]), note],
    )


def _proof_row(line: ProofLine) -> list[object]:
    gap = line.ledger_minor - line.loans_minor
    said = _t("%(gap)s apart") % {"gap": money(gap, line.currency)}
    return [
        PROOF_LINES[line.account],
        line.currency,
        money(line.ledger_minor, line.currency),
        money(line.loans_minor, line.currency),
        chip(said, "tl-bad") if gap else chip(_("Equal"), "tl-ok"),
    ]


def _postings(close: DayClose) -> Card:
    columns = [
        Column(label=_("Debit")),
        Column(label=_("Credit")),
        Column(label=_("Currency")),
        Column(label=_("Amount"), number=True),
    ]
    rows = [
        [ACCOUNTS[Account(debit)], ACCOUNTS[Account(credit)], currency, money(total, currency)]
        for debit, credit, currency, total in postings_of(close)
    ]
    working = _("Not yet: this appears when the accruals are posted.")
    nothing = _("Nothing: no loan earned anything that was not booked before. Collections are entries of their loans.")
    empty = working if close.state == CloseState.WORKING else nothing
    return Card(title=_("What the close posted"), parts=[Table(columns=columns, rows=rows, empty=empty)])
