from enum import StrEnum
from typing import get_args

import pytest

from config.kernel.refusals import Refused
from config.problems import CODES
from lending.api.applications import OUTCOMES, PAYOUTS
from lending.api.refusals import REFUSALS, refused
from lending.api.words import GROUNDS, INELIGIBLE, MEASURES, NO_OFFERS, OF_OTHERS, REVIEW, no_offer
from lending.domain.books.transfer import TransferState
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.calendars import CalendarRefusal
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.limit import Cap
from lending.domain.origination.no_offer import Measure, NoOfferExplanation, Threshold
from lending.domain.origination.rules import DAY_ONE, Ground, Outcome
from lending.operations.applications import OfferNotAccepted
from lending.operations.lines import NotDrawn
from lending.operations.loans import EventNotBooked
from lending.operations.offers import OfferNotMoved
from lending.operations.platform_collections import ResultNotTaken
from merchants.domain.idempotency import KeyRefusal
from merchants.operations.idempotency import RequestNotTaken
from scoring.domain.policy import Gate, NotScored
from scoring.operations.single import MerchantNotScored

CALLED = (
    OfferNotAccepted,
    OfferNotMoved,
    NotDrawn,
    EventNotBooked,
    RequestNotTaken,
    ResultNotTaken,
    MerchantNotScored,
)


def reasons_of(error: type[Refused[StrEnum]]) -> set[type[StrEnum]]:
    [base] = vars(error)["__orig_bases__"]
    [reason] = get_args(base)
    return set(get_args(reason) or (reason,))


def test_every_reason_of_what_is_called_has_its_status_and_code() -> None:
    assert set(REFUSALS) == set().union(*map(reasons_of, CALLED)) | {LoanRefusal, CalendarRefusal}
    for kind, table in REFUSALS.items():
        assert set(table) == set(kind)
        for reason in kind:
            reply = refused(reason)
            assert reply.status_code in {409, 422, 503}
            assert reply.data["code"] in CODES
            assert reply.data["detail"] == CODES[reply.data["code"]]


def test_who_is_told_to_come_back_is_told_when() -> None:
    assert refused(KeyRefusal.STILL_RUNNING)["Retry-After"] == "1"


def test_every_table_of_words_has_every_member() -> None:
    tables = (
        (NO_OFFERS, NoOffer),
        (INELIGIBLE, Ineligible),
        (GROUNDS, Ground),
        (MEASURES, Measure),
        (OUTCOMES, Outcome),
        (PAYOUTS, TransferState),
    )
    for table, members in tables:
        assert set(table) == set(members)


def test_what_leaves_an_application_to_a_person_is_told_alike() -> None:
    """Red if flagged sales had words of their own: whoever makes sales up would learn what is seen."""
    assert {GROUNDS[ground] for ground in DAY_ONE.referring} == {REVIEW}
    assert [ground for ground, told in GROUNDS.items() if told == REVIEW] == sorted(
        DAY_ONE.referring, key=list(Ground).index
    )
    assert not [told for told in GROUNDS.values() if "flag" in f"{told}".lower()]


@pytest.mark.parametrize(
    ("without", "code", "words", "threshold"),
    [
        (None, "no_offer_yet", "Offers are made", None),
        (
            NoOfferExplanation(
                reason=NoOffer.NOT_SCORED,
                cause=NotScored.FEW_ORDERS,
                threshold=Threshold(measure=Measure.ORDERS, have=7, need=10),
            ),
            "not_scored",
            "A score needs 10 orders.",
            {
                "measure": "orders",
                "have": "7",
                "need": "10",
                "unit": "order",
                "at_most": False,
                "words": "You have 7 orders; 10 are needed.",
            },
        ),
        (
            NoOfferExplanation(reason=NoOffer.GATE_FAILED, cause=Gate.TENURE, threshold=None),
            "gate_failed",
            "You have been selling here for less than 6 months.",
            None,
        ),
        (
            NoOfferExplanation(reason=NoOffer.NOT_ELIGIBLE, cause=Ineligible.TENURE, threshold=None),
            "not_eligible",
            "You have not been selling here for long enough.",
            None,
        ),
        (
            NoOfferExplanation(
                reason=NoOffer.LIMIT_BELOW_MINIMUM,
                cause=Cap.LADDER,
                threshold=Threshold(measure=Measure.AMOUNT_MINOR, have=900, need=1_000),
            ),
            "limit_below_minimum",
            "Your limit is below the smallest amount that is lent.",
            {
                "measure": "amount",
                "have": "9.00",
                "need": "10.00",
                "unit": "EUR",
                "at_most": False,
                "words": "9.00 could be lent to you; 10.00 is the least.",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_there_is_no_offer_is_told_to_the_merchant(
    without: NoOfferExplanation | None, code: str, words: str, threshold: dict[str, object] | None
) -> None:
    told = no_offer(without, "EUR")
    assert (told["code"], told["threshold"]) == (code, threshold)
    assert str(told["words"]).startswith(words)


@pytest.mark.parametrize("cap", sorted(OF_OTHERS), ids=str)
def test_what_others_owe_is_not_told(cap: Cap) -> None:
    threshold = Threshold(measure=Measure.AMOUNT_MINOR, have=900, need=1_000)
    without = NoOfferExplanation(reason=NoOffer.LIMIT_BELOW_MINIMUM, cause=cap, threshold=threshold)
    assert no_offer(without, "EUR")["threshold"] is None
