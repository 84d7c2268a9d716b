"""Files of processors, record by record."""

from merchants.domain.feeds.format import Given, Layout, Mapped
from merchants.domain.transaction import RawRow

KILN = Given(lambda _: "kiln", "USD")


def map_record(layout: Layout, record: RawRow) -> Mapped:
    """Return what becomes of a file of one record, which is the kiln's."""
    [(line, mapped)] = layout.read([(1, record)], KILN)
    assert line == 1
    return mapped
