"""What holds for every format."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.domain.feeds import adyen, amazon, paypal, shopify, square, stripe
from merchants.domain.feeds.format import Layout, OtherFormat
from merchants.domain.feeds.registry import FORMATS
from merchants.domain.transaction import KnownMerchant, RowRejection, judge_row
from tests.feeds import KILN, map_record

LAYOUTS = [
    pytest.param(layout, id=f"{name}-{place}")
    for name, known in FORMATS.items()
    for place, layout in enumerate(known.layouts)
]
cells = st.one_of(
    st.text(st.characters(), max_size=30),  # lone surrogates and NUL too
    st.sampled_from(["", "0", "-0.00", "10.00", "-10.00", "1e9", "NaN", "1e999999999", "9" * 400, "0.001"]),
    st.sampled_from(["usd", "EUR", "JPY", "CET", "PST", "Memo", "Credit", "Debit", "payout", "po_1", "10:00:00"]),
    st.sampled_from(
        ["2026-01-31 10:00:00", "01/02/2026", "31/01/2026", "99/99/9999", "2026-01-31", "0001-01-01 00:00:00"]
    ),
    st.sampled_from([*stripe.TREATED, *adyen.TREATED, *paypal.TREATED, *shopify.TREATED, *square.TREATED]),
    st.sampled_from([*amazon.EVENTS, *amazon.PRICES, "ItemFees", "2026-01-31 10:00:00 UTC", "95,00", "-1.234,56"]),
    st.sampled_from(["2026-01-31 10:00:00 +0400", "0001-01-01 00:00:00 +0400", "paid", "in_transit"]),
    st.sampled_from(["London", "Arizona", "12/31/18", "0001-01-01", "2:30:00 PM", "$0.00", "($33.62)", "$1,149.00 "]),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(data=st.data())
def test_any_line_ends_as_rows_that_can_be_judged_or_is_counted(layout: Layout, data: st.DataObject) -> None:
    """Red for any error but a refused format, which would stop a whole file, and for a line that leaves no trace."""
    records = [{column: data.draw(cells) for column in layout.columns} for _ in range(data.draw(st.integers(1, 3)))]
    try:
        found = list(layout.read(enumerate(records, start=1), KILN))
    except OtherFormat:
        return
    assert sum(mapped.lines for _, mapped in found) == len(records)
    assert all(mapped.rows or mapped.unused for _, mapped in found if mapped.lines)
    numbers = [number for number, mapped in found if mapped.rows]
    assert len(set(numbers)) == len(numbers)
    for row in (row for _, mapped in found for row in mapped.rows):
        currency = "EUR" if isinstance(row, str) else row["currency"]
        judged = judge_row(
            row,
            merchants={"kiln": KnownMerchant(7, currency)},
            latest=datetime(2026, 12, 1, tzinfo=UTC),
            zone=ZoneInfo("UTC"),
            needs_offset=True,
        )
        if isinstance(row, str):
            assert isinstance(judged, RowRejection)
        elif not isinstance(judged, RowRejection):
            assert judged.amount_minor > 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_line_that_is_no_record_is_rejected_with_its_words(layout: Layout) -> None:
    assert map_record(layout, "5 cells instead of 12").rows == ("5 cells instead of 12",)
