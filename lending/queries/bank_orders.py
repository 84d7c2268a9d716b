"""Orders at banks: those to be written to a file, and how orders stand for what banks say of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from config.kernel.money import Money
from lending.domain.books.bank_lines import MATCHED_WITHIN, OrderFacts
from lending.domain.books.transfer import TransferKind, TransferState
from lending.gateways.bank_orders import BankOrder
from lending.gateways.registry import PLATFORM
from lending.models import Bank, Loan, LoanEvent, Transfer
from lending.models.transfer import OPEN
from lending.queries.transfers import applied_on
from merchants.models.payout_account import account_keys, owner_of

FACTS: Final = """
SELECT t.id, t.key, t.kind, t.state, t.on, t.amount_minor, t.moved_minor, o.number_key, o.sealed_number, o.merchant_id,
    EXISTS (SELECT FROM lending_statementline s WHERE s.transfer_id = t.id AND NOT s.back),
    EXISTS (SELECT FROM lending_statementline s WHERE s.transfer_id = t.id AND s.back), f.message_id
FROM lending_transfer t JOIN lending_loan l ON l.id = t.loan_id LEFT JOIN lending_bankfile f ON f.id = t.file_id
LEFT JOIN merchants_payoutaccount o ON o.id = l.payout_account_id
WHERE t.gateway = %(bank)s AND {which}
"""
BY_KEY: Final = FACTS.format(which="t.key = ANY(%(keys)s::uuid[])")
BY_BATCH: Final = FACTS.format(which="f.message_id = ANY(%(batches)s::text[]) AND f.is_ours")
BY_NUMBER: Final = FACTS.format(
    which="""o.number_index = ANY(%(numbers)s::bytea[]) AND t.on BETWEEN %(since)s AND %(until)s
    AND NOT EXISTS (
        SELECT FROM lending_statementline s WHERE s.transfer_id = t.id AND s.statement_id <> ALL(%(beside)s::bigint[])
    )"""
)


def orders_to_file(*, bank: str, most: int) -> list[Transfer]:
    """List the oldest orders that a bank has to be given in a file, of one kind after the other."""
    waiting = Transfer.objects.filter(gateway=bank, file__isnull=True, state=TransferState.PENDING)
    rows = waiting.select_related("loan__payout_account", "loan__application", "loan__merchant")
    for kind in TransferKind:
        found = list(rows.filter(kind=kind).order_by("pk")[:most])
        if found:
            return found
    return []


def bank_order(transfer: Transfer, loan: Loan) -> BankOrder:
    """Return a transfer as it stands in a file; the mandate of a direct debit is the loan's contract."""
    account = loan.payout_account
    if account is None:
        message = f"loan {loan.pk} has no account"
        raise ValueError(message)
    return BankOrder(
        key=transfer.key,
        amount=Money(transfer.amount_minor, loan.currency),
        number=account.number,
        holder=account.holder,
        words=f"Loan {loan.pk}",
        mandate=f"LOAN-{loan.pk}",
        signed_on=applied_on(loan),
    )


def facts_by_key(bank: str, keys: Iterable[UUID]) -> dict[UUID, OrderFacts]:
    """Return orders at a bank by their key."""
    return {order.key: order for order, _ in _facts(BY_KEY, bank=bank, keys=list(keys))}


def facts_by_batch(bank: str, batches: Iterable[str]) -> dict[str, list[OrderFacts]]:
    """Return the orders of files, by the file's message id."""
    found = dict[str, list[OrderFacts]]()
    for order, batch in _facts(BY_BATCH, bank=bank, batches=sorted(batches)):
        found.setdefault(batch, []).append(order)
    return found


def facts_by_number(
    bank: str, numbers: Iterable[str], *, since: date, until: date, beside: Collection[int]
) -> Mapping[str, Sequence[OrderFacts]]:
    """Return the orders between two days that no statement but some shows, by the merchant's account number."""
    found, first = dict[str, list[OrderFacts]](), since - MATCHED_WITHIN
    asked = [index for number in numbers for index in account_keys().indexes(number)]
    for order, _ in _facts(BY_NUMBER, bank=bank, numbers=asked, since=first, until=until, beside=list(beside)):
        found.setdefault(order.number, []).append(order)
    return found


def _facts(statement: str, **asked: Any) -> list[tuple[OrderFacts, str]]:  # noqa: ANN401 - parameters of the statement
    if not next(value for name, value in asked.items() if name not in {"bank", "since", "until", "beside"}):
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement + " ORDER BY t.id", asked)
        return [
            (
                OrderFacts(
                    id=pk,
                    key=key,
                    kind=TransferKind(kind),
                    state=TransferState(state),
                    on=on,
                    amount_minor=amount,
                    moved_minor=moved,
                    number="" if name is None else account_keys().decrypt(name, sealed, owner=owner_of(merchant)),
                    has_out=out,
                    has_back=back,
                ),
                batch or "",
            )
            for pk, key, kind, state, on, amount, moved, name, sealed, merchant, out, back, batch in cursor.fetchall()
        ]


def collected_event(transfer: Transfer) -> LoanEvent:
    """Get the repayment that a collection was booked as. Raises LoanEvent.DoesNotExist."""
    removed = LoanEvent.objects.filter(loan=transfer.loan_id, of__isnull=False).values("of")
    booked = LoanEvent.objects.filter(
        loan=transfer.loan_id, type="repayment", on=transfer.on, amount_minor=transfer.moved_minor, external_ref=""
    )
    found = booked.exclude(pk__in=removed).order_by("pk").first()
    if found is None:
        raise LoanEvent.DoesNotExist
    return found


def unanswered(*, before: date) -> QuerySet[Transfer]:
    """Return the orders that a bank was given in a file, or a platform, before a day, and nothing was said of."""
    asked = Q(file__isnull=False) | Q(gateway=PLATFORM)
    return Transfer.objects.filter(asked, state__in=OPEN, on__lt=before)


def uncleared(*, before: date) -> QuerySet[Transfer]:
    """Return the orders given in files whose money moved before a day, there or back, and which no statement shows."""
    moved = Transfer.objects.filter(file__isnull=False, state__in=["DONE", "RETURNED"], on__lt=before)
    out = Transfer.objects.filter(lines__back=False).values("pk")
    back = Transfer.objects.filter(lines__back=True).values("pk")
    return moved.filter(~Q(pk__in=out) | (Q(state="RETURNED") & ~Q(pk__in=back)))


def bank_names() -> list[str]:
    """List the names of the banks that were ever entered."""
    return list(Bank.objects.values_list("name", flat=True).distinct().order_by("name"))
