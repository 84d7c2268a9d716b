"""Hand-overs of cases, made without approval."""

from lending.models import ArrearsCase, CaseHandover
from lending.models.handover import sealed_handover
from tests.conftest import NOW


def make_handover(case: ArrearsCase, **fields: object) -> CaseHandover:
    """Make a hand-over that has not ended."""
    given = {"agency": "Inkasso Nord", "on": NOW.date(), "handed_by": "staff:1", "approved_by": "staff:2"}
    return CaseHandover.objects.create(case=case, booked_at=NOW, **given, **sealed_handover(b"{}"), **fields)
