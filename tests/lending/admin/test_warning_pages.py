"""The queue of early warnings, what each rests on, and what people do with it."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from lending.admin.warning_words import EFFECTS, MEANINGS, SIGNALS, WARNING_REFUSALS, WARNING_STATES, amount_words
from lending.domain.origination.assessment import NoOffer
from lending.domain.watch.evidence import EVIDENCE
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.signals import SIDES
from lending.domain.watch.warning import WarningRefusal, WarningState
from lending.models import EarlyWarning, Loan
from tests.forge import forge
from tests.lending.lines import make_line
from tests.lending.loans import lent
from tests.lending.office import staff
from tests.lending.watch import judge_night, make_warning, trade

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:lending_earlywarning_changelist"


@pytest.fixture
def warning() -> EarlyWarning:
    loan = lent()
    trade(loan.merchant)
    trade(loan.merchant, first=5, a_day=3, kind="REFUND")
    judge_night()
    return EarlyWarning.objects.select_related("merchant").get(signal=Signal.REFUNDS)


@pytest.fixture
def analyst(client: Client) -> Client:
    client.force_login(staff(Role.CREDIT_ANALYST))
    return client


def address_of(warning: EarlyWarning, verb: str = "change") -> str:
    return reverse(f"admin:lending_earlywarning_{verb}", args=[warning.pk])


def test_everything_has_words() -> None:
    assert set(SIGNALS) == set(MEANINGS) == set(SIDES) == set(EVIDENCE) == set(Signal)
    assert set(EFFECTS) == set(Effect)
    assert set(WARNING_STATES) == set(WarningState)
    assert set(WARNING_REFUSALS) == set(WarningRefusal)


@pytest.mark.parametrize(
    ("signal", "said"),
    [(Signal.SALES_BELOW_SEASON, "1,234.56"), (Signal.SILENT, "123,456 days"), (Signal.REFUNDS, "123,456")],
)
def test_a_figure_reads_as_what_it_is(signal: Signal, said: str) -> None:
    assert amount_words(signal, 123_456, "CNY") == said


def test_an_analyst_finds_it_and_reads_its_rows_and_a_risk_manager_lifts_it(
    warning: EarlyWarning, analyst: Client
) -> None:
    assertContains(analyst.get(reverse("admin:index")), "1 early warning to review")
    listed = analyst.get(reverse(LIST), {"state": "RAISED", "review": "yes"})
    assertContains(listed, warning.merchant.name)
    page = analyst.get(address_of(warning))
    assertContains(page, "Underlying rows: 15")
    assertContains(page, f"{warning.merchant.external_id}-REFUND-0-0")
    assertContains(page, escape(str(MEANINGS[Signal.REFUNDS])))
    assertContains(page, "no new offer")
    merchant = reverse("admin:merchants_merchant_change", args=[warning.merchant_id])
    assertContains(analyst.get(merchant), str(SIGNALS[Signal.REFUNDS]))
    assert analyst.post(address_of(warning, "lift"), {"reason": "Let it draw"}).status_code == 403
    analyst.force_login(staff(Role.RISK_MANAGER))
    done = analyst.post(address_of(warning, "lift"), {"reason": "A recall of one article"}, follow=True)
    assertContains(done, "The warning is lifted.")
    assertContains(done, "A recall of one article")
    assertNotContains(analyst.get(merchant), str(SIGNALS[Signal.REFUNDS]))
    assertNotContains(analyst.get(reverse("admin:index")), "early warning to review")


def test_confirmed_it_no_longer_waits_and_stays_on_the_loan(warning: EarlyWarning, analyst: Client) -> None:
    done = analyst.post(address_of(warning, "confirm"), {"reason": "Called: returns of a bad batch"}, follow=True)
    assertContains(done, "The warning is confirmed.")
    assertNotContains(analyst.get(reverse("admin:index")), "early warning to review")
    loan = lent_to(warning)
    assertContains(analyst.get(loan), str(SIGNALS[Signal.REFUNDS]))
    assertContains(analyst.get(address_of(warning, "confirm")), escape(str(WARNING_REFUSALS[WarningRefusal.CONFIRMED])))


def lent_to(warning: EarlyWarning) -> str:
    return reverse("admin:lending_loan_change", args=[Loan.objects.get(merchant=warning.merchant).pk])


def test_without_a_reason_nothing_is_done(warning: EarlyWarning, analyst: Client) -> None:
    analyst.post(address_of(warning, "confirm"), {"reason": "  "}, follow=True)
    warning.refresh_from_db()
    assert warning.state == WarningState.RAISED


@pytest.mark.parametrize(
    ("role", "judges"),
    [(Role.RISK_MANAGER, True), (Role.UNDERWRITER, False), (Role.VIEWER, False), (Role.AUDITOR, False)],
)
def test_who_may_lift_it(warning: EarlyWarning, client: Client, role: Role, *, judges: bool) -> None:
    client.force_login(staff(role))
    assert client.get(address_of(warning)).status_code == 200
    assert client.post(address_of(warning, "lift"), {"reason": "Seen"}).status_code == (302 if judges else 403)


def test_a_list_filters_and_finds(warning: EarlyWarning, analyst: Client) -> None:
    shown = {"signal": "REFUNDS"}, {"raised_from": "2026-03-01"}, {"q": f"warning_{warning.pk}"}, {"state": "RAISED"}
    hidden = {"signal": "SILENT"}, {"raised_to": "2026-02-28"}, {"q": "warning_999999"}, {"state": "LIFTED"}
    for asked in shown:
        assertContains(analyst.get(reverse(LIST), asked), warning.merchant.name)
    for asked in hidden:
        assertNotContains(analyst.get(reverse(LIST), asked), warning.merchant.name)
    assert analyst.get(reverse(LIST), {"signal": "WEATHER"}).status_code == 302  # refused, not ignored


@pytest.mark.parametrize("signal", Signal)
def test_every_signal_has_a_page(client: Client, signal: Signal) -> None:
    loan = lent()
    drawn = loan.disbursed_on if signal is Signal.DIVERSION else None
    one = make_warning(loan.merchant, signal=signal, drawn_on=drawn, effects=[])
    client.force_login(staff(Role.AUDITOR))
    page = client.get(address_of(one))
    assertContains(page, str(SIGNALS[signal]))
    assertContains(page, "for information only")


def test_a_line_frozen_by_a_warning_says_why(client: Client) -> None:
    loan = lent()
    line = make_line(loan)
    forge(line, state="FROZEN", frozen_for=NoOffer.DRAWS_HELD)
    client.force_login(staff(Role.UNDERWRITER))
    page = client.get(reverse("admin:lending_line_change", args=[line.pk]))
    assertContains(page, escape("holds back new credit and draws"))
