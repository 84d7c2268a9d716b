"""What of lending waits for people."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.desk import Queue, Waiting, listed_at
from config.office.display import change_url
from config.office.verbs import Asked
from lending.admin.application import decidable_by
from lending.admin.arrears import NOBODY
from lending.admin.setup import STEPS
from lending.domain.books.bank_messages import AnswerState
from lending.domain.books.day_close import CloseState
from lending.domain.books.transfer import TransferState
from lending.domain.origination.setup import StepState
from lending.domain.watch.warning import WarningState
from lending.gateways.mail import is_set_up
from lending.models import Transfer
from lending.queries.arrears import due_cases
from lending.queries.bank_queue import get_bank_queue
from lending.queries.closes import get_close_refusal, get_opening_refusal, last_close, next_day
from lending.queries.letters import undelivered
from lending.queries.lines import unreviewed_lines
from lending.queries.month_closes import get_month_refusal, next_month
from lending.queries.products import ending_calendars, sold_products
from lending.queries.setup import get_setup
from lending.queries.warnings import unjudged_warnings
from scoring.models import LiveRun

FINANCE: Final = frozenset({"lending.settle_bankanswer"})
COLLECT: Final = frozenset({"lending.work_arrearscase"})


def _applications(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = decidable_by(asked.user).aggregate(number=Count("pk"), since=Min("entered_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("application waits for your decision", "applications wait for your decision", number),
            link=listed_at("lending_application", waits_for=asked.user.username),
            button=_("Decide"),
            tag="referred",
            since=found["since"],
        )


def _cases(asked: Asked, on: date | None) -> Iterator[Waiting]:
    if on is None:
        return
    due = due_cases(on=on, owner=str(asked.actor))
    own, free = due.own, due.free
    for number, owner, since, said in (
        (own, str(asked.actor), due.own_since, ngettext("case of yours is due", "cases of yours are due", own)),
        (free, NOBODY, due.free_since, ngettext("due case has no collector", "due cases have no collector", free)),
    ):
        if number:
            yield Waiting(
                number=number,
                what=said,
                link=listed_at("lending_arrearscase", next="due", owner=owner, sort="next_on"),
                button=_("Work on them"),
                tag="cases",
                since=since,
            )


def _letters(asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = undelivered(now=asked.now)
    if number := found.unsettled:
        yield Waiting(
            number=number,
            what=ngettext("letter is to be decided", "letters are to be decided", number),
            note=_(
                "It could not be sent, or nobody knows whether the mail server took it: send it again, or leave it."
            ),
            link=listed_at("lending_letter", to_do="yes"),
            button=_("Decide"),
            tag="letters",
            is_urgent=True,
        )
    if number := found.late:
        unset = _("No mail server is set up (MAIL_SERVER).")
        yield Waiting(
            number=number,
            what=ngettext("letter waited for more than a day", "letters waited for more than a day", number),
            note=_("The mail server is out of reach.") if is_set_up() else unset,
            link=listed_at("lending_letter", state="DUE"),
            button=_("Look"),
            tag="late-letters",
        )


def _warnings(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    number, since = unjudged_warnings()
    if number:
        yield Waiting(
            number=number,
            what=ngettext("early warning awaits review", "early warnings await review", number),
            link=listed_at("lending_earlywarning", state=WarningState.RAISED, review="yes"),
            button=_("Review"),
            tag="warnings",
            since=since,
        )


def _lines(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    if number := unreviewed_lines().count():
        yield Waiting(
            number=number,
            what=ngettext("credit line was not reviewed", "credit lines were not reviewed", number),
            note=_("By the latest round: limits stay as they were, and the workers' log says why."),
            link=listed_at("lending_line", reviewed="no"),
            button=_("Look"),
            tag="unreviewed",
        )


def _calendars(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    for version, first in [] if on is None else ending_calendars(sold_products(), on=on):
        yield Waiting(
            number=1,
            what=_t("calendar ends: that of %(product)s") % {"product": version},
            note=_t("From %(day)s on its longest loans are refused, as their last due dates are not known.")
            % {"day": first},
            link=change_url(version),
            button=_("Enter more years"),
            tag="calendar",
        )


def _days(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    day = next_day()
    if on is not None and day is not None and get_close_refusal() is None:
        number = (on - day).days
        yield Waiting(
            number=number,
            what=ngettext("day is not closed", "days are not closed", number),
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
    steps = [step for step, state in get_setup(now=asked.now).states.items() if state is StepState.READY]
    if steps and not LiveRun.objects.exists():
        yield Waiting(
            number=len(steps),
            what=ngettext("step of setting up is to be done", "steps of setting up are to be done", len(steps)),
            note=_("Until then there are no scores."),
            link=reverse("admin:overview"),
            button=_("See what to do"),
            tag="",
        )


def _proof(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    close = last_close()
    if close is not None and close.state == CloseState.BROKEN:
        yield Waiting(
            number=1,
            what=_t("proof of the books failed, of %(date)s") % {"date": close.day},
            note=_("No money is paid out until the books are proven again; payments are still taken."),
            link=change_url(close),
            button=_("Look"),
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
        )


def _transfers(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    found = Transfer.objects.unknown().aggregate(number=Count("pk"), since=Min("made_at"))
    if number := found["number"]:
        yield Waiting(
            number=number,
            what=ngettext("payout or collection has no answer", "payouts or collections have no answer", number),
            note=_("Whether the money moved is not known."),
            link=listed_at("lending_transfer", state=TransferState.UNKNOWN),
            button=_("Look"),
            tag="unknown",
            since=found["since"],
            is_urgent=True,
        )


def _banks(_asked: Asked, on: date | None) -> Iterator[Waiting]:
    queue = get_bank_queue(on=on)
    for bank, waiting in queue.unanswered.items():
        if waiting.number:
            said = ngettext("order at %(bank)s has no answer", "orders at %(bank)s have no answer", waiting.number)
            yield Waiting(
                number=waiting.number,
                what=said % {"bank": bank},
                note=_("Ask whether they were received."),
                link=listed_at("lending_transfer", gateway=bank, state="PENDING"),
                button=_("Look"),
                tag="transfer",
                since=waiting.since,
                is_urgent=True,
            )
    for bank, waiting in queue.uncleared.items():
        if waiting.number:
            said = ngettext(
                "order at %(bank)s is on no statement", "orders at %(bank)s are on no statement", waiting.number
            )
            yield Waiting(
                number=waiting.number,
                what=said % {"bank": bank},
                note=_("The bank said that their money moved."),
                link=listed_at("lending_transfer", gateway=bank),
                button=_("Look"),
                tag="",
                since=waiting.since,
                is_urgent=True,
            )
    if number := queue.held:
        yield Waiting(
            number=number,
            what=ngettext("answer of a bank is held", "answers of banks are held", number),
            note=_("Nothing was done by itself: decide what it means."),
            link=listed_at("lending_bankanswer", state=AnswerState.HELD),
            button=_("Settle"),
            tag="bankanswer",
            is_urgent=True,
        )
    if number := queue.set_aside:
        yield Waiting(
            number=number,
            what=ngettext("file of a bank is set aside", "files of banks are set aside", number),
            note=_("Nothing of it counts until it can be read."),
            link=listed_at("lending_bankfile", state="aside"),
            button=_("Look"),
            tag="bankfile",
        )
    if number := queue.suspense.number:
        yield Waiting(
            number=number,
            what=ngettext("statement line is in suspense", "statement lines are in suspense", number),
            link=listed_at("lending_statementline", state="suspense"),
            button=_("Resolve"),
            tag="statementline",
            since=queue.suspense.since,
        )
    if number := queue.statements:
        yield Waiting(
            number=number,
            what=ngettext("bank statement waits", "bank statements wait", number),
            note=_("For those before it, which the bank has not sent."),
            link=listed_at("lending_bankstatement", state="waits"),
            button=_("Look"),
            tag="bankstatement",
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
    Queue(rights=FINANCE, read=_banks),
    Queue(rights=frozenset({"lending.unfreeze_line"}), read=_lines),
    Queue(rights=frozenset({"lending.add_productversion"}), read=_calendars),
)
