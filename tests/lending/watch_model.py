"""A slow model of cash flow, written apart from the SQL: rows as dictionaries, every window a loop over days."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

Rows = list[dict[str, Any]]
"""kind, on (date), minor, buyer and value of each row."""


def rows_of(rows: Rows, kind: str, as_of: date, first: int, last: int) -> Rows:
    """Give the rows of a kind from `last` to `first` whole days before a day."""
    days = {as_of - timedelta(days=1 + back) for back in range(first, last + 1)}
    return [row for row in rows if row["kind"] == kind and row["on"] in days]


def minor(rows: Rows) -> int:
    return sum(row["minor"] for row in rows)


def quiet_days(rows: Rows, as_of: date) -> tuple[int | None, int | None, int | None]:
    """Give the age of the first sale of 476 days, that of the last, and the longest pause between two of 180 days."""
    sold = sorted({(as_of - row["on"]).days - 1 for row in rows_of(rows, "SALE", as_of, 0, 475)})
    if not sold:
        return None, None, None
    pauses = [far - near - 1 for near, far in pairwise(sold) if far < 180]
    return sold[-1], sold[0], max(pauses, default=None)


def loyalty(rows: Rows, as_of: date, drawn_on: date | None) -> dict[str, int]:
    if drawn_on is None or not 14 <= (as_of - drawn_on).days - 1 <= 120:
        return {}
    since = (as_of - drawn_on).days - 1
    compared = min(28, since)
    named = [row for row in rows if row["buyer"] is not None]
    chosen = Counter(
        row["buyer"] for row in rows_of(named, "SALE", as_of, since + compared + 1, since + compared + 180)
    )
    loyal = {buyer for buyer, times in chosen.items() if times >= 2}
    of_loyal = [row for row in named if row["buyer"] in loyal]
    return {
        "compared": compared,
        "loyal_before": len(rows_of(of_loyal, "SALE", as_of, since + 1, since + compared)),
        "loyal_after": len(rows_of(of_loyal, "SALE", as_of, 0, compared - 1)),
        "loyal_buyers": len(loyal),
    }


def cash_flow(rows: Rows, as_of: date, *, escrow: bool, drawn_on: date | None) -> dict[str, int | None]:
    """Give the figures of one merchant by name."""

    def of(kind: str, first: int, last: int) -> Rows:
        return rows_of(rows, kind, as_of, first, last)

    def late(first: int, last: int) -> int:
        return sum(bool(row["value"]) for row in of("DISPATCH", first, last))

    released = "SETTLEMENT" if escrow else "SALE"
    first_sale_d, quiet, longest = quiet_days(rows, as_of)
    return {
        "first_sale_d": first_sale_d,
        "quiet": quiet,
        "longest_quiet": longest,
        "sales_recent": len(of("SALE", 0, 27)),
        "sales_usual": len(of("SALE", 28, 111)),
        "sales_past": len(of("SALE", 28, 207)),
        "sold_recent": minor(of("SALE", 0, 27)),
        "sold_usual": minor(of("SALE", 28, 111)),
        "sold_year_recent": minor(of("SALE", 364, 391)),
        "sold_year_usual": minor(of("SALE", 392, 475)),
        "refunds_recent": len(of("REFUND", 0, 27)),
        "refunds_past": len(of("REFUND", 28, 207)),
        "disputed_sales": len(of("SALE", 0, 55)),
        "disputed_sales_past": len(of("SALE", 56, 223)),
        "chargebacks": len(of("CHARGEBACK", 0, 55)),
        "chargebacks_past": len(of("CHARGEBACK", 56, 223)),
        "dispatches_recent": len(of("DISPATCH", 0, 27)),
        "dispatches_past": len(of("DISPATCH", 28, 207)),
        "late_recent": late(0, 27),
        "late_past": late(28, 207),
        "released_recent": minor(of(released, 0, 27)),
        "released_usual": minor(of(released, 28, 111)),
        "taken_back_recent": minor(of("REFUND", 0, 27)) + minor(of("CHARGEBACK", 0, 27)),
        "payouts_recent": minor(of("PAYOUT", 0, 27)),
        "payouts_usual": minor(of("PAYOUT", 28, 111)),
        "compared": 0,
        "loyal_before": 0,
        "loyal_after": 0,
        "loyal_buyers": 0,
        **loyalty(rows, as_of, drawn_on),
    }
