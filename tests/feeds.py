"""Files of processors, record by record."""

from merchants.domain.feeds.format import Layout, Mapped
from merchants.domain.transaction import RawRow


def map_record(layout: Layout, record: RawRow, merchant: str) -> Mapped:
    """Return what becomes of a file of one record."""
    [(line, mapped)] = layout.read([(1, record)], lambda _: merchant)
    assert line == 1
    return mapped
