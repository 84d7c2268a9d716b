"""Raise, renew and lift warnings as signals fire and cease; let people confirm and lift them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from config.db.transactions import operation, require_transaction
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM, Actor
from config.office.business_date import current_day
from config.office.events import Fact, record_event, record_events
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.line import LineEventType, LineState
from lending.domain.watch.policy import Effect, Signal, WatchPolicy
from lending.domain.watch.signals import Reading
from lending.domain.watch.warning import (
    WarningChange,
    WarningRefusal,
    WarningState,
    judge_confirmation,
    judge_lifting,
    judge_signal,
)
from lending.domain.watch.watch_run import WatchKind, judged_on
from lending.models import EarlyWarning, Line, LineEvent, WatchRun
from lending.queries.warnings import lifted_by_people
from lending.queries.watch import WatchedMerchant

AT_ONCE: Final = 1_000
CONFIRM: Final = "lending.confirm_warning"
LIFT: Final = "lending.lift_warning"


class WarningNotMoved(Refused[WarningRefusal]):
    """The warning is unchanged."""


def change_warnings(
    run: WatchRun,
    readings: Mapping[int, Sequence[Reading]],
    watched: Mapping[int, WatchedMerchant],
    *,
    policy: WatchPolicy,
    now: datetime,
) -> None:
    """Raise, renew and lift the warnings of merchants by their readings; done twice, it changes nothing.

    Raises NoTransaction.
    """
    require_transaction()
    kind = WatchKind(run.kind)
    on = judged_on(kind, as_of=run.as_of)
    standing = {
        (one.merchant_id, Signal(one.signal)): one
        for one in EarlyWarning.objects.standing().filter(merchant__in=list(readings)).lock()
    }
    lifted_on = lifted_by_people(list(readings), since=on - timedelta(days=policy.quiet_days))
    found = {(merchant, one.signal): one for merchant, read in readings.items() for one in read}
    raised, moved, lifted = list[EarlyWarning](), list[EarlyWarning](), list[EarlyWarning]()
    for key in sorted({*found, *standing}):
        reading, warning = found.get(key), standing.get(key)
        change = judge_signal(
            fires=None if reading is None else reading.fires,
            stands=warning is not None,
            ceased_on=None if warning is None else warning.ceased_on,
            lifted_by_person_on=lifted_on.get(key),
            kind=kind,
            today=on,
            policy=policy,
        )
        if change is WarningChange.RAISE and reading is not None:
            raised.append(_warning(run, key[0], reading, watched[key[0]], policy=policy, on=on, now=now))
        elif change is WarningChange.RENEW and warning is not None:
            warning.fired_on, warning.ceased_on = on, None
            moved.append(warning)
        elif change is WarningChange.CEASE and warning is not None:
            warning.ceased_on = on
            moved.append(warning)
        elif change is WarningChange.LIFT and warning is not None:
            lifted.append(warning)
    EarlyWarning.objects.bulk_create(raised, batch_size=AT_ONCE)
    EarlyWarning.objects.bulk_update(moved, ["fired_on", "ceased_on"], batch_size=AT_ONCE)
    EarlyWarning.objects.filter(pk__in=[one.pk for one in lifted]).update(
        state=WarningState.LIFTED, lifted_on=on, decided_by=str(SYSTEM), reason=""
    )
    _record(raised, lifted, now=now)
    _freeze([one.merchant_id for one in raised if Effect.FREEZE in one.effects], on=on, now=now)


def _warning(
    run: WatchRun,
    merchant_id: int,
    reading: Reading,
    one: WatchedMerchant,
    *,
    policy: WatchPolicy,
    on: date,
    now: datetime,
) -> EarlyWarning:
    rule = policy.signals[reading.signal]
    return EarlyWarning(
        merchant_id=merchant_id,
        signal=reading.signal,
        run=run,
        raised_on=on,
        raised_at=now,
        fired_on=on,
        observed=reading.observed,
        expected=reading.expected,
        share_bps=reading.share_bps,
        threshold_bps=rule.share_bps,
        drawn_on=one.drawn_on if reading.signal is Signal.DIVERSION else None,
        effects=sorted(rule.effects),
    )


def _record(raised: Sequence[EarlyWarning], lifted: Sequence[EarlyWarning], *, now: datetime) -> None:
    to = dict[str, Fact]
    record_events(
        name="lending.raise_warning",
        changes=[
            (one, to(), to(merchant=one.merchant_id, signal=one.signal, effects=", ".join(one.effects)))
            for one in raised
        ],
        actor=SYSTEM,
        now=now,
    )
    record_events(
        name=LIFT,
        changes=[(one, to(state=one.state), to(state=WarningState.LIFTED)) for one in lifted],
        actor=SYSTEM,
        now=now,
    )


def _freeze(merchants: Sequence[int], *, on: date, now: datetime) -> None:
    """Freeze what these merchants could draw at once, as the next review would; that ends it, too."""
    lines = list(Line.objects.filter(merchant__in=merchants, state=LineState.ACTIVE).lock())
    Line.objects.filter(pk__in=[line.pk for line in lines]).update(
        state=LineState.FROZEN, frozen_for=NoOffer.DRAWS_HELD
    )
    LineEvent.objects.bulk_create(
        [
            LineEvent(
                line=line,
                type=LineEventType.FROZEN,
                on=on,
                reason=NoOffer.DRAWS_HELD,
                actor=str(SYSTEM),
                booked_at=now,
            )
            for line in lines
        ]
    )
    to = dict[str, Fact]
    record_events(
        name="lending.freeze_line",
        changes=[
            (line, to(state=line.state), to(state=LineState.FROZEN, frozen_for=NoOffer.DRAWS_HELD)) for line in lines
        ],
        actor=SYSTEM,
        now=now,
    )


def confirm_warning(*, warning_id: int, reason: str, actor: Actor, now: datetime) -> EarlyWarning:
    """Confirm a warning: it waits for nobody, and stands until its signal ceases.

    Raises WarningNotMoved, Contended, EarlyWarning.DoesNotExist.
    """
    with operation():
        warning = EarlyWarning.objects.lock().get(pk=warning_id)
        refusal = judge_confirmation(WarningState(warning.state), reason=reason)
        if refusal is not None:
            raise WarningNotMoved(refusal)
        return _decided(warning, CONFIRM, WarningState.CONFIRMED, None, reason=reason, actor=actor, now=now)


def lift_warning(*, warning_id: int, reason: str, actor: Actor, now: datetime) -> EarlyWarning:
    """Lift a warning: what it alone held back is free with the next offers, and its signal is quiet for a while.

    Raises WarningNotMoved, Contended, EarlyWarning.DoesNotExist.
    """
    with operation():
        warning = EarlyWarning.objects.lock().get(pk=warning_id)
        refusal = judge_lifting(WarningState(warning.state), reason=reason)
        if refusal is not None:
            raise WarningNotMoved(refusal)
        return _decided(warning, LIFT, WarningState.LIFTED, current_day(now), reason=reason, actor=actor, now=now)


def _decided(
    warning: EarlyWarning,
    name: str,
    state: WarningState,
    lifted_on: date | None,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> EarlyWarning:
    before, warning.state, warning.lifted_on = warning.state, state, lifted_on
    warning.decided_by, warning.reason = str(actor), reason.strip()
    warning.save(update_fields=["state", "lifted_on", "decided_by", "reason"])
    record_event(
        name=name,
        subject=warning,
        actor=actor,
        before={"state": before},
        after={"state": state, "reason": warning.reason},
        now=now,
    )
    return warning
