"""Office pages of letters to borrowers in arrears, and of the policies by which they are written."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Alert, Card, Cell, Column, Facts, Heading, Page, Part, Table, Text, chip, linked
from config.office.lists import Filter, ListColumn, Listing, Search, choice_filter
from config.office.pages import OfficeAdmin, name_of, name_over
from config.office.verbs import TO_BE_GIVEN, ReasonForm, Refusals, Verb, refused_by
from config.office.words import Words, money
from lending.admin.letter_words import LETTER_REFUSALS, LETTER_STATES, STOPS
from lending.domain.arrears.case import CaseState
from lending.domain.arrears.dunning_policy import DunningPolicy
from lending.domain.arrears.letter import (
    UNSETTLED,
    LetterState,
    Stop,
    judge_sending_again,
    judge_withholding,
)
from lending.gateways.mail import message_id
from lending.models import ArrearsCase, Letter
from lending.models import DunningPolicy as PolicyRow
from lending.operations.letters import LetterNotMoved, send_letter_again, withhold_letter
from lending.queries.letters import dunning_policy, has_waiting, late_letters, policy_of
from lending.queries.search import search_letters
from merchants.domain.contact_detail import Language
from merchants.queries.labels import LANGUAGES

MOVED: Final[Refusals] = {LetterNotMoved: LETTER_REFUSALS}
NO_ADDRESS: Final = _("No e-mail address of the borrower is known: add one on the merchant's page, and send it again.")
UNKNOWN: Final = _(
    "The mail server may have taken it: nobody said so before the connection, or the worker, was gone. It is not sent "
    "again by itself. Look for the Message-ID in the log of the mail server, then send it again or leave it."
)


def letter_chip(letter: Letter) -> Cell:
    """Show the state of a letter, and why it is so."""
    return replace(chip(*LETTER_STATES[LetterState(letter.state)]), note=_why(letter))


def _why(letter: Letter) -> Words:
    if letter.stop:
        return STOPS[Stop(letter.stop)]
    if letter.state == LetterState.REFUSED and letter.detail_id is None:
        return _("No e-mail address is known.")
    return letter.reason or letter.answer


def _left(letter: Letter) -> str:
    return f"{letter.sent_at:%Y-%m-%d %H:%M} UTC" if letter.sent_at else ""


def _sent_again(letter: Letter) -> Words:
    if letter.state == LetterState.DROPPED:
        return _("Its figures are too old: the next close writes the letter anew, if the borrower is still to get it.")
    return _("The letter is sent again, in the hours for letters.")


VERBS: Final[Sequence[Verb]] = (
    Verb(
        name="send_again",
        label=_("Send again"),
        right="lending.work_arrearscase",
        offered=lambda letter: letter.state in UNSETTLED,
        form=ReasonForm,
        note=_("If the mail server took it before, the borrower gets it twice."),
        why_not=refused_by(
            lambda letter, _asked: judge_sending_again(
                LetterState(letter.state),
                CaseState(letter.case.state),
                another_waits=has_waiting(letter.case),
                reason=TO_BE_GIVEN,
            ),
            LETTER_REFUSALS,
        ),
        call=lambda letter, asked: send_letter_again(
            letter_id=letter.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
        ),
        done=_sent_again,
        refusals=MOVED,
        is_primary=True,
    ),
    Verb(
        name="withhold",
        label=_("Do not send"),
        right="lending.work_arrearscase",
        offered=lambda letter: letter.state in UNSETTLED | {LetterState.DUE},
        form=ReasonForm,
        note=_("This step is then over for the borrower: no letter of it is written again for this due date."),
        why_not=refused_by(
            lambda letter, _asked: judge_withholding(LetterState(letter.state), reason=TO_BE_GIVEN), LETTER_REFUSALS
        ),
        call=lambda letter, asked: withhold_letter(
            letter_id=letter.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
        ),
        done=_("The letter is not sent."),
        refusals=MOVED,
    ),
)


@admin.register(Letter)
class LetterAdmin(OfficeAdmin[Letter]):
    title = _("Letters to borrowers in arrears")
    columns = (
        ListColumn(label=_("Merchant"), cell=lambda row: name_over(row.case.merchant.name, str(row.case))),
        ListColumn(label=_("Letter"), cell=lambda row: Cell(text=row.step, note=LANGUAGES[Language(row.language)])),
        ListColumn(label=_("State"), cell=letter_chip),
        ListColumn(label=_("Written on"), cell=lambda row: row.on, style="tl-nowrap"),
        ListColumn(label=_("Left"), cell=_left, style="tl-nowrap"),
        ListColumn(label=_("Due and unpaid"), cell=lambda row: money(row.due_minor, row.case.currency), number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row.case.currency),
    )
    filters = (
        choice_filter("state", _("state"), LETTER_STATES),
        Filter(
            name="to_do",
            label=_("to decide"),
            choices=lambda: [("yes", _("By a collector"))],
            keep=lambda rows, _value: rows.unsettled(),  # type: ignore[attr-defined]
        ),
        Filter(
            name="late",
            label=_("waiting"),
            choices=lambda: [("yes", _("For more than a day"))],
            keep=lambda rows, _value: rows.filter(pk__in=late_letters(now=timezone.now()).values("pk")),
        ),
    )
    search = Search(help=_("Letter, case or merchant"), keep=lambda rows, term: search_letters(term, rows))
    list_related = ("case__merchant",)
    related = ("case__merchant__partner", "policy")
    verbs = VERBS
    empty = _("No letter yet. A close writes them by the dunning policy, once one is entered.")

    def list_parts(self, listing: Listing) -> Sequence[Part]:
        in_force = dunning_policy()
        if in_force is None:
            return [Text(_("No dunning policy is entered, so no letter is written: manage.py enter_dunning_policy."))]
        policy = linked(in_force.row, _t("Dunning policy, version %(number)s") % {"number": in_force.row})
        return [Facts([(_("Written by"), policy), (_("Leave"), _hours(in_force.policy))])]

    def page_of(self, row: Letter, request: HttpRequest) -> Page:
        hint = None
        if row.state == LetterState.UNKNOWN:
            hint = UNKNOWN
        elif row.state == LetterState.REFUSED and row.detail_id is None:
            hint = NO_ADDRESS
        facts: list[tuple[Words, object]] = [
            (_("Step"), _t("%(step)s, from %(days)s days past due") % {"step": row.step, "days": row.from_days}),
            (_("As of"), row.on),
            (_("Oldest unpaid due date"), row.late_since),
            (_("Due and unpaid"), f"{row.case.currency} {money(row.due_minor, row.case.currency)}"),
            (_("Owed in all"), f"{row.case.currency} {money(row.owed_minor, row.case.currency)}"),
            (_("Language"), LANGUAGES[Language(row.language)]),
            (_("Handed over"), _left(row) or _("not yet")),
            (_("Attempts"), row.attempts),
            (_("Message-ID"), message_id(row.key)),
            (_("Written by"), linked(row.policy, _t("policy, version %(number)s") % {"number": row.policy})),
        ]
        if row.decided_by:
            facts.append((_("Withheld by"), name_of(row.decided_by)))
        return Page(
            title=f"{row.step} · {row}",
            name=linked(row.case, row.case.merchant.name),
            chips=[chip(*LETTER_STATES[LetterState(row.state)])],
            sub=[str(row), str(_why(row)) or None],
            alerts=[] if hint is None else [Alert(text=hint)],
            cards=[
                Card(title=row.subject, parts=[Text(row.body, "tl-letter")], span=7),
                Card(title=_("The letter"), parts=[Facts(facts)], span=5),
            ],
        )


@admin.register(PolicyRow)
class DunningPolicyAdmin(OfficeAdmin[PolicyRow]):
    title = _("Dunning policies")
    columns = (
        ListColumn(label=_("Version"), cell=lambda row: row.version),
        ListColumn(label=_("Entered"), cell=lambda row: f"{row.created_at:%Y-%m-%d %H:%M} UTC", style="tl-nowrap"),
        ListColumn(label=_("By"), cell=lambda row: name_of(row.created_by)),
    )
    empty = _("No dunning policy is entered: manage.py enter_dunning_policy enters the first.")

    def page_of(self, row: PolicyRow, request: HttpRequest) -> Page:
        policy = policy_of(row)
        cap = {"letters": policy.cap.letters, "days": policy.cap.days}
        facts: list[tuple[Words, object]] = [
            (_("Signed by"), policy.lender),
            (_("Letters leave"), _hours(policy)),
            (_("To a borrower, at most"), _t("%(letters)s letters in %(days)s days") % cap),
        ]
        return Page(
            title=_t("Dunning policy, version %(number)s") % {"number": row},
            sub=[_t("entered on %(date)s") % {"date": row.created_at.date()}, name_of(row.created_by)],
            cards=[Card(title=_("When letters leave"), parts=[Facts(facts)]), *_steps(policy)],
        )


def _steps(policy: DunningPolicy) -> Iterator[Card]:
    for step in policy.steps:
        for language, text in step.texts.items():
            named = {"step": step.name, "days": step.from_days, "language": LANGUAGES[language]}
            title = _t("%(step)s, from %(days)s days past due: %(language)s") % named
            yield Card(title=title, parts=[Heading(text.subject), Text(text.body, "tl-letter")], span=6)


def _hours(policy: DunningPolicy) -> str:
    hours = {"from": policy.hours.from_hour, "until": policy.hours.until_hour, "zone": settings.BUSINESS_TIME_ZONE}
    return _t("from %(from)s to %(until)s o'clock, %(zone)s") % hours


def letters_card(case: ArrearsCase, letters: Sequence[Letter], *, span: int) -> Card:
    """Show the letters of a case, each readable on its page."""
    columns = [
        Column(label=_("Written on"), style="tl-nowrap"),
        Column(label=_("State")),
        Column(label=_("Due and unpaid"), number=True),
        Column(label=_("Left"), style="tl-nowrap"),
    ]
    rows = [
        [linked(one, str(one.on), note=one.step), letter_chip(one), money(one.due_minor, case.currency), _left(one)]
        for one in letters
    ]
    return Card(title=_("Letters"), parts=[Table(columns=columns, rows=rows, empty=_("No letter yet."))], span=span)
