"""What a merchant owes together with those it shares an owner with."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from config.office.models import OperationEvent
from lending.domain.books.day_close import EXPOSURE
from lending.domain.books.loan import LoanStatus
from lending.domain.origination.facts import Exposure, Hold
from lending.domain.origination.rules import current_rules
from lending.models import EarlyWarning, Loan, ProductExposure
from lending.operations.payouts import cancel_loan
from lending.queries.books import prove_accounts
from lending.queries.facts import facts_of
from lending.queries.products import product_of
from merchants.models import Merchant, Owner
from merchants.operations.merchants import enter_merchants
from tests.conftest import CLERK, NOW
from tests.forge import as_owner, forge
from tests.lending.bookings import reverse_event, take_repayment
from tests.lending.loans import OPENED, lent, make_loan, make_score
from tests.lending.watch import make_warning

pytestmark = pytest.mark.django_db


def leave(loan: Loan, owner: Owner, to: Owner | None) -> None:
    """Let a merchant change hands now, as its partner says."""
    merchant = loan.merchant
    Merchant.objects.filter(pk=merchant.pk).update(owner=owner)
    ref = "" if to is None else to.external_ref
    row = {"external_id": merchant.external_id, "name": merchant.name, "currency": merchant.currency, "owner_ref": ref}
    enter_merchants(partner_id=merchant.partner_id, rows=[row], actor=CLERK, now=NOW)


def exposure_of(loan: Loan) -> Exposure:
    score = make_score(Merchant.objects.get(pk=loan.merchant_id))
    product = product_of(loan.product)
    return facts_of(scores=[score], on=OPENED, product=product, rules=current_rules())[loan.merchant_id].exposure


@pytest.mark.parametrize("who", ["the borrower", "its sibling"])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_owner_counts_until_the_loans_that_ran_under_it_are_repaid(who: str, *, elsewhere: bool) -> None:
    """Red if only the present owner counts: whoever sends the owners could switch a family's debt off."""
    mine, family_loan = lent(), lent(amount_minor=300_000)
    owner = Owner.objects.create(partner=mine.merchant.partner, external_ref="family")
    to = Owner.objects.create(partner=mine.merchant.partner, external_ref="nobody") if elsewhere else None
    Merchant.objects.filter(pk__in=[mine.merchant_id, family_loan.merchant_id]).update(owner=owner)
    Loan.objects.filter(pk=family_loan.pk).update(late_since=OPENED - timedelta(days=3))
    leaver = family_loan if who == "the borrower" else mine
    leave(leaver, owner, to)
    assert (exposure_of(mine).owner_used_minor, exposure_of(mine).owner_days_past_due) == (300_000, 3)
    for loan in (mine, family_loan):
        repaid = {"principal_minor": 0, "repaid_minor": loan.amount_minor, "status": "CLOSED", "closed_on": OPENED}
        Loan.objects.filter(pk=loan.pk).update(**repaid)
    assert exposure_of(mine).owner_used_minor == 0


def test_an_owner_left_before_the_loan_was_made_does_not_count() -> None:
    mine, family_loan = lent(), lent(amount_minor=300_000)
    owner = Owner.objects.create(partner=mine.merchant.partner, external_ref="family")
    leave(family_loan, owner, None)
    forge(mine, approved_at=timezone.now() + timedelta(days=1))
    forge(family_loan, approved_at=timezone.now() + timedelta(days=1))
    Merchant.objects.filter(pk=mine.merchant_id).update(owner=owner)
    assert exposure_of(mine).owner_used_minor == 0


def test_a_change_of_owner_or_name_is_an_event_with_before_and_after() -> None:
    loan = lent()
    owner = Owner.objects.create(partner=loan.merchant.partner, external_ref="family")
    leave(loan, owner, None)
    event = OperationEvent.objects.get(name="merchants.change_merchant")
    assert event.subject == f"merchants.merchant:{loan.merchant_id}"
    assert event.before == {"owner": owner.pk, "name": loan.merchant.name}
    assert event.after == {"owner": None, "name": loan.merchant.name}


def test_siblings_share_the_room_of_their_currency_and_each_other_s_lateness() -> None:
    """Red if reals and yuan are added up, as if there were a rate between them."""
    mine, same, other = lent(), lent(amount_minor=300_000), lent(amount_minor=500_000)
    owner = Owner.objects.create(partner=mine.merchant.partner, external_ref="family")
    Merchant.objects.filter(pk__in=[loan.merchant_id for loan in (mine, same, other)]).update(owner=owner)
    Merchant.objects.filter(pk=other.merchant_id).update(currency="BRL")
    Loan.objects.filter(pk=other.pk).update(late_since=OPENED - timedelta(days=3))
    score = make_score(mine.merchant)
    product = product_of(mine.product)
    facts = facts_of(scores=[score], on=OPENED, product=product, rules=current_rules())[mine.merchant_id]
    assert facts.exposure.outstanding_minor == 1_200_000
    assert facts.exposure.owner_used_minor == 300_000
    assert facts.exposure.owner_days_past_due == 3


def test_a_warning_holds_back_all_shops_of_its_owner() -> None:
    """Red if an owner could lead the buyers of one shop to another, and draw on that."""
    mine, other, stranger = lent(), lent(), lent()
    owner = Owner.objects.create(partner=mine.merchant.partner, external_ref="family")
    Merchant.objects.filter(pk__in=[mine.merchant_id, other.merchant_id]).update(owner=owner)
    warning = make_warning(other.merchant, effects=["REVIEW", "FREEZE"])
    scores = [make_score(loan.merchant) for loan in (mine, stranger)]
    product, rules = product_of(mine.product), current_rules()

    def holds() -> list[Hold]:
        found = facts_of(scores=scores, on=OPENED, product=product, rules=rules)
        return [found[loan.merchant_id].hold for loan in (mine, stranger)]

    assert holds() == [Hold.FREEZE, Hold.NONE]
    EarlyWarning.objects.filter(pk=warning.pk).update(state="LIFTED", lifted_on=OPENED, decided_by=str(CLERK))
    assert holds() == [Hold.NONE, Hold.NONE]


def kept() -> dict[str, int]:
    return dict(ProductExposure.objects.values_list("category").annotate(Sum("minor")))


def counted() -> dict[str, tuple[int, int, int]]:
    sums = ProductExposure.objects.order_by("loans")  # of a category that loans left, nothing is left
    rows = sums.values_list("status", "loans", "disbursed_minor", "repaid_minor")
    return {status: (loans, disbursed, repaid) for status, loans, disbursed, repaid in rows}


def proven() -> bool:
    return all(balance.holds for balance in prove_accounts())


def test_what_is_kept_of_rooms_follows_every_loan() -> None:
    """Red if a booking, its reversal or a cancellation does not move the sums, or by other amounts than the loan's."""
    loan, other = make_loan(), lent(amount_minor=300_000)
    assert kept() == {"": 1_500_000}
    assert counted() == {"APPROVED": (1, 0, 0), "ACTIVE": (1, 300_000, 0)}
    cancel_loan(loan_id=loan.pk, reason="changed its mind", actor=CLERK, now=NOW)
    assert kept() == {"": 300_000}
    assert counted() == {"APPROVED": (0, 0, 0), "ACTIVE": (1, 300_000, 0), "CANCELLED": (1, 0, 0)}
    told: dict[str, Any] = {"loan_id": other.pk, "on": OPENED, "reason": "by hand", "actor": CLERK, "now": NOW}
    paid = take_repayment(amount_minor=100_000, **told)
    left = Loan.objects.get(pk=other.pk).principal_minor
    assert kept() == {"": left}
    assert left < 300_000
    assert counted()["ACTIVE"] == (1, 300_000, 100_000)
    reverse_event(seq=paid.seq, **told)
    assert kept() == {"": 300_000}
    take_repayment(amount_minor=400_000, **told)
    assert (Loan.objects.get(pk=other.pk).status, kept()) == (LoanStatus.CLOSED, {"": 0})
    closed = {"CLOSED": (1, 300_000, 400_000), "CANCELLED": (1, 0, 0)}
    assert counted() == closed | {"APPROVED": (0, 0, 0), "ACTIVE": (0, 0, 0)}
    assert proven()


def test_a_room_counts_the_loans_of_others_by_their_category_when_they_were_approved() -> None:
    """Red if a borrower's own loans count, or if a category that changes later takes its loans along."""
    mine, tea, books = make_loan(), make_loan(amount_minor=300_000), make_loan(amount_minor=500_000)
    for loan, category in ((mine, "Tea"), (tea, "Tea"), (books, "Books")):
        forge(loan, category=category)
    ProductExposure.objects.update(category="Tea", minor=1_500_000, loans=2)
    books_kept = {"category": "Books", "minor": 500_000, "status": LoanStatus.APPROVED, "loans": 1}
    ProductExposure.objects.create(code=mine.product.code, currency="CNY", **books_kept)
    assert proven()
    Merchant.objects.filter(pk__in=[mine.merchant_id, books.merchant_id]).update(category="Tea")
    limits = replace(product_of(mine.product).limits, portfolio_room_minor=1, category_rooms_minor={"Tea": 1})
    product = replace(product_of(mine.product), limits=limits)
    score = make_score(mine.merchant)
    found = facts_of(scores=[score], on=OPENED, product=product, rules=current_rules())[mine.merchant_id].exposure
    assert (found.portfolio_used_minor, found.category_used_minor) == (800_000, 300_000)


def test_the_proof_finds_a_sum_that_is_wrong_even_where_two_cancel_out() -> None:
    """Red if the proof compares totals only."""
    make_loan()
    code = ProductExposure.objects.get().code
    assert proven()
    ProductExposure.objects.update(minor=F("minor") + 5)
    ProductExposure.objects.create(code=code, currency="CNY", category="Tea", minor=-5)
    assert [balance.account for balance in prove_accounts() if not balance.holds] == [EXPOSURE]


@pytest.mark.parametrize("sum_kept", ["loans", "minor", "disbursed_minor", "repaid_minor"])
def test_the_proof_looks_at_every_sum_that_is_kept(sum_kept: str) -> None:
    """Red if the proof leaves one out, or if it forgets the loans that are closed."""
    closed = lent(amount_minor=300_000)
    told: dict[str, Any] = {"loan_id": closed.pk, "on": OPENED, "reason": "by hand", "actor": CLERK, "now": NOW}
    take_repayment(amount_minor=300_000, **told)
    assert proven()
    ProductExposure.objects.filter(status=LoanStatus.CLOSED).update(**{sum_kept: F(sum_kept) + 1})
    assert [balance.account for balance in prove_accounts() if not balance.holds] == [EXPOSURE]


def test_the_migrations_give_loans_their_category_and_sum_them() -> None:
    """Red if a loan is left out, or if a broken migration that is done again counts one twice."""
    lent()
    Merchant.objects.update(category="Tea")
    make_loan(amount_minor=300_000)
    categories = import_module("lending.migrations.0010_sums_of_exposures")
    sums = import_module("lending.migrations.0012_fill_sums_by_status")
    for _ in range(2):
        as_owner(categories.FILL % (0, categories.AT_ONCE))
        sums.fill(None, SimpleNamespace(connection=connection))
        assert set(Loan.objects.values_list("category", flat=True)) == {"", "Tea"}
        assert kept() == {"Tea": 1_200_000, "": 300_000}
        assert counted() == {"ACTIVE": (1, 1_200_000, 0), "APPROVED": (1, 0, 0)}
        assert proven()
