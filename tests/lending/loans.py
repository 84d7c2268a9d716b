"""Make loans as decisions do, without the decisions: borrower, offer, application and loan by hand."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from itertools import count
from typing import Any

from django.core.management import call_command

from config.db.transactions import operation
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from lending.domain.books.loan import LoanStatus
from lending.domain.books.transfer import Moved
from lending.domain.contract.terms import write_terms
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.offer import OfferState
from lending.domain.origination.product import terms_of
from lending.domain.origination.product_document import DAY_ONE_PRODUCT, in_currency
from lending.gateways.protocol import Gateway
from lending.models import Application, DayClose, Loan, Offer, Transfer
from lending.operations.bookings import move_exposure
from lending.operations.day_close import CLOSE, close_day, collect_part
from lending.operations.payouts import claim_payout, make_payout, record_payout
from lending.operations.products import enter_product
from lending.operations.transfers import lock_loan
from lending.queries.books import drifted_loans, prove_accounts
from lending.queries.loans import share_of
from lending.queries.products import product_of
from merchants.domain.payout_account import PayoutAccountState
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, Partner, PayoutAccount
from merchants.models.payout_account import account_keys, owner_of
from merchants.operations.partners import enter_partner
from scoring.domain.calibration import Grade
from scoring.domain.features.sets import current_set
from scoring.domain.run import RunKind, RunState
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import Score, ScoreRun
from scoring.operations.versions import enter_scorecard
from tests.beginnings import begin
from tests.conftest import CLERK, NOW, VERIFIER
from tests.forge import forge
from tests.markets import receive, sale
from tests.stages import do_stages

OPENED = date(2026, 3, 1)
EVERY_FIVE_DAYS = {"unit": "DAY", "every": 5}  # so that something is late before many days are closed
_numbers = count(1)


def make_merchant(partner: Partner, name: str, currency: str = "CNY") -> Merchant:
    merchant = Merchant.objects.create(partner=partner, external_id=name, name=name, currency=currency)
    verify_account(merchant)
    return merchant


def verify_account(merchant: Merchant) -> None:
    PayoutAccount.objects.enter(
        merchant=merchant,
        number="GB82WEST12345698765432",
        holder=merchant.name,
        merchant_name=merchant.name,
        state=PayoutAccountState.VERIFIED,
        entered_by=str(CLERK),
        entered_at=NOW,
        verified_by=str(VERIFIER),
        verified_at=NOW,
    )


def give_number(account: PayoutAccount, number: str) -> None:
    """Let an account have another number, which no check has seen."""
    kept = account_keys().encrypt(number, owner=owner_of(account.merchant_id))
    forge(account, sealed_number=kept.sealed, number_index=kept.index)


def make_score(merchant: Merchant, *, grade: Grade = Grade.B1, basis: int = 5_000_000) -> Score:
    card = enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    run = ScoreRun.objects.create(
        kind=RunKind.FULL,
        state=RunState.UNPUBLISHED,
        as_of=OPENED,
        watermark_high=1,
        watermark_open=[],
        feature_set=current_set().version,
        scorecard=card,
        started_by=str(SYSTEM),
        started_at=NOW,
        finished_at=NOW,
    )
    lists: Mapping[str, list[object]] = {name: [] for name in ("gates", "reasons", "floored", "absent", "points")}
    values = [None] * len(current_set().names)
    return Score.objects.create(
        run=run,
        merchant=merchant,
        needed=0,
        score=600,
        pd_ppm=20_000,
        grade=grade,
        sales_basis_minor=basis,
        characteristics=values,
        **lists,
    )


def make_loan(
    *,
    amount_minor: int = 1_200_000,
    months: int = 6,
    grade: Grade = Grade.B1,
    merchant: Merchant | None = None,
    terms: Mapping[str, object] | None = None,
    currency: str = "CNY",
) -> Loan:
    """Make an approved loan whose money is due to leave; `terms` replace those of the product."""
    number = next(_numbers)
    if get_business_date() is None:
        open_day(on=OPENED, actor=SYSTEM, now=NOW)
    if merchant is None:
        partner = Partner.objects.filter(code="bazaar").first() or enter_partner(
            code="bazaar", name="Bazaar", settlement=Settlement.IMMEDIATE, actor=CLERK, now=NOW
        )
        merchant = make_merchant(partner, f"borrower-{number}", currency)
    version = enter_product(text=in_currency(DAY_ONE_PRODUCT.read_text(), currency), actor=SYSTEM, now=NOW)
    score = make_score(merchant, grade=grade)
    offer = Offer.objects.create(
        merchant=merchant,
        score=score,
        product=version,
        state=OfferState.ACCEPTED,
        currency=currency,
        grade=grade,
        minimum_minor=100_000,
        limit_minor=50_000_000,
        most_by_months={str(term): 50_000_000 for term in range(1, 13)},
        daily_rate=Decimal("0.0004"),
        caps={"PRODUCT_MAXIMUM": 50_000_000},
        binding="PRODUCT_MAXIMUM",
        made_on=OPENED,
        expires_on=OPENED + timedelta(days=30),
        made_at=NOW,
        closed_at=NOW,
    )
    application = Application.objects.create(
        merchant=merchant,
        partner=merchant.partner,
        offer=offer,
        product=version,
        score=score,
        state=ApplicationState.APPROVED,
        currency=currency,
        amount_minor=amount_minor,
        months=months,
        external_ref=f"ref-{number}",
        signed_by="The owner",
        signed_at=NOW,
        document_sha256="a" * 64,
        signed_from="192.0.2.1",
        applied_on=get_business_date() or OPENED,
        entered_by=str(CLERK),
        entered_at=NOW,
        decided_at=NOW,
    )
    written = write_terms(terms_of(product_of(version), grade=grade, principal_minor=amount_minor, months=months))
    loan = Loan.objects.create(
        application=application,
        merchant=merchant,
        product=version,
        payout_account=PayoutAccount.objects.get(merchant=merchant),
        status=LoanStatus.APPROVED,
        currency=currency,
        amount_minor=amount_minor,
        category=merchant.category,
        terms={**written, **(terms or {})},
        approved_at=NOW,
    )
    with operation():
        move_exposure((loan, None, share_of(loan)))
    return loan


def application_of(loan: Loan) -> Application:
    """Return what the loan was applied for by, which an imported loan has not."""
    assert loan.application is not None
    return loan.application


def pay_out(loan: Loan) -> Loan:
    """Pay the loan out on the business date."""
    with operation():
        transfer = make_payout(loan, now=NOW)
    claimed = claim_payout(transfer_id=transfer.pk, now=NOW)
    assert claimed is not None
    record_payout(transfer_id=transfer.pk, answer=Moved(loan.amount_minor), now=NOW)
    loan.refresh_from_db()
    return loan


def send_again(loan_id: int) -> Transfer:
    """Create another payout of a loan whose last one failed or came back; no rule is asked."""
    with operation():
        return make_payout(lock_loan(loan_id), now=NOW)


def lent(**fields: object) -> Loan:
    """Make a loan and pay it out: the first of a test is a beginning."""

    def lend() -> None:
        pay_out(make_loan(**fields))  # type: ignore[arg-type]

    if "merchant" in fields or get_business_date() is not None:
        lend()
    else:
        begin(f"lent {fields}", lend)
    return Loan.objects.latest("pk")


def serviced(loan: Loan, **servicing: object) -> Loan:
    """Let the loan be one of a product whose loans are serviced so."""
    text = json.dumps({**json.loads(DAY_ONE_PRODUCT.read_text()), "version": 9, "servicing": servicing})
    loan.product = enter_product(text=text, actor=SYSTEM, now=NOW)
    forge(loan, product=loan.product_id)
    return loan


def roll(to: date) -> None:
    """Open the days up to a date, one by one, and close each behind."""
    while (today := get_business_date() or OPENED) < to:
        open_day(on=today + timedelta(days=1), actor=SYSTEM, now=NOW)
        close()


def close(gateways: Mapping[str, Gateway] | None = None) -> DayClose:
    """Close the oldest day, in this process; collect through gateways of the test's, if it has some."""
    found = close_day(actor=SYSTEM, now=NOW)
    collect, *others = CLOSE.stages
    do_stages(
        replace(CLOSE, stages=[replace(collect, work=partial(collect_part, gateways=gateways)), *others]), found.pk
    )
    found.refresh_from_db()
    return found


def deposit(loans: list[Loan]) -> None:
    """Let the merchants have something to collect from."""
    partner = loans[0].merchant.partner
    receive(partner, [sale(f"s{loan.pk}", loan.merchant.external_id, amount="500.00") for loan in loans])


def proven() -> bool:
    """Tell whether ledger, loans and events say the same."""
    booked = Loan.objects.filter(booked_to__isnull=False)
    return all(balance.holds for balance in prove_accounts()) and not drifted_loans(list(booked))


def checked() -> dict[str, Any]:
    """Return what check_books finds. Raises CommandError where the books do not hold."""
    output = StringIO()
    call_command("check_books", "--json", stdout=output)
    found: dict[str, Any] = json.loads(output.getvalue())
    return found
