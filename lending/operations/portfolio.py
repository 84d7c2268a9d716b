"""Keep the figures of the portfolio as of a day, so that no page adds up all loans."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TypeVar

from django.db.models import Max, Q

from config.db.transactions import operation
from config.office.job_runs import limit_statements_to_lease
from lending.domain.books.portfolio import Dimension, Report
from lending.models import DelinquencyFigures, LoanEvent, PortfolioFigures
from lending.operations.bookings import lock_books
from lending.queries.delinquency import current_policy
from lending.queries.delinquency_tables import basis_of, compute_buckets
from lending.queries.portfolio_figures import KEPT, Row, compute_figures

T = TypeVar("T")


def keep_figures(on: date, *, progress: Callable[[], object] = lambda: None) -> bool:
    """Keep what all reports come to as of a day; False if something was booked for it meanwhile. Raises Contended.

    progress: called after each report, which may take long.
    """
    last, computed = _last_event(), dict[Report, dict[Dimension, list[Row]]]()
    for report in KEPT:
        computed[report] = _computed(partial(compute_figures, report, on=on))
        progress()
    with operation():
        if is_current := not _booked_since(last, on):
            PortfolioFigures.objects.filter(on=on).delete()
            PortfolioFigures.objects.bulk_create(_rows(on, computed))
    return is_current


def keep_buckets(on: date) -> bool:
    """Keep how many loans are in which bucket of delinquency as of a day, as `keep_figures`. Raises Contended."""
    policy, last = current_policy(), _last_event()
    basis = basis_of(policy)  # before: who changes hands from here on makes what is kept another's
    rows = _computed(partial(compute_buckets, policy, on=on))
    with operation():
        if is_current := not _booked_since(last, on):
            DelinquencyFigures.objects.filter(on=on).delete()
            DelinquencyFigures.objects.create(on=on, basis=basis, rows=rows)
    return is_current


def _last_event() -> int:
    """Return the last event that is booked.

    Bookings go on while loans are added up. They remove figures of their day under the shared lock of the books; here
    it is held exclusively before and after, so no event is both in neither the sums nor what is looked for.
    """
    with operation():
        lock_books(exclusive=True)
        last: int = LoanEvent.objects.aggregate(last=Max("pk", default=0))["last"]
        return last


def _booked_since(last: int, on: date) -> bool:
    """Tell whether an event came for a day or an earlier one, and hold back others for this transaction."""
    lock_books(exclusive=True)
    return LoanEvent.objects.filter(Q(on__lte=on) | Q(of__on__lte=on), pk__gt=last).exists()


def _computed(compute: Callable[[], T]) -> T:
    with operation():
        limit_statements_to_lease()
        return compute()


def _rows(on: date, computed: dict[Report, dict[Dimension, list[Row]]]) -> list[PortfolioFigures]:
    return [
        PortfolioFigures(on=on, report=report, dimension=dimension, rows=rows)
        for report, by_dimension in computed.items()
        for dimension, rows in by_dimension.items()
    ]
