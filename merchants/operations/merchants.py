"""Enter and change merchants as their partner describes them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from config.db.planning import plan_anew
from config.db.transactions import Contended, operation
from config.office.actors import Actor
from config.office.events import record_event, record_events
from merchants.domain.merchant import (
    MerchantEntry,
    MerchantRefusal,
    MerchantRejection,
    judge_currencies,
    judge_merchant,
    judge_new,
)
from merchants.models import FormerOwnership, Merchant, Owner, Partner
from merchants.models.merchant import MERCHANT_CHANGED

MANY = 1_000
"""Owners: of so many, what a plan of an almost empty table costs is felt."""
CHANGEABLE = ("name", "owner_id", "category", "region", "city", "membership", "opened_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantsEntered:
    """What became of the merchants sent; rejections by their place in the list, from 1."""

    created: int
    changed: int
    unchanged: int
    rejections: tuple[tuple[int, MerchantRejection], ...]


def enter_merchants(
    *, partner_id: int, rows: Sequence[Mapping[str, str]], actor: Actor, now: datetime
) -> MerchantsEntered:
    """Create new merchants and change known ones; invalid rows are skipped and reported.

    If a merchant is sent twice in a list, the last row counts; in two currencies, none does. Raises Contended,
    Partner.DoesNotExist.
    """
    with operation():
        partner = Partner.objects.filter(pk=partner_id).lock().get()
        entries, rejections = _judge(rows)
        owners = _enter_owners(partner, {entry.owner_ref for _, entry in entries.values()})
        known = _lock_known(partner_id, [entry for _, entry in entries.values()], owners)
        new, changed = [], []
        for line, entry in entries.values():
            merchant = _described(entry, partner_id, owners)
            stored = known.get(entry.external_id)
            if stored is None:
                rejection = judge_new(entry)
                if rejection is None:
                    new.append(merchant)
                else:
                    rejections.append((line, rejection))
            elif stored.currency != entry.currency:
                words = f"{stored.currency} cannot become {entry.currency}"
                rejections.append((line, MerchantRejection(MerchantRefusal.CURRENCY_CHANGED, entry.external_id, words)))
            elif any(getattr(stored, field) != getattr(merchant, field) for field in CHANGEABLE):
                merchant.pk = stored.pk
                changed.append(merchant)
        Merchant.objects.bulk_create(new, batch_size=5_000)
        if changed:
            _record_changes([(known[merchant.external_id], merchant) for merchant in changed], actor=actor, now=now)
            Merchant.objects.bulk_update(changed, CHANGEABLE, batch_size=1_000)
        if new or changed:
            record_event(
                name="merchants.enter_merchants",
                subject=partner,
                actor=actor,
                before={},
                after={"created": len(new), "changed": len(changed), "rejected": len(rejections)},
                now=now,
            )
        return MerchantsEntered(
            created=len(new),
            changed=len(changed),
            unchanged=len(rows) - len(new) - len(changed) - len(rejections),
            rejections=tuple(sorted(rejections, key=lambda rejection: rejection[0])),
        )


def _judge(
    rows: Iterable[Mapping[str, str]],
) -> tuple[dict[str, tuple[int, MerchantEntry]], list[tuple[int, MerchantRejection]]]:
    entries: dict[str, tuple[int, MerchantEntry]] = {}
    rejections = []
    fit = list[tuple[int, MerchantEntry]]()
    currencies = defaultdict[str, set[str]](set)
    for line, raw in enumerate(rows, start=1):
        judged = judge_merchant(raw)
        if isinstance(judged, MerchantRejection):
            rejections.append((line, judged))
        else:
            fit.append((line, judged))
            currencies[judged.external_id].add(judged.currency)
    for line, entry in fit:
        contradiction = judge_currencies(entry, currencies[entry.external_id])
        if contradiction is None:
            entries[entry.external_id] = (line, entry)
        else:
            rejections.append((line, contradiction))
    return entries, rejections


def _enter_owners(partner: Partner, refs: set[str]) -> dict[str, int]:
    refs = refs - {""}
    # Conflicts may be ignored: an owner is nothing but its reference.
    Owner.objects.bulk_create(
        [Owner(partner=partner, external_ref=ref) for ref in sorted(refs)], ignore_conflicts=True, batch_size=5_000
    )
    if len(refs) > MANY:
        plan_anew()
    return dict(Owner.objects.filter(partner=partner, external_ref__any_of=refs).values_list("external_ref", "pk"))


def _record_changes(changed: Sequence[tuple[Merchant, Merchant]], *, actor: Actor, now: datetime) -> None:
    """Record each change of owner or name with before and after, and whose the merchant was until now."""
    FormerOwnership.objects.bulk_create(
        [
            # Of this statement, not of the request: later than every loan that was made before the locks were had.
            FormerOwnership(merchant=before, owner_id=before.owner_id, until=Now())
            for before, after in changed
            if before.owner_id != after.owner_id
        ],
        batch_size=5_000,
    )
    told = [
        (before, {"owner": before.owner_id, "name": before.name}, {"owner": after.owner_id, "name": after.name})
        for before, after in changed
    ]
    record_events(
        name=MERCHANT_CHANGED,
        changes=[(subject, before, after) for subject, before, after in told if before != after],
        actor=actor,
        now=now,
    )


def _lock_known(partner_id: int, entries: Sequence[MerchantEntry], owners: Mapping[str, int]) -> dict[str, Merchant]:
    """Lock the merchants that are known, and first the owners that lose or gain one, as an acceptance does.

    Raises Contended if one changed hands meanwhile.
    """
    wanted = {entry.external_id: owners.get(entry.owner_ref) for entry in entries}
    rows = Merchant.objects.of(partner_id).filter(external_id__any_of=wanted)
    present = dict(rows.values_list("external_id", "owner_id"))
    moves = [(owner, wanted[name]) for name, owner in present.items() if owner != wanted[name]]
    list(Owner.objects.filter(pk__any_of=[owner for move in moves for owner in move if owner is not None]).lock())
    known = {merchant.external_id: merchant for merchant in rows.lock()}
    if any(merchant.owner_id != present.get(name, merchant.owner_id) for name, merchant in known.items()):
        raise Contended
    return known


def _described(entry: MerchantEntry, partner_id: int, owners: Mapping[str, int]) -> Merchant:
    return Merchant(
        partner_id=partner_id,
        external_id=entry.external_id,
        name=entry.name,
        owner_id=owners.get(entry.owner_ref),
        category=entry.category,
        region=entry.region,
        city=entry.city,
        membership=entry.membership,
        opened_on=entry.opened_on,
        currency=entry.currency,
    )
