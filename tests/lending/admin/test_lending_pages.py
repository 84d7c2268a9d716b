import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from config.declarations import Role
from config.kernel.money import format_minor
from config.office.business_date import get_business_date
from lending.admin import provision_words, transfer_words, words
from lending.admin.loan import LoanAdmin
from lending.domain.books.booking import BookingRefusal
from lending.domain.books.day_close import CloseRefusal, CloseState, OpeningRefusal
from lending.domain.books.ledger import KINDS, Account, AccountKind
from lending.domain.books.loan import LoanStatus
from lending.domain.books.month_close import MonthRefusal
from lending.domain.books.provision import Cause, Left, Stage
from lending.domain.books.provision_movement import Line
from lending.domain.books.provision_policy import Basis, Category
from lending.domain.books.transfer import PayoutHold, PayoutRetryRefusal, ReturnRefusal, TransferKind, TransferState
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.decision import DecisionRefusal
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from lending.domain.origination.offer import AcceptanceRefusal, OfferState
from lending.domain.origination.product import Band
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome
from lending.models import Application, DayClose, LedgerAccount, Loan, LoanEvent, Offer
from merchants.models import Merchant
from scoring.domain.run import SingleRefusal
from tests.approvals import approve_open
from tests.conftest import CLERK, NOW
from tests.lending.bookings import charge_fee
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, make_loan, roll
from tests.lending.market import make_round, publish, sell, verify_accounts
from tests.lending.office import staff
from tests.lending.operations.test_applications import referring

pytestmark = pytest.mark.django_db(transaction=True)
TABLES: dict[Any, Any] = {
    LoanStatus: words.LOAN_STATUSES,
    EventType: words.EVENT_TYPES,
    BookingRefusal: words.BOOKING_REFUSALS,
    LoanRefusal: words.LOAN_REFUSALS,
    TransferKind: transfer_words.TRANSFER_KINDS,
    TransferState: transfer_words.TRANSFER_STATES,
    PayoutHold: transfer_words.PAYOUT_HOLDS,
    PayoutRetryRefusal: transfer_words.RETRY_REFUSALS,
    ReturnRefusal: transfer_words.RETURN_REFUSALS,
    Account: words.ACCOUNTS,
    Stage: provision_words.STAGES,
    Cause: provision_words.CAUSES,
    Left: provision_words.LEFTS,
    Category: provision_words.CATEGORIES,
    Basis: provision_words.BASES,
    Line: provision_words.MOVEMENTS,
    AccountKind: words.ACCOUNT_KINDS,
    CloseState: words.CLOSE_STATES,
    CloseRefusal: words.CLOSE_REFUSALS,
    MonthRefusal: words.MONTH_REFUSALS,
    OpeningRefusal: words.OPENING_REFUSALS,
    OfferState: words.OFFER_STATES,
    AcceptanceRefusal: words.ACCEPTANCE_REFUSALS,
    ApplicationRefusal: words.APPLICATION_REFUSALS,
    ApplicationState: words.APPLICATION_STATES,
    Outcome: words.OUTCOMES,
    NoOffer: words.NO_OFFERS,
    Ground: words.GROUNDS,
    ReviewRefusal: words.REVIEW_REFUSALS,
    DecisionRefusal: words.UNPROVEN,
    SingleRefusal: words.SINGLE_REFUSALS,
    Ineligible: words.INELIGIBLE,
    Cap: words.CAPS,
    Band: words.BANDS,
    Method: words.METHODS,
    PeriodUnit: words.PERIODS,
    Prepayment: words.PREPAYMENTS,
}


@pytest.fixture(autouse=True)
def _no_figures_of_another_test() -> None:
    cache.clear()


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_member_has_its_words(kind: Any) -> None:  # noqa: ANN401
    assert set(TABLES[kind]) == set(kind)


def test_the_chart_of_accounts_is_the_domains() -> None:
    assert dict(LedgerAccount.objects.values_list("code", "kind")) == {
        str(account): str(KINDS[account]) for account in KINDS
    }
    assert list(LedgerAccount.objects.order_by("place").values_list("code", flat=True)) == [str(one) for one in Account]


@pytest.fixture
def finance(client: Client) -> Client:
    client.force_login(staff(Role.FINANCE))
    return client


def test_a_repayment_is_previewed_and_then_booked(finance: Client) -> None:
    loan = lent(amount_minor=900_000)
    address = reverse("admin:lending_loan_repay", args=[loan.pk])
    entered = {"amount": "9,000.00", "on": OPENED.isoformat(), "reason": "paid at the counter"}
    preview = finance.post(address, entered | {"step": "preview"})
    assertContains(preview, "Collection clearing")
    assertContains(preview, "9,000.00")
    assert LoanEvent.objects.count() == 1, "a preview books nothing"
    confirmed = entered | {"step": "confirm", "seen": "1"}
    done = finance.post(address, confirmed)
    assertRedirects(done, reverse("admin:lending_loan_change", args=[loan.pk]))
    loan.refresh_from_db()
    assert loan.status == LoanStatus.CLOSED
    again = finance.post(address, confirmed)
    assertContains(again, words.BOOKING_REFUSALS[BookingRefusal.BOOKED_MEANWHILE])
    assert LoanEvent.objects.count() == 2, "a double click books once"
    page = finance.get(reverse("admin:lending_loan_change", args=[loan.pk]))
    assertContains(page, "Repaid in full on 2026-03-01")
    assertContains(page, "paid at the counter")


def test_what_would_be_refused_is_said_in_the_preview(finance: Client) -> None:
    loan = lent()
    address = reverse("admin:lending_loan_repay", args=[loan.pk])
    late = {"amount": "1", "on": (OPENED + timedelta(days=1)).isoformat(), "reason": "x", "step": "preview"}
    page = finance.post(address, late)
    assertContains(page, words.BOOKING_REFUSALS[BookingRefusal.IN_THE_FUTURE])
    for amount in ("", "abc", "1.234", "-1", "1e5", "12,50", "1.500,00"):
        assertNotContains(finance.post(address, late | {"amount": amount}), "Confirm")
    assert LoanEvent.objects.count() == 1


def test_a_loan_of_many_events_shows_the_latest_and_all_when_asked(finance: Client) -> None:
    """Red if the chart, which wants them all, lost the earlier payments; or if the page grew with the loan."""
    loan = lent(amount_minor=1_200_000)
    for _ in range(60):
        charge_fee(loan_id=loan.pk, amount_minor=100, on=OPENED, reason="a copy", actor=CLERK, now=NOW)
    address = reverse("admin:lending_loan_change", args=[loan.pk])
    with CaptureQueriesContext(connection) as some:
        page = finance.get(address)
    assertContains(page, "the latest 30 of 61")
    assertContains(page, "a copy", count=30)
    with CaptureQueriesContext(connection) as every:
        whole = finance.get(address, {"all": "1"})
    assertContains(whole, "a copy", count=60)
    assertNotContains(whole, "the latest 30")
    assert len(some) == len(every) < 40


def test_a_fee_a_reversal_and_a_returned_payout(finance: Client) -> None:
    loan = lent()
    on = {"on": OPENED.isoformat(), "reason": "asked", "step": "confirm", "seen": "1"}
    finance.post(reverse("admin:lending_loan_charge", args=[loan.pk]), on | {"amount": "20"})
    loan.refresh_from_db()
    assert loan.fees_minor == 2_000
    reverse_page = reverse("admin:lending_loan_reverse", args=[loan.pk])
    assertContains(finance.get(f"{reverse_page}?event=2"), '<option value="2" selected>')
    finance.post(reverse_page, on | {"seen": "2", "event": "2"})
    approve_open()
    loan.refresh_from_db()
    assert loan.fees_minor == 0
    back = partial(finance.post, reverse("admin:lending_loan_return", args=[loan.pk]))
    assert b"booked on this loan meanwhile" in back(on).content, "shown before the fee"
    back(on | {"seen": "3"})
    approve_open()
    loan.refresh_from_db()
    assert loan.status == LoanStatus.APPROVED
    assertContains(finance.get(reverse("admin:lending_loan_change", args=[loan.pk])), "not yet paid out")
    assertNotContains(finance.post(reverse_page, on | {"seen": "4", "event": "99"}), "Confirm")


def test_every_amount_of_the_overview_equals_its_list(finance: Client) -> None:
    """Red if a card adds up other loans than the list behind it."""
    lent()
    lent(amount_minor=700_001, terms=EVERY_FIVE_DAYS)
    make_loan()
    roll(OPENED + timedelta(days=8))
    page = finance.get(reverse("admin:overview")).content.decode()
    found = re.findall(r'<a href="([^"]+)" data-figure="([\w-]+)">([\d,.]+)</a>', page)
    lending = [row for row in found if "lending_loan" in row[0] or "/lending/loan/" in row[0]]
    places = {"money-principal": 2, "money-disbursed": 3, "active": 1, "late": 1, "delinquent": 1}
    assert {name for _, name, _ in lending} == set(places)
    for link, name, shown in lending:
        listed = finance.get(link.replace("&amp;", "&")).context["listing"]
        totals: Any = next(iter(LoanAdmin.list_parts(None, listed)), None)  # type: ignore[arg-type]
        assert (str(totals.rows[0][places[name]]) if totals else "0") == shown, (link, name)
        if name in {"active", "late", "delinquent"}:
            assert listed.count == shown
    outstanding = Loan.objects.aggregate(total=Sum("principal_minor"))["total"]
    assert format_minor(outstanding, "CNY", grouped=True) in page


def test_a_day_is_opened_and_its_close_shown(finance: Client) -> None:
    lent()
    listed = finance.get(reverse("admin:lending_dayclose_changelist"))
    assertContains(listed, words.CLOSE_REFUSALS[CloseRefusal.NOTHING_TO_CLOSE])
    opening = reverse("admin:lending_dayclose_open")
    shown = re.search(r'name="seen" value="([^"]+)"', finance.get(opening).content.decode())
    assert shown is not None
    finance.post(opening, {"seen": shown[1]})
    assert get_business_date() == OPENED + timedelta(days=1)
    close = DayClose.objects.get()
    page = finance.get(reverse("admin:lending_dayclose_change", args=[close.pk]))
    assertContains(page, "Collect what is due")
    assertContains(finance.get(opening), "A day is being closed")


def test_staff_apply_and_decide(client: Client) -> None:
    publish(16)
    sell(referring)
    verify_accounts()
    make_round()
    offer = Offer.objects.order_by("-limit_minor", "pk")[0]
    client.force_login(staff(Role.UNDERWRITER))
    months = max(map(int, offer.most_by_months))
    entered = {
        "amount": format_minor(offer.limit_minor, "EUR"),
        "months": str(months),
        "external_ref": "contract-7",
        "signatory": "The owner",
        "signed_at": f"{offer.made_at:%Y-%m-%dT%H:%M}",
        "document_sha256": "a" * 64,
        "address": "192.0.2.1",
    }
    address = reverse("admin:lending_offer_apply", args=[offer.pk])
    assertContains(client.get(address), "Show what it costs")
    assertContains(client.post(address, entered | {"step": "preview"}), "SHA-256 of the signed document")
    assertContains(client.post(address, entered | {"amount": "1", "step": "preview"}), "below the product minimum of")
    assert not Application.objects.exists()
    unsigned = {name: text for name, text in entered.items() if name in {"amount", "months"}}
    assertContains(client.post(address, unsigned | {"step": "preview"}), "Effective yearly rate")
    assertContains(client.post(address, unsigned | {"step": "confirm"}), "This field is required")
    for moment in ("1999-01-01T10:00", "2099-01-01T10:00"):
        refused = client.post(address, entered | {"signed_at": moment, "step": "confirm"})
        assertContains(refused, "not in the future")
    assert not Application.objects.exists()
    done = client.post(address, entered | {"step": "confirm"}, follow=True)
    assertContains(done, "referred to a person")
    application = Application.objects.get()
    page = client.get(reverse("admin:lending_application_change", args=[application.pk]))
    assertContains(page, "to the last bit")
    assertContains(page, "binds")
    assertContains(page, words.REVIEW_REFUSALS[ReviewRefusal.SAME_PERSON])
    client.force_login(staff(Role.RISK_MANAGER))
    client.post(reverse("admin:lending_application_approve", args=[application.pk]), {"reason": "known for years"})
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED
    assertContains(client.get(reverse("admin:merchants_merchant_change", args=[offer.merchant_id])), "loan_")


def test_a_merchant_without_an_offer_is_told_why(finance: Client) -> None:
    publish(16)
    sell()
    make_round()
    with_offer = set(Offer.objects.values_list("merchant_id", flat=True))
    for merchant in Merchant.objects.exclude(pk__in=with_offer):
        page = finance.get(reverse("admin:merchants_merchant_change", args=[merchant.pk])).content.decode()
        assert "No offer" in page
        assert any(str(said) in page for said in (*words.NO_OFFERS.values(), *words.NOT_SCORED_OFFER.values())), (
            merchant
        )


def test_a_product_is_shown_with_its_prices_and_its_offers_equal_their_list(finance: Client) -> None:
    """Red if an offer of another version counted, or an older version passed for the one that is sold."""
    publish(16)
    older = sell()
    make_round()
    newer = sell(lambda document: document.update(version=9, eligibility=document["eligibility"] | {"score": 850}))
    pages = {}
    for version in (older, newer):
        address = reverse("admin:lending_productversion_change", args=[version.pk])
        pages[version] = finance.get(address).content.decode()
        found = re.search(r'<a href="([^"]+product=\d+)">(\d+)</a>', pages[version])
        assert found is not None
        listed = finance.get(found[1].replace("&amp;", "&")).content.decode()
        assert listed.count('scope="row"') == int(found[2]) == Offer.objects.open().filter(product=version).count()
    assert Offer.objects.open().exists()
    assert "Replaced by a later version" in pages[older]
    assert "Sold" in pages[newer]
    for said in ("0.030 %", "10.95 %", "850 or more", "25.00 %, from 12 months on", "every month", "1.00 EUR"):
        assert said in pages[newer]


def test_lists_cost_the_same_with_one_row_and_with_three(finance: Client) -> None:
    names = ["loan", "offer", "application", "transfer", "dayclose", "productversion"]

    def costs() -> list[int]:
        counts = []
        for name in names:
            with CaptureQueriesContext(connection) as queries:
                finance.get(reverse(f"admin:lending_{name}_changelist"))
            counts.append(len(queries))
        return counts

    lent()
    costs()  # the first look fills caches
    once = costs()
    lent()
    lent()
    sell()
    assert costs() == once
    assert max(once) <= 16
