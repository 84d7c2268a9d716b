"""Figures are kept by the close, and never beyond what was booked for their day."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

import lending.operations.portfolio
from config.kernel.calendar import add_months
from lending.domain.books.portfolio import Dimension, Report
from lending.models import DelinquencyFigures, Loan, LoanFlow, LoanOrigin, PortfolioFigures
from lending.operations.policies import enter_delinquency_policy
from lending.operations.portfolio import keep_buckets, keep_figures
from lending.queries.books import drifted_loans
from lending.queries.delinquency import current_policy
from lending.queries.delinquency_tables import Count, basis_of, days_to_class, delinquency_tables
from lending.queries.portfolio_figures import KEPT, compute_figures, days_to_keep, dimensions_of, figures_of
from merchants.models import Merchant
from merchants.operations.merchants import enter_merchants
from tests.conftest import CLERK, NOW
from tests.lending.bookings import reverse_event, take_repayment
from tests.lending.domain.test_delinquency_policy import text_of
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, proven, roll

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
ALL = sum(len(dimensions_of(report)) for report in KEPT)


def repaid(loan: Loan, on: date) -> int:
    return take_repayment(loan_id=loan.pk, amount_minor=20_000, on=on, reason="x", actor=CLERK, now=NOW).seq


def days_kept() -> set[date]:
    return set(PortfolioFigures.objects.values_list("on", flat=True))


def test_a_close_keeps_its_day_and_what_is_booked_later_removes_what_it_changes() -> None:
    """Red if a figure stayed that a booking changed, or if one went that it did not."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    roll(OPENED + 8 * DAY)
    closed = {OPENED + number * DAY for number in range(8)}
    assert days_kept() == closed
    assert PortfolioFigures.objects.filter(on=OPENED).count() == ALL
    seq = repaid(loan, OPENED + 5 * DAY)
    assert days_kept() == {OPENED + number * DAY for number in range(5)}
    roll(OPENED + 9 * DAY)
    assert OPENED + 8 * DAY in days_kept()
    reverse_event(loan_id=loan.pk, seq=seq, on=OPENED + 9 * DAY, reason="x", actor=CLERK, now=NOW)
    assert days_kept() == {OPENED + number * DAY for number in range(5)}, "a reversal changes from what it removes on"


def test_month_ends_without_figures_are_kept_by_the_next_close() -> None:
    lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    roll(date(2026, 4, 3))
    march = date(2026, 3, 31)
    PortfolioFigures.objects.filter(on=march).delete()
    assert days_to_keep(date(2026, 4, 2)) == [march]
    roll(date(2026, 4, 4))
    assert PortfolioFigures.objects.filter(on=march).count() == ALL
    assert figures_of(Report.RISK, Dimension.GRADE, on=march) == compute_figures(Report.RISK, on=march)[Dimension.GRADE]


@pytest.mark.parametrize("back", [0, 3])
def test_nothing_is_kept_of_a_day_that_something_is_booked_for_meanwhile(
    monkeypatch: pytest.MonkeyPatch, back: int
) -> None:
    """Red if a booking between adding up and writing were neither in the figures nor noticed."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    today = OPENED + 6 * DAY
    roll(today)
    PortfolioFigures.objects.all().delete()

    def reports() -> Iterator[Report]:
        for number, report in enumerate(KEPT):
            if number == 1:
                repaid(loan, today - back * DAY)
            yield report

    monkeypatch.setattr(lending.operations.portfolio, "KEPT", reports())
    day = today - DAY
    assert keep_figures(day) is (back == 0), "of today it changes nothing"
    monkeypatch.undo()
    assert keep_figures(day)
    kept = {(row.report, row.dimension): row.rows for row in PortfolioFigures.objects.filter(on=day)}
    expected = {(report, by): rows for report in KEPT for by, rows in compute_figures(report, on=day).items()}
    assert kept == expected


def buckets_of(on: date) -> list[list[Count]]:
    return [list(table.buckets) for table in delinquency_tables(current_policy(), on=on)]


def keeps_buckets(on: date) -> bool:
    """Tell whether buckets of a day are kept that count."""
    return DelinquencyFigures.objects.filter(on=on, basis=basis_of(current_policy())).exists()


def test_buckets_of_a_day_are_kept_by_its_close_and_removed_by_what_is_booked_for_it() -> None:
    """Red if a bucket were told of a day that was healed since, or if pages classed all loans again."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    roll(OPENED + 9 * DAY)
    late, before = OPENED + 8 * DAY, OPENED + 5 * DAY
    assert keeps_buckets(late)
    assert keeps_buckets(before)
    assert [table[1].loans for table in buckets_of(late)] == [1]
    DelinquencyFigures.objects.filter(on=late).update(rows=[])
    assert [table[1].loans for table in buckets_of(late)] == [0], "what is kept is read"
    repaid(loan, OPENED + 6 * DAY)
    assert keeps_buckets(before)
    assert not keeps_buckets(late)
    assert [table[1].loans for table in buckets_of(late)] == [0]


def test_buckets_that_something_is_booked_for_meanwhile_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a booking between adding up and writing were neither in what is kept nor noticed."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000)
    roll(OPENED + 9 * DAY)
    on = OPENED + 8 * DAY
    DelinquencyFigures.objects.all().delete()

    def compute(adds_up: Callable[[], list[list[object]]]) -> list[list[object]]:
        found = adds_up()
        repaid(loan, on)
        return found

    monkeypatch.setattr(lending.operations.portfolio, "_computed", compute)
    assert not keep_buckets(on)
    assert not DelinquencyFigures.objects.exists()
    monkeypatch.undo()
    assert keep_buckets(on)
    assert [table[1].loans for table in buckets_of(on)] == [0]


def test_buckets_follow_whoever_changes_hands_and_the_policy() -> None:
    """Red if a loan stayed in the bucket of who was its owner, or in that of another policy."""
    late, other = (lent(terms=EVERY_FIVE_DAYS, amount_minor=60_000) for _ in range(2))
    roll(OPENED + 6 * DAY)
    on = OPENED + 6 * DAY
    repaid(other, on)
    roll(on + 2 * DAY)
    assert keeps_buckets(on + DAY)
    assert [table[1].loans for table in buckets_of(on + DAY)] == [1]
    shops = [late.merchant, other.merchant]
    rows = [{"external_id": one.external_id, "name": one.name, "currency": one.currency} for one in shops]
    rows = [row | {"owner_ref": "ann"} for row in rows]
    assert enter_merchants(partner_id=shops[0].partner_id, rows=rows, actor=CLERK, now=NOW).changed == 2
    assert not keeps_buckets(on + DAY)
    assert [table[1].loans for table in buckets_of(on + DAY)] == [2]
    shown = [add_months(on + 2 * DAY, -1), on + 2 * DAY]
    assert days_to_class(current_policy(), on + 2 * DAY) == shown
    roll(on + 3 * DAY)
    assert keeps_buckets(on + 2 * DAY)
    enter_delinquency_policy(text=text_of(level="LOAN"), actor=CLERK, now=NOW)
    assert not keeps_buckets(on + 2 * DAY)
    assert [table[1].loans for table in buckets_of(on + 2 * DAY)] == [1]


def test_a_merchant_that_moves_takes_no_loan_with_it() -> None:
    """Red if a figure of a past day followed what a merchant is today."""
    loan = lent(amount_minor=60_000)
    roll(OPENED + 3 * DAY)
    before = compute_figures(Report.RISK, on=OPENED + DAY)
    Merchant.objects.filter(pk=loan.merchant_id).update(region="Elsewhere", membership="gold", category="Other")
    assert compute_figures(Report.RISK, on=OPENED + DAY) == before
    assert LoanOrigin.objects.get().region == "-"


def test_flows_and_origins_that_drifted_are_found() -> None:
    """Red if the proof did not compare them with the events."""
    loan = lent()
    assert proven()
    LoanFlow.objects.filter(loan=loan).update(received_minor=1)
    assert drifted_loans([loan]) == [loan.pk]
    LoanFlow.objects.filter(loan=loan).update(received_minor=0)
    LoanOrigin.objects.filter(loan=loan).update(first_due=loan.disbursed_on)
    assert drifted_loans([loan]) == [loan.pk]
