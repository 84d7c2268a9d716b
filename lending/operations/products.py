"""Enter product versions: they are added, never changed."""

from datetime import datetime
from enum import StrEnum

from config.db.transactions import operation
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.approvals import Act, Approval, require_approval
from config.office.events import record_event
from lending.domain.origination.product_document import canonical_product, parse_product
from lending.models import ProductVersion
from lending.queries.calendars import latest_calendar


class EntryRefusal(StrEnum):
    """Why a valid product is not entered."""

    VERSION_USED = "VERSION_USED"
    CALENDAR_UNKNOWN = "CALENDAR_UNKNOWN"


class ProductNotEntered(Refused[EntryRefusal]):
    """The product was not entered."""


def product_act(text: str) -> Act:
    """Return what a second person has to approve before a product is sold. Raises ProductMalformed."""
    _content, sha256 = canonical_product(text)
    return Act(operation="lending.enter_product", arguments={"sha256": sha256})


def enter_product(*, text: str, actor: Actor, now: datetime, approval: Approval | None = None) -> ProductVersion:
    """Enter a product version, or return the existing one; the last entered of a kind and currency is sold.

    Raises ProductMalformed, also for one that loses money, ProductNotEntered, NotApproved, Contended.
    """
    content, sha256 = canonical_product(text)
    product = parse_product(content, sha256)
    with operation():
        known = ProductVersion.objects.filter(sha256=sha256).first()
        if known is not None and approval is None:
            return known
        same = ProductVersion.objects.filter(code=product.code, currency=product.currency, version=product.version)
        if known is not None or same.exists():
            raise ProductNotEntered(EntryRefusal.VERSION_USED)
        if product.contract.calendar is not None and latest_calendar(product.contract.calendar) is None:
            raise ProductNotEntered(EntryRefusal.CALENDAR_UNKNOWN)
        require_approval(product_act(text), approval, actor=actor, now=now)
        version = ProductVersion.objects.create(
            sha256=sha256,
            code=product.code,
            version=product.version,
            kind=product.kind,
            currency=product.currency,
            content=content,
            created_by=str(actor),
            created_at=now,
        )
        record_event(
            name="lending.enter_product", subject=version, actor=actor, before={}, after={"sha256": sha256}, now=now
        )
        wake()
        return version
