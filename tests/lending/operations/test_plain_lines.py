"""The statement that matches plain lines says what the rule says of them, and leaves the others to it."""

from random import Random
from uuid import uuid4

import pytest
from django.db import connection, transaction

from lending.domain.books.transfer import TransferState
from lending.models import BankFile, BankStatement, StatementLine, Transfer
from lending.models.bank import sealed_file, sealed_line
from lending.operations.bank_statements import book_statement, columns_of, matches_of
from lending.queries.bank_lines import PLAIN, plain_lines_of
from tests.conftest import NOW
from tests.forge import forge
from tests.lending.bank_files import MONDAY, filed
from tests.mock_bank import enter, iban

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = ["", iban(0), iban(1), iban(2), "0000000005"]
ANSWERED = [TransferState.DONE, TransferState.DONE, TransferState.RETURNED, TransferState.FAILED, TransferState.PENDING]


def drawn_states(random: Random, orders: list[Transfer]) -> None:
    """Let the bank have said something else of each order; one in three is a collection, of which a part came."""
    for number, order in enumerate(orders):
        state, is_collection = random.choice(ANSWERED), number % 3 == 0
        part = order.amount_minor - random.choice([0, 10]) * is_collection
        forge(
            order,
            state=state,
            kind="COLLECTION" if is_collection else "PAYOUT",
            moved_minor=part if state in {TransferState.DONE, TransferState.RETURNED} else 0,
            settled_at=None if state is TransferState.PENDING else NOW,
        )


def drawn_lines(random: Random, statement: BankStatement, orders: list[Transfer]) -> list[StatementLine]:
    """Draw lines of orders, in amount, direction, reference and account more or less as they should be."""
    lines = []
    for place, order in enumerate(random.choices(orders, k=random.randint(1, 5))):
        due = order.moved_minor or order.amount_minor
        out = 1 if order.kind == "COLLECTION" else -1
        line = StatementLine(
            statement=statement,
            place=place,
            amount_minor=random.choice([due, due, due, order.amount_minor, 1]) * random.choice([out, out, -out]),
            booked_on=MONDAY,
            value_on=MONDAY,
            key=random.choice([order.key, order.key, order.key, None, uuid4()]),
            **sealed_line(random.choice([*NUMBERS, *[iban(orders.index(order))] * 5]), statement_id=statement.pk),
        )
        if random.random() < 0.2:
            line.number_index = b""  # written before lines had one
        line.save()
        lines.append(line)
    return lines


def test_plain_lines_are_matched_as_the_rule_matches_them() -> None:
    """Red if it differed in one line, or a line that it matched changed what becomes of another."""
    random, bank = Random(11), enter()  # noqa: S311
    orders, plain, others = filed(bank, *range(10_000, 16_000, 1_000)), 0, 0
    file = BankFile.objects.create(bank=bank.name, is_ours=False, name="drawn", made_at=NOW, **sealed_file(b""))
    for number in range(120):
        drawn_states(random, orders)
        with transaction.atomic():
            statement = BankStatement.objects.create(
                bank=bank.name, file=file, statement_id=str(number), currency="EUR", opening_minor=0, closing_minor=0,
                closed_on=MONDAY,
            )  # fmt: skip
            lines = drawn_lines(random, statement, [Transfer.objects.get(pk=order.pk) for order in orders])
            expected = [columns_of(match) for [match] in matches_of(bank.name, lines)]
            with connection.cursor() as cursor:
                cursor.execute(PLAIN, plain_lines_of(statement))
                found = {pk: (contra, order, back) for pk, order, contra, back in cursor.fetchall()}
            ruled = {line.pk: columns[:3] for line, columns in zip(lines, expected, strict=True)}
            assert found == {pk: ruled[pk] for pk in found}
        assert book_statement(bank, now=NOW) == statement
        kept = StatementLine.objects.filter(statement=statement, place__range=(0, 10)).order_by("place")
        columns = kept.values_list("contra_id", "transfer_id", "back", "reason", "amount_minor")
        assert list(columns) == expected
        plain, others = plain + len(found), others + len(lines) - len(found)
        if number % 3 == 0:  # until then, a further line of an order is repeated
            StatementLine.objects.update(transfer=None)
    assert min(plain, others) > 30
