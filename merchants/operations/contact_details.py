"""Enter, show and retire how merchants are reached."""

from datetime import datetime

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from merchants.domain.contact_detail import DetailKind, DetailRefusal, Language, canonical_detail, judge_detail
from merchants.models import ContactDetail, Merchant
from merchants.queries.contact_details import details_of


class DetailNotMoved(Refused[DetailRefusal]):
    """The contact detail was neither entered, shown nor retired."""


def enter_detail(
    *, merchant_id: int, kind: DetailKind, text: str, language: Language, actor: Actor, now: datetime
) -> ContactDetail:
    """Enter how a merchant is reached, or return the same that is in use; with another language it replaces that.

    Raises DetailNotMoved, Contended, Merchant.DoesNotExist.
    """
    canonical = canonical_detail(kind, text)
    with operation():
        merchant = Merchant.objects.filter(pk=merchant_id).lock().get()
        others = {(one.kind, one.text): one for one in details_of(merchant.pk)}
        known = others.pop((kind, canonical), None)
        if known is not None and known.language == language:
            return known
        refusal = judge_detail(kind, canonical, known=[text for _, text in others])
        if refusal is not None:
            raise DetailNotMoved(refusal)
        if known is not None:
            _retire(known, actor=actor, now=now)
        detail = ContactDetail.objects.enter(
            merchant=merchant, text=canonical, kind=kind, language=language, entered_by=str(actor), entered_at=now
        )
        record_event(
            name="merchants.enter_contact_detail",
            subject=detail,
            actor=actor,
            before={},
            after={"merchant": merchant.pk, "kind": kind, "language": language},
            now=now,
        )
        return detail


def retire_detail(*, detail_id: int, actor: Actor, now: datetime) -> ContactDetail:
    """Retire a detail, so that nobody is reached by it any more.

    Raises DetailNotMoved, Contended, ContactDetail.DoesNotExist.
    """
    with operation():
        Merchant.objects.filter(contact_details=detail_id).lock().first()
        detail = _in_use(detail_id)
        _retire(detail, actor=actor, now=now)
        return detail


def reveal_detail(*, detail_id: int, actor: Actor, now: datetime) -> str:
    """Return a whole number or address in use, and record that it was shown.

    Raises DetailNotMoved, ContactDetail.DoesNotExist.
    """
    with operation():
        detail = _in_use(detail_id)
        record_event(name="merchants.reveal_contact_detail", subject=detail, actor=actor, before={}, after={}, now=now)
        return detail.text


def _in_use(detail_id: int) -> ContactDetail:
    detail = ContactDetail.objects.get(pk=detail_id)
    if detail.retired_at is not None:
        raise DetailNotMoved(DetailRefusal.RETIRED)
    return detail


def _retire(detail: ContactDetail, *, actor: Actor, now: datetime) -> None:
    detail.retired_by, detail.retired_at = str(actor), now
    detail.save(update_fields=["retired_by", "retired_at"])
    record_event(name="merchants.retire_contact_detail", subject=detail, actor=actor, before={}, after={}, now=now)
