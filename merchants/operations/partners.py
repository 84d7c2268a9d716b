"""Enter partners."""

from datetime import datetime
from enum import StrEnum

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from merchants.domain.transaction import Settlement
from merchants.models import Partner


class PartnerRefusal(StrEnum):
    """Why a partner is not entered."""

    SETTLEMENT_DIFFERS = "SETTLEMENT_DIFFERS"


class PartnerNotEntered(Refused[PartnerRefusal]):
    """The partner was not entered."""


def enter_partner(*, code: str, name: str, settlement: Settlement, actor: Actor, now: datetime) -> Partner:
    """Enter a partner, or return the existing one. Raises PartnerNotEntered."""
    with operation():
        partner = Partner.objects.filter(code=code).lock().first()
        if partner is not None:
            # Existing scores rest on it: a feed that settles otherwise is another partner's.
            if partner.settlement != settlement:
                raise PartnerNotEntered(PartnerRefusal.SETTLEMENT_DIFFERS)
            return partner
        partner = Partner.objects.create(code=code, name=name, settlement=settlement)
        record_event(
            name="merchants.enter_partner",
            subject=partner,
            actor=actor,
            before={},
            after={"code": code, "settlement": settlement},
            now=now,
        )
        return partner


def let_withhold(*, partner_id: int, withholds: bool, actor: Actor, now: datetime) -> Partner:
    """Say whether a partner withholds what its merchants owe: of what falls due from now on. Raises DoesNotExist."""
    with operation():
        partner = Partner.objects.lock().get(pk=partner_id)
        if partner.withholds == withholds:
            return partner
        Partner.objects.filter(pk=partner_id).update(withholds=withholds)
        record_event(
            name="merchants.let_withhold",
            subject=partner,
            actor=actor,
            before={"withholds": partner.withholds},
            after={"withholds": withholds},
            now=now,
        )
        return Partner.objects.get(pk=partner_id)
