"""Keep the figures of the portfolio as of a day, so that no page adds up all loans."""

from collections.abc import Callable
from datetime import date

from django.db.models import Max, Q

from config.db.transactions import operation
from config.office.job_runs import limit_statements_to_lease
from lending.domain.books.portfolio import Dimension, Report
from lending.models import LoanEvent, PortfolioFigures
from lending.operations.bookings import lock_books
from lending.queries.portfolio_figures import KEPT, Row, compute_figures


def keep_figures(on: date, *, progress: Callable[[], object] = lambda: None) -> bool:
    """Keep what all reports come to as of a day; False if something was booked for it meanwhile. Raises Contended.

    progress: called after each report, which may take long.
    Bookings go on while loans are added up. They remove figures of their day under the shared lock of the books; here
    it is held exclusively before and after, so no event is both in neither the sums nor what is looked for.
    """
    with operation():
        lock_books(exclusive=True)
        last = LoanEvent.objects.aggregate(last=Max("pk", default=0))["last"]
    computed = dict[Report, dict[Dimension, list[Row]]]()
    for report in KEPT:
        computed[report] = _computed(report, on)
        progress()
    with operation():
        lock_books(exclusive=True)
        later = LoanEvent.objects.filter(pk__gt=last)
        if later.filter(Q(on__lte=on) | Q(of__on__lte=on)).exists():
            return False
        PortfolioFigures.objects.filter(on=on).delete()
        PortfolioFigures.objects.bulk_create(_rows(on, computed))
    return True


def _computed(report: Report, on: date) -> dict[Dimension, list[Row]]:
    with operation():
        limit_statements_to_lease()
        return compute_figures(report, on=on)


def _rows(on: date, computed: dict[Report, dict[Dimension, list[Row]]]) -> list[PortfolioFigures]:
    return [
        PortfolioFigures(on=on, report=report, dimension=dimension, rows=rows)
        for report, by_dimension in computed.items()
        for dimension, rows in by_dimension.items()
    ]
