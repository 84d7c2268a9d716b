"""Lines are reviewed with each round: cut, raised, frozen, and left alone where they cannot be."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.models import JobRun, OperationEvent
from lending.domain.origination.line import LineRefusal
from lending.models import GrantedLimit, Line, LineEvent, Loan, Offer
from lending.operations import line_reviews
from lending.operations.lines import LineNotMoved, freeze_line, unfreeze_line
from lending.operations.offers import OFFERS
from merchants.domain.feed import FeedSignal
from merchants.models import Partner
from tests.conftest import CLERK, NOW
from tests.lending.lines import draw, make_offers_of_both_kinds, offered_lines, open_line, paid_out
from tests.lending.market import make_round, next_run
from tests.lending.office import staff
from tests.stages import do_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines() -> list[Line]:
    """Open three lines in a market that sells both kinds."""
    make_offers_of_both_kinds()
    return [open_line(offer) for offer in offered_lines()[:3]]


def history(line: Line) -> list[tuple[str, int | None, str]]:
    events = LineEvent.objects.filter(line=line).exclude(type__in=["OPENED", "DRAWN"]).order_by("pk")
    return list(events.values_list("type", "amount_minor", "reason"))


def next_round(days: int) -> None:
    next_run(days=days)
    make_round()


def limit_of(line: Line) -> int:
    line.refresh_from_db()
    return line.limit_minor


def test_a_line_is_cut_at_once_and_never_below_what_is_drawn(lines: list[Line]) -> None:
    """Red if a review left a line above what its merchant may owe, or took back what was lent."""
    one, other, _ = lines
    sound = one.limit_minor
    paid_out(draw(other, other.limit_minor))
    for line in (one, other):
        Line.objects.filter(pk=line.pk).update(limit_minor=2 * line.limit_minor)
    terms = Loan.objects.get().terms
    next_round(1)
    assert limit_of(one) <= sound
    assert history(one) == [("CUT", one.limit_minor, "")]
    assert limit_of(other) >= Loan.objects.get().principal_minor
    assert Loan.objects.get().terms == terms
    assert not Offer.objects.open().filter(kind="LINE", merchant__in=[line.merchant_id for line in lines]).exists()
    assert OperationEvent.objects.filter(name="lending.review_line", subject=f"lending.line:{one.pk}").count() == 1


def test_a_line_is_raised_after_seven_nights_and_told_once(lines: list[Line]) -> None:
    line = lines[0]
    Line.objects.filter(pk=line.pk).update(limit_minor=1_000)
    for night in range(1, 7):
        next_round(night)
        assert limit_of(line) == 1_000
    next_round(7)
    assert limit_of(line) > 1_000
    assert history(line) == [("RAISED", line.limit_minor, "")]


def test_a_review_done_again_changes_nothing(lines: list[Line]) -> None:
    assert Line.objects.update(limit_minor=1_000_000) == len(lines)
    next_round(1)
    before = (list(Line.objects.order_by("pk").values()), LineEvent.objects.count())
    for job in JobRun.objects.filter(name=OFFERS.names[1]):
        do_job(OFFERS, job)
    assert (list(Line.objects.order_by("pk").values()), LineEvent.objects.count()) == before


def test_whoever_is_late_draws_nothing_until_it_has_paid(lines: list[Line]) -> None:
    line = lines[0]
    loan = paid_out(draw(line, 100))
    assert loan.disbursed_on is not None
    Loan.objects.filter(pk=loan.pk).update(late_since=loan.disbursed_on - timedelta(days=3))
    next_round(1)
    line.refresh_from_db()
    assert (line.state, line.frozen_for) == ("FROZEN", "PAST_DUE")
    Loan.objects.filter(pk=loan.pk).update(late_since=None)
    next_round(2)
    line.refresh_from_db()
    assert (line.state, line.frozen_for) == ("ACTIVE", "")
    states = [(kind, reason) for kind, _, reason in history(line) if kind != "CUT"]
    assert states == [("FROZEN", "PAST_DUE"), ("UNFROZEN", "")]


def test_what_a_person_froze_stays_frozen(lines: list[Line]) -> None:
    line = lines[0]
    freeze_line(line_id=line.pk, reason="a call", actor=CLERK, now=NOW)
    next_round(1)
    line.refresh_from_db()
    assert (line.state, line.reviewed_in is not None) == ("FROZEN", True)
    with pytest.raises(LineNotMoved) as refused:
        freeze_line(line_id=line.pk, reason="again", actor=CLERK, now=NOW)
    assert refused.value.reason is LineRefusal.NOT_ACTIVE
    assert unfreeze_line(line_id=line.pk, reason="settled", actor=CLERK, now=NOW).state == "ACTIVE"


def test_a_line_that_cannot_be_reviewed_stops_no_other_and_is_shown(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    """Red if one line that fails parked the round, left the others as they were, or was told in the log alone."""
    broken, *others = lines
    Line.objects.update(limit_minor=1_000_000)
    move = line_reviews._move  # noqa: SLF001

    def fail(line: Line, *case: Any, **used: Any) -> Any:  # noqa: ANN401
        if line.pk == broken.pk:
            message = "damaged"
            raise ValueError(message)
        return move(line, *case, **used)

    monkeypatch.setattr(line_reviews, "_move", fail)
    next_round(1)
    assert limit_of(broken) == 1_000_000
    assert broken.reviewed_in is None
    for line in others:
        assert limit_of(line) < 1_000_000
    assert not JobRun.objects.filter(name=OFFERS.names[1]).exclude(state="DONE").exists()
    client.force_login(staff(Role.RISK_MANAGER))
    assertContains(client.get(reverse("admin:index")), "1 credit line was not reviewed")
    listed = client.get(reverse("admin:lending_line_changelist"), {"reviewed": "no"})
    assert list(listed.context["listing"].rows) == [broken]
    monkeypatch.undo()
    next_round(2)
    assertNotContains(client.get(reverse("admin:index")), "not reviewed")


def test_the_lines_of_a_red_feed_stay_as_they_are(lines: list[Line]) -> None:
    Line.objects.update(limit_minor=1_000_000)
    next_run(days=1)
    Partner.objects.update(feed_signal=FeedSignal.SILENT)
    make_round()
    assert {limit_of(line) for line in lines} == {1_000_000}


def test_each_kind_has_a_granted_limit_of_its_own(lines: list[Line]) -> None:
    """Red if the night of one kind moved what was granted under the other."""
    merchant = lines[0].merchant
    granted = dict(GrantedLimit.objects.filter(merchant=merchant).values_list("kind", "limit_minor"))
    assert set(granted) == {"TERM", "LINE"}
    GrantedLimit.objects.filter(merchant=merchant, kind="TERM").update(limit_minor=1_000)
    next_round(1)
    after = dict(GrantedLimit.objects.filter(merchant=merchant).values_list("kind", "limit_minor"))
    assert after["TERM"] == 1_000 < after["LINE"]
