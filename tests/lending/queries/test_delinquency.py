"""On any day, by any policy, SQL classes loans as Python does and as a slow model does that was written apart."""

from datetime import date

import pytest
from django.conf import settings as django_settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from lending.domain.books.delinquency import bucket_of, standstills_of
from lending.domain.books.delinquency_policy import DelinquencyPolicy, Pauses
from lending.domain.books.provision_policy import DefaultLevel
from lending.domain.contract.delinquency import Bucket, DelinquencyRule
from lending.models import Loan, LoanSpell
from lending.queries.closes import closed_to
from lending.queries.delinquency import Classed, classes_of, running_on, with_bucket
from lending.queries.delinquency_tables import Count, counts_of_list, delinquency_tables
from lending.queries.loans import contract_of
from lending.queries.spells import kept_spells
from merchants.models import Merchant, Owner
from tests.lending.arrears_model import Judged, Stood, each_day, own_bucket, pauses_of
from tests.lending.loans import OPENED, make_loan
from tests.lending.test_lending_machine import APPROVED, DAY, RUNS, Kept, LendingMachine, picks

pytestmark = pytest.mark.django_db
BUCKETS = st.sets(st.integers(1, 12), min_size=1, max_size=4).map(lambda found: tuple(sorted(found)))
JUDGED = st.builds(
    Judged,
    from_days=BUCKETS,
    grace=st.sampled_from([0, 0, 2]),
    cure=st.sampled_from([0, 0, 1, 4, 20]),
    pauses_stop=st.booleans(),
    follows=st.booleans(),
)


def policy_of(judged: Judged) -> DelinquencyPolicy:
    buckets = tuple(Bucket(name=str(days), from_days=days) for days in judged.from_days)
    return DelinquencyPolicy(
        version=1,
        rule=DelinquencyRule(buckets=buckets, grace_days=judged.grace),
        pauses=Pauses.STOP if judged.pauses_stop else Pauses.COUNT,
        level=DefaultLevel.BORROWER if judged.follows else DefaultLevel.LOAN,
        cure_days=judged.cure,
    )


class DelinquencyMachine(LendingMachine):
    """The first two loans are of one merchant's owner; what is kept of all is looked at as of any day, at any time.

    What loans that were late have missed in nights that are not closed is not in their arrears yet; all else is known.
    """

    @rule(back=st.integers(0, 12), judged=JUDGED, bucket=picks)
    def look(self, back: int, judged: Judged, bucket: int) -> None:
        on, policy = self.today - back * DAY, policy_of(judged)
        expected = self.expected(judged, on)
        loans = list(Loan.objects.filter(pk__in=[kept.pk for kept in self.loans]))
        found = classes_of(loans, policy, on=on)
        if on > (closed_to() or OPENED) + DAY:
            assert {pk: one._replace(arrears_minor=0) for pk, one in found.items()} == {
                pk: one._replace(arrears_minor=0) for pk, one in expected.items()
            }
            return
        assert found == expected
        self.compare_with_python(policy, expected, on)
        self.compare_sums(policy, expected, on)
        number = bucket % (len(judged.from_days) + 1)
        listed = with_bucket(running_on(LoanSpell.objects.all(), on), number, policy, on=on, loan="loan")
        of_bucket = {pk for pk, one in expected.items() if one.bucket == number}
        assert set(listed.values_list("loan_id", flat=True)) == of_bucket
        few, many = (
            counts_of_list(listed, {"bucket": str(number)}, policy, on=on, are_many=are_many)
            for are_many in (False, True)
        )
        assert few == [one for one in many or [] if one[1].loans]

    def expected(self, judged: Judged, on: date) -> dict[int, Classed]:
        lived = {kept.pk: each_day(kept.case(), on) for kept in self.loans}
        running = {pk: days[on] for pk, days in lived.items() if on in days}
        own = {
            kept.pk: own_bucket(lived[kept.pk], pauses_of(kept.case()), judged, on)
            for kept in self.loans
            if kept.pk in running
        }
        return {kept.pk: self.classed(kept, running, own, judged, on) for kept in self.loans if kept.pk in running}

    def classed(self, kept: Kept, running: dict[int, Stood], own: dict[int, int], judged: Judged, on: date) -> Classed:
        pair = [one.pk for one in self.loans[:2]]
        same = [pk for pk in (pair if kept.pk in pair else [kept.pk]) if pk in running]
        stood = running[kept.pk]
        return Classed(
            dpd=stood.dpd,
            worst_dpd=max(running[pk].dpd for pk in same),
            late_since=on - stood.dpd * DAY if stood.dpd else None,
            arrears_minor=stood.arrears,
            own_bucket=own[kept.pk],
            bucket=max(own[pk] for pk in same) if judged.follows else own[kept.pk],
        )

    def compare_with_python(self, policy: DelinquencyPolicy, expected: dict[int, Classed], on: date) -> None:
        loans = list(Loan.objects.filter(pk__in=expected))
        spells = kept_spells(loans)
        for loan in loans:
            contract = contract_of(loan)
            stills = standstills_of(contract.terms, contract.replayed().standing)
            assert bucket_of(policy, spells[loan.pk], stills, on=on) == expected[loan.pk].own_bucket

    def compare_sums(self, policy: DelinquencyPolicy, expected: dict[int, Classed], on: date) -> None:
        principal = dict(running_on(LoanSpell.objects.all(), on).values_list("loan_id", "principal_minor"))
        assert principal == {
            kept.pk: each_day(kept.case(), on)[on].principal for kept in self.loans if kept.pk in expected
        }
        found = delinquency_tables(policy, on=on)
        if not expected:
            assert found == []
            return
        [table] = found
        for number, count in enumerate(table.buckets):
            assert count == summed({pk: one for pk, one in expected.items() if one.bucket == number}, principal)
        assert table.running == summed(expected, principal)
        for days, count in table.at_risk.items():
            late = summed({pk: one for pk, one in expected.items() if one.dpd >= days}, principal)
            assert (count.loans, count.principal_minor) == (late.loans, late.principal_minor)


def summed(loans: dict[int, Classed], principal: dict[int, int]) -> Count:
    return Count(
        loans=len(loans),
        arrears_minor=sum(one.arrears_minor for one in loans.values()),
        principal_minor=sum(principal[pk] for pk in loans),
    )


@pytest.mark.parametrize("part", range(12))
def test_loans_are_classed_as_the_model_says(part: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Red for a spell that a back-dated payment or a reversal left behind, a cure too early, a borrower left out."""
    monkeypatch.setattr(django_settings, "LOOPBACK_DIR", None)
    APPROVED[:] = [make_loan(amount_minor=100_000) for _ in range(4)]
    owner = Owner.objects.create(partner=APPROVED[0].merchant.partner, external_ref="o")
    Merchant.objects.filter(pk__in=[loan.merchant_id for loan in APPROVED[:2]]).update(owner=owner)
    run_state_machine_as_test(DelinquencyMachine, settings=RUNS)
