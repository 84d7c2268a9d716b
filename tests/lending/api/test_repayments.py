from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import OperationEvent
from lending.domain.books.booking import BookingRefusal
from lending.domain.contract.refusal import LoanRefusal
from lending.models import Loan, LoanEvent
from lending.operations.loans import book_repayment
from merchants.models import KeptRequest, Partner
from tests.conftest import CLERK, NOW, owner_connection
from tests.lending.api.calls import everything, post, yuan
from tests.lending.bookings import take_repayment
from tests.lending.loans import OPENED, lent, make_loan, proven
from tests.partners import Api, token_for
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


def caller() -> Api:
    return Api(token_for(Partner.objects.get()))


def payment(amount: str, *, on: date = OPENED, ref: str = "p1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"amount": yuan(amount), "on": on.isoformat(), "external_ref": ref} | fields


def test_a_payment_is_told_where_it_went_and_what_is_left() -> None:
    loan = lent()
    on = date(2026, 3, 11)
    open_day(on=on, actor=SYSTEM, now=NOW)
    api = caller()
    status, said = post(api, f"loans/loan_{loan.pk}/repayments", payment("2000", on=on))
    assert (status, said) == (
        201,
        {
            "loan": f"loan_{loan.pk}",
            "seq": 2,
            "external_ref": "p1",
            "amount": yuan("2000.00"),
            "on": "2026-03-11",
            "allocation": {
                "penalty": yuan("0.00"),
                "fee": yuan("0.00"),
                "interest": yuan("48.00"),  # ten nights of 12,000 at 0.04 %
                "principal": yuan("1952.00"),
                "credit": yuan("0.00"),
                "recovered": yuan("0.00"),
            },
            "status": "active",
            "balances": {
                "written_off": yuan("0.00"),
                "refund_owed": yuan("0.00"),
                "principal": yuan("10048.00"),
                "interest": yuan("0.00"),
                "penalty": yuan("0.00"),
                "fees": yuan("0.00"),
                "credit": yuan("0.00"),
            },
        },
    )
    status, said = post(api, f"loans/loan_{loan.pk}/repayments", payment("10050", on=on, ref="p2"), key="key-2")
    assert (status, said["status"], said["allocation"]["credit"]) == (201, "closed", yuan("2.00"))
    assert LoanEvent.objects.latest("pk").actor == f"partner:{Partner.objects.get().pk}"
    assert proven()


def test_a_payment_that_bounced_is_taken_out_and_the_answer_stays() -> None:
    """Red if what the office booked may be bounced by a partner, or if a second request says something else."""
    loan, api = lent(), caller()
    path = f"loans/loan_{loan.pk}/repayments"
    by_hand = take_repayment(loan_id=loan.pk, amount_minor=1, on=OPENED, reason="counter", actor=CLERK, now=NOW)
    _, paid = post(api, path, payment("2000"))
    bounced = {"on": OPENED.isoformat()}
    first = post(api, f"{path}/{paid['seq']}/bounce", bounced, key="key-2")
    assert (first[0], first[1]["bounces"], first[1]["status"]) == (201, paid["seq"], "active")
    assert first[1]["balances"]["principal"] == yuan("11999.99")
    assert post(api, f"{path}/{paid['seq']}/bounce", bounced, key="key-2") == first
    status, problem = post(api, f"{path}/{paid['seq']}/bounce", bounced, key="key-3")
    assert (status, problem["code"]) == (409, "not_bookable")
    for seq in (by_hand.seq, 1, 99):
        assert post(api, f"{path}/{seq}/bounce", bounced, key=f"key-{seq}")[0] == 404
    assert proven()


def test_the_same_request_again_is_answered_as_the_first_whatever_came_between() -> None:
    """Red if the reply were rendered from the loan of now: the interest and the payment between would show."""
    loan, other = lent(), lent()
    api, path = caller(), f"loans/loan_{loan.pk}/repayments"
    first = post(api, path, payment("2000"))
    book_repayment(loan_id=loan.pk, amount_minor=100_000, on=OPENED, external_ref="", actor=CLERK, now=NOW)
    open_day(on=date(2026, 3, 21), actor=SYSTEM, now=NOW)
    before = everything()
    reordered = dict(reversed(payment("2000").items()))
    assert post(api, path, reordered) == first
    status, problem = post(api, path, payment("2000.01"))
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = post(api, f"loans/loan_{other.pk}/repayments", payment("2000"))
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = post(api, path, payment("2000"), key="key-2")
    assert (status, problem["code"]) == (409, "reference_used")
    assert everything() == before
    assert proven()


def test_doubled_at_once_it_is_booked_once() -> None:
    """Red without the key's lock: the second would wait for the loan, and meet the constraint of the reference."""
    loan = lent()
    path = f"loans/loan_{loan.pk}/repayments"
    token = token_for(Partner.objects.get())
    call = partial(_call, token, path, payment("2000"))
    late: list[tuple[int, Any]] = []

    def double() -> None:
        with ThreadPoolExecutor(1) as pool:
            late.append(pool.submit(_closing, call).result())

    [first] = race(call, held=Loan.objects.all(), then=double)
    [(status, problem)] = late
    assert (status, problem["code"]) == (409, "request_running")
    assert isinstance(first, tuple)
    assert first[0] == 201
    assert call() == first
    assert LoanEvent.objects.filter(type="repayment").count() == KeptRequest.objects.count() == 1
    assert proven()


def test_two_payments_at_once_are_both_booked() -> None:
    loan = lent()
    path, token = f"loans/loan_{loan.pk}/repayments", token_for(Partner.objects.get())
    calls = [partial(_call, token, path, payment("2000", ref=f"p{number}"), f"key-{number}") for number in range(2)]
    outcomes = race(*calls, held=Loan.objects.all())
    assert [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)] == [201, 201]
    loan.refresh_from_db()
    assert loan.principal_minor == 800_000
    assert proven()


def _call(token: str, path: str, body: object, key: str = "key-1") -> tuple[int, Any]:
    return post(Api(token), path, body, key=key)


def _closing(call: partial[tuple[int, Any]]) -> tuple[int, Any]:
    try:
        return call()
    finally:
        connection.close()


REFUSED: dict[BookingRefusal | LoanRefusal, tuple[dict[str, Any], int, str]] = {
    BookingRefusal.NO_BUSINESS_DATE: (payment("1"), 503, "no_business_date"),
    BookingRefusal.NOT_DISBURSED: (payment("1"), 409, "not_disbursed"),
    BookingRefusal.IN_THE_FUTURE: (payment("1", on=OPENED + timedelta(days=1)), 422, "in_the_future"),
    BookingRefusal.TOO_FAR_BACK: (payment("1", on=OPENED - timedelta(days=91)), 422, "too_far_back"),
    BookingRefusal.BEFORE_THE_LOAN: (payment("1", on=OPENED - timedelta(days=1)), 422, "before_the_loan"),
    BookingRefusal.REFERENCE_USED: (payment("1", ref="known"), 409, "reference_used"),
    BookingRefusal.AMOUNT_IMPLAUSIBLE: (payment("24000.01"), 422, "amount_implausible"),
    LoanRefusal.AMOUNT_NOT_POSITIVE: (payment("-1"), 422, "amount_not_positive"),
}


@pytest.mark.parametrize("reason", REFUSED, ids=str)
def test_what_is_refused_leaves_nothing(reason: BookingRefusal | LoanRefusal) -> None:
    body, status, code = REFUSED[reason]
    loan = make_loan() if reason is BookingRefusal.NOT_DISBURSED else lent()
    api = caller()
    if reason is BookingRefusal.REFERENCE_USED:
        post(api, f"loans/loan_{loan.pk}/repayments", payment("1", ref="known"), key="key-0")
    if reason is BookingRefusal.NO_BUSINESS_DATE:
        with owner_connection() as owner:
            owner.execute("DELETE FROM office_businessdate")
    before = everything()
    found, problem = post(api, f"loans/loan_{loan.pk}/repayments", body)
    assert (found, problem["code"]) == (status, code)
    assert everything() == before


UNFIT: list[tuple[Any, str]] = [
    ([], "non_field_errors"),
    (payment("1", colour="blue"), "colour"),
    (payment("1") | {"on": "yesterday"}, "on"),
    (payment("1") | {"on": 20260301}, "on"),
    (payment("1") | {"on": {}}, "on"),
    (payment("1") | {"external_ref": 7}, "external_ref"),
    (payment("1") | {"external_ref": " "}, "external_ref"),
    (payment("1") | {"external_ref": "x" * 101}, "external_ref"),
    (payment("1") | {"external_ref": "a\x00b"}, "external_ref"),
    (payment("1") | {"external_ref": "\ud800"}, "external_ref"),
    (payment("1") | {"amount": {"amount": "1", "currency": "EUR"}}, "amount"),
    (payment("1") | {"amount": 1}, "amount"),
    (payment("0.001"), "amount"),
    (payment("1" + "0" * 15), "amount"),
]


@pytest.mark.parametrize(("body", "field"), UNFIT, ids=lambda value: ascii(value)[:60])
def test_a_body_that_is_not_fit_is_refused_in_words(body: object, field: str) -> None:
    loan = lent()
    api = caller()
    before = everything()
    status, problem = post(api, f"loans/loan_{loan.pk}/repayments", body)
    assert (status, problem["code"], list(problem["fields"])) == (400, "invalid", [field])
    assert everything() == before


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_missing"),
        ("", "idempotency_key_missing"),
        ("x" * 101, "idempotency_key_invalid"),
        ("a\tb", "idempotency_key_invalid"),
        ("schlüssel", "idempotency_key_invalid"),
    ],
)
def test_what_moves_money_needs_a_key(key: str | None, code: str) -> None:
    loan = lent()
    api = caller()
    before = everything()
    status, problem = post(api, f"loans/loan_{loan.pk}/repayments", payment("1"), key=key)
    assert (status, problem["code"]) == (400, code)
    assert everything() == before


def test_a_key_may_have_a_hundred_characters_and_is_each_partners_own() -> None:
    loan = lent()
    key = "".join(map(chr, range(33, 127))) + " a b c"
    status, _ = post(caller(), f"loans/loan_{loan.pk}/repayments", payment("1"), key=key)
    assert status == 201
    assert KeptRequest.objects.get().partner_id == Partner.objects.get().pk
    assert OperationEvent.objects.latest("pk").actor.startswith("partner:")
