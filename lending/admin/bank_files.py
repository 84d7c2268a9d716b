"""Office pages of bank accounts, of the files exchanged with banks, and of what banks say of orders."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Alert, Button, Card, Cell, Column, Facts, Figure, Page, Table, chip, linked
from config.office.lists import Filter, ListColumn, choice_filter, value_filter
from config.office.pages import OfficeAdmin, name_of
from config.office.verbs import Asked, ReasonForm, Verb
from config.office.words import Words, money
from lending.admin.bank_words import ANSWER_HOLDS, ANSWER_STATES, FILE_STATES, OUTCOMES
from lending.admin.transfer_words import RETURN_REFUSALS, TRANSFER_STATES
from lending.admin.words import LOAN_REFUSALS
from lending.domain.books.bank_messages import AnswerHold, AnswerState, Outcome
from lending.domain.books.bank_profile import profile_of
from lending.domain.books.transfer import TransferState
from lending.gateways.bank_answers import KINDS
from lending.gateways.bank_orders import DEBITS, PAYOUTS
from lending.gateways.registry import folders_of
from lending.models import Bank, BankAnswer, BankFile
from lending.models.bank import BankFileQuerySet
from lending.operations.bank_answers import deal_with_answer
from lending.operations.bank_files import dismiss_file, read_file_again
from lending.queries.bank_orders import bank_names
from lending.queries.gateways import bank_profiles
from merchants.domain.payout_account import in_fours

ORDERS_SHOWN: Final = 200
DOWNLOAD: Final = "lending.read_bankfile"
NOT_BOOKED: Final[dict[str, Words]] = {
    **{str(reason): words for reason, words in LOAN_REFUSALS.items()},
    **{str(reason): words for reason, words in RETURN_REFUSALS.items()},
}


def file_state(file: BankFile) -> tuple[Words, str]:
    """Say how far a file is, with its tint."""
    if file.is_ours:
        return FILE_STATES["waiting" if file.delivered_at is None else "delivered"]
    if file.dismissed_by:
        return FILE_STATES["dismissed"]
    return FILE_STATES["aside" if file.problem else "read"]


def _with_state(rows: BankFileQuerySet, state: str) -> QuerySet[BankFile]:
    return {
        "waiting": rows.to_deliver(),
        "delivered": rows.filter(is_ours=True, delivered_at__isnull=False),
        "read": rows.filter(is_ours=False, problem=""),
        "aside": rows.set_aside(),
        "dismissed": rows.exclude(dismissed_by=""),
    }[state]


def _is_set_aside(file: BankFile) -> bool:
    return bool(file.problem) and not file.dismissed_by


def _read_again(file: BankFile, asked: Asked) -> BankFile:
    profile = next(bank for bank in bank_profiles() if bank.name == file.bank)
    return read_file_again(file_id=file.pk, bank=profile, actor=asked.actor, now=asked.now)


@admin.register(BankFile)
class BankFileAdmin(OfficeAdmin[BankFile]):
    title = _("Bank files")
    columns = (
        ListColumn(label=_("File"), cell=lambda file: Cell(text=file.name, title=file.name)),
        ListColumn(label=_("State"), cell=lambda file: chip(*file_state(file))),
        ListColumn(label=_("Bank"), cell=lambda file: file.bank),
        ListColumn(label=_("Way"), cell=lambda file: _("to the bank") if file.is_ours else _("from the bank")),
        ListColumn(label=_("Message"), cell=lambda file: file.kind or None, style="tl-nowrap"),
        ListColumn(label=_("Written or taken, UTC"), cell=lambda file: file.made_at, style="tl-nowrap"),
    )
    filters = (
        Filter(
            name="state",
            label=_("state"),
            keep=_with_state,  # type: ignore[arg-type] # what `rows` returns
            choices=lambda: ((name, words) for name, (words, _tint) in FILE_STATES.items()),
        ),
        value_filter("bank", _("bank"), bank_names),
        choice_filter("kind", _("message"), {kind: (kind,) for kind in sorted({*KINDS, PAYOUTS, DEBITS})}),
    )  # fmt: skip
    empty = _("No file yet. One is written once a bank is entered (manage.py enter_bank) and an order waits for it.")
    verbs = (
        Verb(
            name="read_again",
            label=_("Read it again"),
            right=DOWNLOAD,
            done=lambda file: (
                _("It could not be read again, for the same or another reason.") if file.problem else _("It is read.")
            ),
            note=_(
                "For a file that was set aside: what was wrong with this office is mended. The bytes stay the same."
            ),
            call=_read_again,
            offered=_is_set_aside,
            refusals={BankFile.DoesNotExist: _("This file is not set aside.")},
        ),
        Verb(
            name="dismiss",
            label=_("It is dealt with"),
            right=DOWNLOAD,
            done=_("Nothing is to be done about the file any more."),
            note=_("For a file that will never be read: the bank sent it anew, or it was none of the bank's."),
            form=ReasonForm,
            call=lambda file, asked: dismiss_file(
                file_id=file.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
            ),
            offered=_is_set_aside,
            refusals={BankFile.DoesNotExist: _("This file is not set aside.")},
        ),
    )

    def rows(self) -> QuerySet[BankFile]:
        return BankFile.objects.defer("sealed_content")

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:object_id>/download/", wrap(self.download), name="lending_bankfile_download")]

    def download(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Return the file as it was sent or received."""
        if not request.user.has_perm(DOWNLOAD):
            raise PermissionDenied
        file = self.found(object_id)
        answer = HttpResponse(file.content, content_type="application/octet-stream")
        answer["Content-Disposition"] = f'attachment; filename="{file.sha256[:12]}.xml"'
        return answer

    def page_of(self, row: BankFile, request: HttpRequest) -> Page:
        cards = [_about(row, request)]
        orders = row.orders.select_related("loan__merchant").order_by("pk")
        number = orders.count()
        if row.is_ours:
            cards.append(Card(title=_t("Orders: %(n)s") % {"n": f"{number:,}"}, parts=[_orders(orders[:ORDERS_SHOWN])]))
        answers = list(row.answers.select_related("transfer__loan").order_by("place")[:ORDERS_SHOWN])
        if answers:
            cards.append(Card(title=_("What it says of orders"), parts=[_answers(answers)]))
        statements = list(row.statements.order_by("pk"))
        if statements:
            facts = [(linked(one, one.statement_id), one.closed_on) for one in statements]
            columns = [Column(label=_("Statement")), Column(label=_("Closed on"))]
            cards.append(Card(title=_("Statements"), parts=[Table(columns=columns, rows=facts)]))
        aside = [Alert(tint="tl-bad", strong=_("Nothing of this file counts:"), text=row.problem)]
        return Page(
            title=row.kind or _t("A file that was not understood"),
            chips=[chip(*file_state(row))],
            sub=[row.name],
            alerts=aside if row.problem else [],
            cards=cards,
        )


def _about(file: BankFile, request: HttpRequest) -> Card:
    facts: list[tuple[Words, object]] = [
        (_("Bank"), file.bank),
        (_("Way"), _("to the bank") if file.is_ours else _("from the bank")),
        (_("Written, UTC") if file.is_ours else _("Taken, UTC"), file.made_at),
        (_("Put into the outbox, UTC"), file.delivered_at),
        (_("SHA-256"), file.sha256),
        (_("Dealt with by"), name_of(file.dismissed_by)),
        (_("Reason"), file.dismissed_why or None),
    ]
    may = request.user.has_perm(DOWNLOAD)
    button = Button(
        label=_("Download"), url=reverse("admin:lending_bankfile_download", args=[file.pk]), is_primary=False
    )
    return Card(title=_("File"), parts=[Facts(facts)], buttons=[button] if may else [])


def _orders(orders: QuerySet[Any]) -> Table:
    columns = [
        Column(label=_("Loan")),
        Column(label=_("Merchant")),
        Column(label=_("Reference"), style="tl-code"),
        Column(label=_("Amount"), number=True),
        Column(label=_("State")),
    ]
    rows = [
        [
            linked(one.loan),
            one.loan.merchant.name,
            one.key.hex,
            money(one.amount_minor, one.loan.currency),
            chip(*TRANSFER_STATES[TransferState(one.state)]),
        ]
        for one in orders
    ]
    return Table(columns=columns, rows=rows)


def _answers(answers: Sequence[BankAnswer]) -> Table:
    columns = [Column(label=_("Answer")), Column(label=_("State")), Column(label=_("Loan")), Column(label=_("Words"))]
    rows = [
        [
            linked(one, str(OUTCOMES[Outcome(one.outcome)])),
            chip(*ANSWER_STATES[AnswerState(one.state)]),
            None if one.transfer is None else linked(one.transfer.loan),
            one.words or one.code,
        ]
        for one in answers
    ]
    return Table(columns=columns, rows=rows)


def _deal_with(answer: BankAnswer, asked: Asked) -> BankAnswer:
    return deal_with_answer(answer_id=answer.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now)


@admin.register(BankAnswer)
class BankAnswerAdmin(OfficeAdmin[BankAnswer]):
    title = _("Answers of banks")
    columns = (
        ListColumn(label=_("Answer"), cell=lambda answer: OUTCOMES[Outcome(answer.outcome)]),
        ListColumn(label=_("State"), cell=lambda answer: chip(*ANSWER_STATES[AnswerState(answer.state)])),
        ListColumn(label=_("Loan"), cell=lambda one: None if one.transfer is None else str(one.transfer.loan)),
        ListColumn(label=_("Words"), cell=lambda answer: answer.words or answer.code),
        ListColumn(label=_("Bank"), cell=lambda answer: answer.file.bank),
        ListColumn(label=_("Taken, UTC"), cell=lambda answer: answer.file.made_at, style="tl-nowrap"),
    )
    filters = (choice_filter("state", _("state"), ANSWER_STATES), choice_filter("outcome", _("answer"), OUTCOMES))
    list_related = ("file", "transfer__loan")
    related = ("file", "transfer__loan")
    empty = _("Nothing yet. What banks say of orders, and changes something, appears here.")
    verbs = (
        Verb(
            name="deal_with",
            label=_("It is dealt with"),
            right="lending.settle_bankanswer",
            done=_("The answer is dealt with."),
            form=ReasonForm,
            note=_("Nothing is booked by this: book what has to be booked on the loan first."),
            call=_deal_with,
            why_not=lambda answer, _asked: (
                None if answer.state == AnswerState.HELD else _("This answer waits for nobody.")
            ),
            refusals={BankAnswer.DoesNotExist: _("This answer waits for nobody.")},
        ),
    )

    def page_of(self, row: BankAnswer, request: HttpRequest) -> Page:
        transfer = row.transfer
        facts: list[tuple[Words, object]] = [
            (_("File"), linked(row.file)),
            (_("Loan"), None if transfer is None else linked(transfer.loan)),
            (_("Order"), None if transfer is None else TRANSFER_STATES[TransferState(transfer.state)][0]),
            (_("Reference"), None if transfer is None else transfer.key.hex),
            (_("Amount"), None if row.amount_minor is None else f"{money(row.amount_minor, row.currency)}"),
            (_("On"), row.on),
            (_("Code"), row.code or None),
            (_("Words"), row.words or None),
            (_("Why"), NOT_BOOKED.get(row.note, row.note) or None),
        ]
        held = row.state == AnswerState.HELD and row.hold
        return Page(
            title=str(OUTCOMES[Outcome(row.outcome)]),
            chips=[chip(*ANSWER_STATES[AnswerState(row.state)])],
            alerts=[Alert(text=ANSWER_HOLDS[AnswerHold(row.hold)])] if held else [],
            cards=[Card(title=_("What the bank says"), parts=[Facts(facts)])],
        )


@admin.register(Bank)
class BankAdmin(OfficeAdmin[Bank]):
    title = _("Bank accounts")
    columns = (
        ListColumn(label=_("Bank"), cell=lambda bank: bank.name),
        ListColumn(label=_("Account"), cell=lambda bank: in_fours(profile_of(bank.content).account)),
        ListColumn(label=_("Currency"), cell=lambda bank: profile_of(bank.content).currency),
        ListColumn(label=_("Entered, UTC"), cell=lambda bank: bank.created_at, style="tl-nowrap"),
    )
    empty = _("No bank yet: payouts go through the loopback, which moves no money. See manage.py enter_bank.")

    def page_of(self, row: Bank, request: HttpRequest) -> Page:
        profile = profile_of(row.content)
        folders = folders_of(profile)
        in_force = next((bank for bank in bank_profiles() if bank.name == row.name), profile)
        said = _("In force") if in_force == profile else _("Replaced by a later version")
        uses = [
            str(words) for use, words in ((profile.pays, _("payouts")), (profile.collects, _("direct debits"))) if use
        ]
        facts: list[tuple[Words, object]] = [
            (_("Holder"), profile.holder),
            (_("Account"), in_fours(profile.account)),
            (_("BIC"), profile.agent),
            (_("Used for"), ", ".join(uses) or _("nothing")),
            (_("Creditor identifier"), profile.creditor_id or None),
            (_("Scheme of direct debits"), profile.instrument if profile.collects else None),
            (_("Service level"), profile.service_level or None),
            (_("Orders a file, at most"), f"{profile.orders_a_file:,}"),
            (_("Booked by the bank"), _("as one amount a file") if profile.batch_booking else _("order by order")),
            (_("Cut-off"), f"{profile.cut_off:%H:%M}"),
            (_("Debits ahead, days"), profile.debit_days if profile.collects else None),
            (_("On a statement within, days"), profile.cleared_within_days),
            (_("Outbox, in BANKS_DIR"), None if folders is None else f"{row.name}/{folders.outbox.name}"),
            (_("Inbox, in BANKS_DIR"), None if folders is None else f"{row.name}/{folders.inbox.name}"),
        ]
        missing = Alert(tint="tl-bad", text=_("BANKS_DIR is not set: its orders wait until it is."))
        return Page(
            title=row.name,
            chips=[chip(said, "tl-ok" if in_force == profile else "")],
            sub=[_t("entered %(at)s UTC by %(who)s") % {"at": f"{row.created_at:%Y-%m-%d %H:%M}",
                                                       "who": name_of(row.created_by)}],
            alerts=[missing] if folders is None else [],
            figures=[Figure(label=_("Currency"), value=profile.currency)],
            cards=[Card(title=_("How it is used"), parts=[Facts(facts)])],
        )  # fmt: skip
