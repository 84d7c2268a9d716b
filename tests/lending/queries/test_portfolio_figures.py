"""The figures of any day are what a slow model makes of the events, at any time; the future changes none."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from lending.domain.books.portfolio import PAR, Dimension, Report, is_first_payment_default, matures_on
from lending.models import LoanFlow, PortfolioFigures
from lending.queries.portfolio_figures import compute_figures
from tests.lending import model
from tests.lending.arrears_model import each_day
from tests.lending.events_model import standing
from tests.lending.loans import OPENED, make_loan
from tests.lending.test_lending_machine import APPROVED, DAY, RUNS, Kept, LendingMachine

pytestmark = pytest.mark.django_db


class Told:
    """What the model says of a loan on a day, in the terms of reports; minor units."""

    def __init__(self, kept: Kept, on: date) -> None:
        self.case = {**kept.case(), "as_of": [on.isoformat()]}
        self.lived = each_day(kept.case(), on)
        self.lent = [event for event in standing(kept.events) if event["type"] == "disbursement"]
        self.begun = date.fromisoformat(self.lent[0]["on"]) if self.lent else date.max
        self.stood = self.lived.get(on)
        is_out = self.begun <= on
        [state, *_] = model.model(self.case)["states"] if is_out else [model.nothing(on)]
        fees = model.fees_charged(self.case) if is_out else 0
        paid = state["interest_paid_minor"] + state["penalty_paid_minor"]
        self.flow = {
            "disbursed_minor": sum(event["amount_minor"] for event in self.lent) if is_out else 0,
            "received_minor": paid + fees - state["fees_unpaid_minor"] - state.get("fees_written_off_minor", 0),
            "written_off_minor": state.get("principal_written_off_minor", 0),
            "recovered_minor": min(state.get("recovered_minor", 0), state.get("principal_written_off_minor", 0)),
        }

    def at_risk(self, days: int) -> int | None:
        """Its principal, if it runs and is so late."""
        return self.stood.principal if self.stood is not None and self.stood.dpd >= days else None

    def defaulted(self, on: date) -> tuple[int, int]:
        """Whether its first instalment is old enough to be judged, and is unpaid then."""
        if self.begun > on:
            return 0, 0
        drawn = model.model({**self.case, "events": self.lent[:1]})["schedule"]
        dues = [date.fromisoformat(row["due"]) for row in drawn]
        due = next((one for one in dues if one > self.begun), dues[0])
        day = matures_on(due)
        if day > on:
            return 0, 0
        late = self.lived[day].dpd if day in self.lived else 0
        since = day - timedelta(days=late) if late else None
        return 1, int(is_first_payment_default(due, late_since=since))


class PortfolioMachine(LendingMachine):
    """All that may happen to four loans; the figures of any day are looked at any time, kept or not."""

    @rule(back=st.integers(0, 45), keeps=st.booleans())
    def look(self, back: int, keeps: bool) -> None:  # noqa: FBT001
        on = max(self.today - back * DAY, OPENED)
        told = [Told(kept, on) for kept in self.loans]
        self.compare_kept()
        if keeps:
            keep_figures_here(on)
        self.compare_flows(on, told)
        assert risk_of(on) == expected_risk(told)
        assert vintages_of(on) == list(expected_vintages(told, on))

    def compare_flows(self, on: date, told: list[Told]) -> None:
        for kept, one in zip(self.loans, told, strict=True):
            rows = LoanFlow.objects.filter(loan=kept.pk, on__lte=on)
            found = {name: sum(getattr(row, name) for row in rows) for name in one.flow}
            assert found == one.flow

    @rule(days=st.integers(20, 40))
    def wait(self, days: int) -> None:
        """Let a first instalment become old enough, and a month end."""
        self.live(days=days, closes=False)

    def compare_kept(self) -> None:
        """What was kept at any time is what would be added up now, or is gone."""
        for figures in PortfolioFigures.objects.filter(report=Report.VINTAGES, dimension=Dimension.ALL):
            assert figures.rows == compute_figures(Report.VINTAGES, on=figures.on)[Dimension.ALL]


def keep_figures_here(on: date) -> None:
    """Keep figures in the test's own transaction."""
    computed = compute_figures(Report.VINTAGES, on=on)[Dimension.ALL]
    PortfolioFigures.objects.update_or_create(
        on=on, report=Report.VINTAGES, dimension=Dimension.ALL, defaults={"rows": computed}
    )


def risk_of(on: date) -> list[int]:
    rows = compute_figures(Report.RISK, on=on)[Dimension.ALL]
    return rows[0][2:] if rows else []


def expected_risk(told: list[Told]) -> list[int]:
    found = [[one.at_risk(days) for one in told] for days in (0, *PAR)]
    counts = [[minor for minor in of_days if minor is not None] for of_days in found]
    if not counts[0]:
        return []
    late = counts[1:]
    return [len(counts[0]), sum(counts[0]), *map(len, late), *map(sum, late)]


def vintages_of(on: date) -> list[list[Any]]:
    return [row[2:] for row in compute_figures(Report.VINTAGES, on=on)[Dimension.ALL]]


def expected_vintages(told: list[Told], on: date) -> Iterator[list[Any]]:
    out = [one for one in told if one.begun <= on]
    for cohort in sorted({one.begun.replace(day=1) for one in out}):
        loans = [one for one in out if one.begun.replace(day=1) == cohort]
        bad = [minor for one in loans if (minor := one.at_risk(30)) is not None]
        lost = [minor for one in loans if (minor := one.flow["written_off_minor"])]
        judged = [one.defaulted(on) for one in loans]
        yield [
            cohort.isoformat(),
            len(loans),
            sum(one.flow["disbursed_minor"] for one in loans),
            len(bad),
            sum(bad),
            len(lost),
            sum(lost),
            sum(matured for matured, _ in judged),
            sum(defaulted for _, defaulted in judged),
        ]


@pytest.mark.parametrize("part", range(4))
def test_figures_are_what_the_model_says(part: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Red for a flow that a reversal left behind, a loan that counts before its month, a default that was healed."""
    monkeypatch.setattr(django_settings, "LOOPBACK_DIR", None)
    APPROVED[:] = [make_loan(amount_minor=100_000) for _ in range(4)]
    run_state_machine_as_test(PortfolioMachine, settings=settings(RUNS, max_examples=5, stateful_step_count=20))
