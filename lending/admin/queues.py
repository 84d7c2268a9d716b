"""What of lending waits for people."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.kernel.calendar import add_months
from config.office.desk import Queue, Waiting, listed_at, rows_waiting
from config.office.display import change_url
from config.office.verbs import Asked
from config.office.words import Words
from lending.admin.application import decidable_by
from lending.admin.arrears import NOBODY
from lending.admin.setup import STEPS
from lending.admin.transfer import OVERDUE
from lending.domain.books.bank_messages import AnswerState
from lending.domain.books.day_close import CloseState
from lending.domain.books.transfer import TransferState
from lending.domain.origination.setup import StepState
from lending.domain.watch.warning import WarningState
from lending.gateways.mail import is_set_up
from lending.models import BankAnswer, BankFile, Letter, StatementLine, Transfer
from lending.queries.arrears import due_cases
from lending.queries.bank_queue import blocked_statements
from lending.queries.closes import get_close_refusal, get_opening_refusal, last_close, next_day
from lending.queries.letters import late_letters
from lending.queries.lines import unreviewed_lines
from lending.queries.month_closes import get_month_refusal, next_month
from lending.queries.products import ending_calendars, sold_products
from lending.queries.setup import get_setup
from lending.queries.warnings import warnings_to_review
from scoring.models import LiveRun

FINANCE: Final = frozenset({"lending.settle_bankanswer"})
COLLECT: Final = frozenset({"lending.work_arrearscase"})
OVERDUE_ORDERS: Final[Mapping[str, tuple[Callable[[int], str], Words]]] = {
    "unanswered": (
        lambda n: ngettext("order at %(bank)s has no answer", "orders at %(bank)s have no answer", n),
        _("Ask whether they were received."),
    ),
    "uncleared": (
        lambda n: ngettext("order at %(bank)s not on any statement", "orders at %(bank)s not on any statement", n),
        _("The bank confirmed that their money moved."),
    ),
}


def _applications(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        decidable_by(asked.user),
        said=lambda n: ngettext("application to decide", "applications to decide", n),
        link=listed_at("lending_application", waits_for=str(asked.actor)),
        button=_("Decide"),
        tag="referred",
        since="entered_at",
    )


def _cases(asked: Asked, on: date | None) -> Iterator[Waiting]:
    if on is None:
        return
    for owner, kept, tag, one, many in (
        (str(asked.actor), str(asked.actor), "own-cases", "case of yours is due", "cases of yours are due"),
        ("", NOBODY, "free-cases", "unassigned case is due", "unassigned cases are due"),
    ):
        yield from rows_waiting(
            due_cases(on=on).filter(owner=owner),
            said=lambda n, one=one, many=many: ngettext(one, many, n),  # type: ignore[misc] # the words of this turn
            link=listed_at("lending_arrearscase", next="due", owner=kept, sort="next_on"),
            button=_("Work on them"),
            tag=tag,
            since="next_on",
        )


def _letters(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        Letter.objects.unsettled(),
        said=lambda n: ngettext("letter needs a decision", "letters need a decision", n),
        note=_("Not sent, or delivery unconfirmed: send it again, or withhold it."),
        link=listed_at("lending_letter", to_do="yes"),
        button=_("Decide"),
        tag="letters",
        since="written_at",
        is_urgent=True,
    )
    unset = _("No mail server is set up (MAIL_SERVER).")
    yield from rows_waiting(
        late_letters(now=asked.now),
        said=lambda n: ngettext("letter waited for more than a day", "letters waited for more than a day", n),
        note=_("The mail server is out of reach.") if is_set_up() else unset,
        link=listed_at("lending_letter", late="yes"),
        button=_("Open"),
        tag="late-letters",
        since="written_at",
    )


def _warnings(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        warnings_to_review(),
        said=lambda n: ngettext("early warning to review", "early warnings to review", n),
        link=listed_at("lending_earlywarning", state=WarningState.RAISED, review="yes"),
        button=_("Review"),
        tag="warnings",
        since="raised_on",
    )


def _lines(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        unreviewed_lines(),
        said=lambda n: ngettext("credit line was not reviewed", "credit lines were not reviewed", n),
        note=_("By the latest round: limits stay as they were, and the workers' log says why."),
        link=listed_at("lending_line", reviewed="no"),
        button=_("Open"),
        tag="unreviewed",
    )


def _calendars(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    for version, first in [] if on is None else ending_calendars(sold_products(), on=on):
        yield Waiting(
            number=1,
            what=_t("holiday calendar runs out: that of %(product)s") % {"product": version},
            note=_t("From %(day)s on its longest loans are refused, as their last due dates are not known.")
            % {"day": first},
            link=change_url(version),
            button=_("Enter more years"),
            tag=f"calendar-{version.pk}",
        )


def _days(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    day = next_day()
    if on is not None and day is not None and get_close_refusal() is None:
        number = (on - day).days
        yield Waiting(
            number=number,
            what=ngettext("day to close", "days to close", number),
            note=_t("The next is %(day)s.") % {"day": day},
            link=reverse("admin:lending_dayclose_start"),
            button=_("Close the next day"),
            tag="days",
            since=day + timedelta(days=1),
        )
    elif get_opening_refusal() is None:
        yield Waiting(
            number=1,
            what=_("business day can be opened"),
            note=_t("The books of %(day)s are closed behind it.") % {"day": on},
            link=reverse("admin:lending_dayclose_open"),
            button=_("Open the next day"),
            tag="opening",
        )


def _setup(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    if LiveRun.objects.exists():
        return
    ready = [step for step, state in get_setup(now=asked.now).states.items() if state is StepState.READY]
    steps = [step for step in ready if STEPS[step].right and asked.may(STEPS[step].right)]
    if steps:
        yield Waiting(
            number=len(steps),
            what=ngettext("setup step to complete", "setup steps to complete", len(steps)),
            note=_("Until then there are no scores."),
            link=reverse("admin:overview"),
            button=_("See what to do"),
            tag="setup",
        )


def _proof(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    close = last_close()
    if close is not None and close.state == CloseState.BROKEN:
        yield Waiting(
            number=1,
            what=_t("day's books failed their proof: %(date)s") % {"date": close.day},
            note=_("No money is paid out until the books are proven again; payments are still taken."),
            link=change_url(close),
            button=_("Open the close"),
            tag="broken",
            since=close.finished_at,
            is_urgent=True,
        )


def _months(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    month = next_month()
    if month is not None and get_month_refusal(month) is None:
        yield Waiting(
            number=1,
            what=_t("month can be closed: %(month)s") % {"month": f"{month:%Y-%m}"},
            link=reverse("admin:lending_monthclose_close"),
            button=_("Close the month"),
            tag="month",
            since=add_months(month, 1),
        )


def _transfers(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        Transfer.objects.unknown(),
        said=lambda n: ngettext("payout or collection has no answer", "payouts or collections have no answer", n),
        note=_("Whether the money moved is not known."),
        link=listed_at("lending_transfer", state=TransferState.UNKNOWN),
        button=_("Open"),
        tag="unknown",
        since="made_at",
        is_urgent=True,
    )


def _orders(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    if on is None:
        return
    for name, (_label, orders) in OVERDUE.items():
        said, note = OVERDUE_ORDERS[name]
        found = orders(on=on).values_list("gateway").annotate(number=Count("pk"), since=Min("on"))
        for bank, number, since in found.order_by("gateway"):
            yield Waiting(
                number=number,
                what=said(number) % {"bank": bank},
                note=note,
                link=listed_at("lending_transfer", gateway=bank, overdue=name),
                button=_("Open"),
                tag=f"{name}-{bank}",
                since=since,
                is_urgent=True,
            )


def _banks(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    yield from rows_waiting(
        BankAnswer.objects.held(),
        said=lambda n: ngettext("bank's answer is held", "banks' answers are held", n),
        note=_("Nothing was done by itself: decide what it means."),
        link=listed_at("lending_bankanswer", state=AnswerState.HELD),
        button=_("Settle"),
        tag="bankanswer",
        since="file__made_at",
        is_urgent=True,
    )
    yield from rows_waiting(
        BankFile.objects.set_aside(),
        said=lambda n: ngettext("bank file is set aside", "bank files are set aside", n),
        note=_("Nothing of it counts until it can be read."),
        link=listed_at("lending_bankfile", state="aside"),
        button=_("Open"),
        tag="bankfile",
        since="made_at",
    )
    yield from rows_waiting(
        StatementLine.objects.in_suspense(),
        said=lambda n: ngettext("statement line is in suspense", "statement lines are in suspense", n),
        link=listed_at("lending_statementline", state="suspense"),
        button=_("Resolve"),
        tag="statementline",
        since="booked_on",
    )
    if on is not None:
        yield from rows_waiting(
            blocked_statements(on=on),
            said=lambda n: ngettext("bank statement cannot be booked", "bank statements cannot be booked", n),
            note=_("An earlier statement is missing."),
            link=listed_at("lending_bankstatement", state="blocked"),
            button=_("Open"),
            tag="bankstatement",
            since="closed_on",
        )


QUEUES: Final = (
    Queue(rights=frozenset(words.right for words in STEPS.values() if words.right), read=_setup),
    Queue(rights=frozenset({"lending.start_dayclose", "office.view_auditseal"}), read=_proof),
    Queue(rights=frozenset({"lending.decide_application"}), read=_applications),
    Queue(rights=COLLECT, read=_cases),
    Queue(rights=COLLECT, read=_letters),
    Queue(rights=frozenset({"lending.judge_earlywarning"}), read=_warnings),
    Queue(rights=frozenset({"lending.start_dayclose"}), read=_days),
    Queue(rights=frozenset({"lending.add_monthclose"}), read=_months),
    Queue(rights=FINANCE, read=_transfers),
    Queue(rights=FINANCE, read=_orders),
    Queue(rights=FINANCE, read=_banks),
    Queue(rights=frozenset({"lending.unfreeze_line"}), read=_lines),
    Queue(rights=frozenset({"lending.add_productversion"}), read=_calendars),
)
