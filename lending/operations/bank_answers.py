"""Keep what a bank says of orders, and act on it: each answer in a transaction of its own, once."""

from collections.abc import Sequence
from datetime import date, datetime

import structlog

from config.db.transactions import Contended, operation, require_one, require_transaction
from config.kernel.money import Money
from config.office.actors import SYSTEM, Actor
from config.office.business_date import get_business_date
from config.office.events import record_event
from config.office.job_runs import Clock
from lending.domain.books.bank_lines import OrderFacts, spread
from lending.domain.books.bank_messages import (
    AnswerFacts,
    AnswerHold,
    AnswerState,
    BankMessage,
    Effect,
    LineFacts,
    Outcome,
    StatementFacts,
    Verdict,
    fault_of,
    is_lost,
    judge_answer,
    said_by,
)
from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.transfer import Answer, Moved, Nothing, TransferKind, TransferState, paid_on
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.gateways.breaker import Breaker
from lending.models import BankAnswer, BankFile, BankStatement, StatementLine, Transfer
from lending.models import LoanEvent as EventRow
from lending.models.bank import sealed_line
from lending.operations.bookings import NewEvent, book_event
from lending.operations.collections import DAY, collect_loan, record_collection
from lending.operations.payouts import PayoutNotReturned, record_payout, return_payout
from lending.operations.transfers import lock_transfer
from lending.queries.bank_lines import known_statements
from lending.queries.bank_orders import collected_event, facts_by_batch, facts_by_key
from lending.queries.loans import next_event_id
from merchants.domain.payout_account import LONGEST_NUMBER, without_number, without_numbers

log = structlog.get_logger(__name__)


def keep_message(bank: BankProfile, file: BankFile, message: BankMessage) -> str:
    """Keep a message's answers and statements; return why it is set aside, or "". Raises NoTransaction."""
    require_transaction()
    fault = fault_of(message, account=bank.account, currency=bank.currency)
    if fault:
        return fault
    known = known_statements(bank.name, [one.statement_id for one in message.statements])
    for statement in message.statements:
        before = known.get(statement.statement_id)
        if before is not None and not statement.repeats(
            opening_minor=before.opening_minor, closing_minor=before.closing_minor, lines_minor=before.lines_minor
        ):
            return f"statement {statement.statement_id} was sent before, with other lines or balances"
    _keep_statements(bank, file, [one for one in message.statements if one.statement_id not in known])
    lines = (said_by(line, currency=one.currency) for one in message.statements for line in one.lines)
    _keep_answers(bank, file, [*message.answers, *lines])
    return ""


def apply_answers(gateway: Breaker, *, clock: Clock) -> None:
    """Act on what a bank said of orders and was not acted on yet; after a collection, collect what waited for it."""
    waiting = BankAnswer.objects.filter(file__bank=gateway.name)
    early = waiting.held().filter(hold=AnswerHold.EARLY)
    for pk in (waiting.open() | early).order_by("pk").values_list("pk", flat=True):
        try:
            _apply(pk, gateway, clock=clock)
        except Contended:  # somebody works on the loan: it is applied at the next turn
            log.warning("bank_answer_left", answer=pk)
        except Exception:  # the others are applied
            log.exception("bank_answer_failed", answer=pk)


def deal_with_answer(*, answer_id: int, reason: str, actor: Actor, now: datetime) -> BankAnswer:
    """Record that a person has dealt with an answer that was left to one. Raises BankAnswer.DoesNotExist."""
    with operation():
        answer = BankAnswer.objects.held().lock().get(pk=answer_id)
        require_one(
            BankAnswer.objects.held().filter(pk=answer.pk).update(state=AnswerState.DEALT_WITH, note=reason[:200])
        )
        record_event(
            name="lending.deal_with_answer",
            subject=answer,
            actor=actor,
            before={"hold": answer.hold, "note": answer.note},
            after={"reason": reason.strip()},
            now=now,
        )
        return BankAnswer.objects.get(pk=answer_id)


def bounce_collection(*, transfer_id: int, on: date, words: str, now: datetime) -> None:
    """Book that the bank took back what it had collected. Raises LoanRefused, LoanEvent.DoesNotExist, Contended."""
    with operation():
        loan, transfer = lock_transfer(transfer_id)
        if transfer.state != TransferState.DONE:
            return
        repaid = collected_event(transfer)
        event = LoanEvent(id=next_event_id(loan), on=on, type=EventType.BOUNCE, of=str(repaid.seq))
        book_event(NewEvent(loan=loan, event=event, of=repaid, reason=words[:500]), actor=SYSTEM, now=now)
        done = Transfer.objects.filter(pk=transfer.pk, state=TransferState.DONE)
        require_one(done.update(state=TransferState.RETURNED, answer=words[:200]))


def _keep_statements(bank: BankProfile, file: BankFile, statements: Sequence[StatementFacts]) -> None:
    rows = BankStatement.objects.bulk_create(
        BankStatement(
            bank=bank.name,
            file=file,
            statement_id=statement.statement_id,
            number=statement.number,
            currency=statement.currency,
            opening_minor=statement.opening_minor,
            closing_minor=statement.closing_minor,
            closed_on=statement.closed_on,
        )
        for statement in statements
    )
    StatementLine.objects.bulk_create(
        (
            line_row(row, line, place=place)
            for row, statement in zip(rows, statements, strict=True)
            for place, line in enumerate(statement.lines)
            if line.amount_minor
        ),
        batch_size=5_000,
    )


def line_row(statement: BankStatement, line: LineFacts, *, place: int) -> StatementLine:
    """Return the row of a line that is not matched yet."""
    return StatementLine(
        statement=statement,
        place=place,
        amount_minor=line.amount_minor,
        booked_on=line.booked_on,
        value_on=line.value_on,
        key=line.key,
        batch=line.batch[:35],
        reference=line.reference[:35],
        bank_reference=line.bank_reference[:35],
        **sealed_line(line.number[:LONGEST_NUMBER], statement_id=statement.pk),
        name=line.name[:140],
        code=line.code[:35],
        words=without_numbers(without_number(line.words, line.number))[:500],
    )


def _keep_answers(bank: BankProfile, file: BankFile, said: Sequence[AnswerFacts]) -> None:
    """Keep the answers that may change something; those about a whole file once for each of its orders."""
    batches = facts_by_batch(bank.name, {one.batch for one in said if one.key is None and one.batch})
    answers = [one for answer in said for one in spread(answer, batches)]
    orders = facts_by_key(bank.name, {one.key for one in answers if one.key is not None})
    rows = list[BankAnswer]()
    for answer in answers:
        order = None if answer.key is None else orders.get(answer.key)
        if order is None:
            if is_lost(answer):
                held = AnswerHold.NO_ORDER
                rows.append(_answer_row(file, answer, place=len(rows), state=AnswerState.HELD, hold=held))
            continue
        verdict = _judge(answer, order, currency=bank.currency)
        if verdict.effect is not Effect.NONE or verdict.hold is not None:
            rows.append(_answer_row(file, answer, place=len(rows), state=AnswerState.NEW, order=order))
    BankAnswer.objects.bulk_create(rows, batch_size=5_000)


def _judge(answer: AnswerFacts, order: OrderFacts, *, currency: str) -> Verdict:
    return judge_answer(
        answer,
        kind=order.kind,
        state=order.state,
        ordered=Money(order.amount_minor, currency),
        moved_minor=order.moved_minor,
    )


def _answer_row(
    file: BankFile,
    answer: AnswerFacts,
    *,
    place: int,
    state: AnswerState,
    order: OrderFacts | None = None,
    hold: AnswerHold | None = None,
) -> BankAnswer:
    return BankAnswer(
        file=file,
        place=place,
        transfer_id=None if order is None else order.id,
        outcome=answer.outcome,
        amount_minor=None if answer.amount is None else answer.amount.minor,
        currency="" if answer.amount is None else answer.amount.currency,
        on=answer.on,
        code=answer.code[:35],
        words=without_numbers(answer.words if order is None else without_number(answer.words, order.number))[:200],
        state=state,
        hold=hold or "",
    )


def _apply(answer_id: int, gateway: Breaker, *, clock: Clock) -> None:
    answer = BankAnswer.objects.select_related("transfer__loan").get(pk=answer_id)
    transfer = answer.transfer
    if transfer is None:
        return
    verdict = judge_answer(
        _facts_of(answer),
        kind=TransferKind(transfer.kind),
        state=TransferState(transfer.state),
        ordered=Money(transfer.amount_minor, transfer.loan.currency),
        moved_minor=transfer.moved_minor,
    )
    hold, note = verdict.hold, ""
    match verdict.effect:
        case Effect.MOVED:
            moved = transfer.amount_minor if answer.amount_minor is None else abs(answer.amount_minor)
            _record(transfer, Moved(moved, on=answer.on), now=clock())
        case Effect.NOT_MOVED:
            _record(transfer, Nothing(answer.words or answer.code or "rejected"), now=clock())
        case Effect.CAME_BACK:
            hold, note = _take_back(transfer, answer, now=clock())
        case Effect.NONE:
            pass
    _mark(answer, hold, note)
    if verdict.effect is not Effect.NONE and transfer.kind == TransferKind.COLLECTION:
        to = (get_business_date() or transfer.on) - DAY
        collect_loan(gateway, loan_id=transfer.loan_id, on=transfer.on + DAY, to=to, clock=clock)


def _facts_of(answer: BankAnswer) -> AnswerFacts:
    amount = None if answer.amount_minor is None else Money(answer.amount_minor, answer.currency)
    return AnswerFacts(
        outcome=Outcome(answer.outcome), amount=amount, on=answer.on, code=answer.code, words=answer.words
    )


def _record(transfer: Transfer, answer: Answer, *, now: datetime) -> None:
    record = record_payout if transfer.kind == TransferKind.PAYOUT else record_collection
    record(transfer_id=transfer.pk, answer=answer, now=now)


def _take_back(transfer: Transfer, answer: BankAnswer, *, now: datetime) -> tuple[AnswerHold | None, str]:
    """Book that an order's money came back; return why that is left to a person, if it is."""
    on = paid_on(answer.on, ordered_on=transfer.on, today=get_business_date() or transfer.on)
    words = answer.words or answer.code or "returned by the bank"
    try:
        if transfer.kind == TransferKind.PAYOUT:
            return_payout(transfer_id=transfer.pk, on=on, reason=words, actor=SYSTEM, now=now, by_bank=True)
        else:
            bounce_collection(transfer_id=transfer.pk, on=on, words=words, now=now)
    except (PayoutNotReturned, LoanRefused) as refused:
        return AnswerHold.NOT_BOOKED, str(refused.reason)
    except EventRow.DoesNotExist:
        return AnswerHold.NOT_BOOKED, "its repayment was reversed"
    return None, ""


def _mark(answer: BankAnswer, hold: AnswerHold | None, note: str) -> None:
    state = AnswerState.APPLIED if hold is None else AnswerState.HELD
    with operation():
        waiting = BankAnswer.objects.filter(pk=answer.pk, state__in=[AnswerState.NEW, AnswerState.HELD])
        waiting.update(state=state, hold=hold or "", note=note[:200])
