"""Prove the audit trail: compute every seal again, and compare the seals with those that were written to a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from config.kernel.calendar import micros
from config.kernel.refusals import first_of
from config.office.models import AuditSeal
from config.office.seal_files import record_of
from config.office.seals import Digest, SealedEvent, events_between

CLOCK_SET: Final = timedelta(minutes=5) // timedelta(microseconds=1)
"""Judgement: by how much a server's clock may be set back without an event counting as back-dated."""
A_PAGE: Final = 1_000


class SealFault(StrEnum):
    """What is wrong with a seal, or the range of events that it is of; the first that applies is told."""

    NOT_CHAINED = "NOT_CHAINED"
    EVENTS_MISSING = "EVENTS_MISSING"
    EVENTS_ADDED = "EVENTS_ADDED"
    MISDATED = "MISDATED"
    CHANGED = "CHANGED"
    NOT_STORED = "NOT_STORED"
    FILE_DIFFERS = "FILE_DIFFERS"
    NOT_WRITTEN = "NOT_WRITTEN"


WORDS: Final = {
    SealFault.NOT_CHAINED: "it does not follow the seal before it: a seal, or the events between, are cut out",
    SealFault.EVENTS_MISSING: "events are cut out",
    SealFault.EVENTS_ADDED: "events were put in",
    SealFault.MISDATED: "an event has a moment at which it cannot have been recorded",
    SealFault.CHANGED: "an event, or the seal, was changed",
    SealFault.NOT_STORED: "the file has it, and the database does not",
    SealFault.FILE_DIFFERS: "the file has it otherwise than the database",
    SealFault.NOT_WRITTEN: "the file lacks seals before it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultySeal:
    """A seal that does not hold: after_event is not of its range, last_event is."""

    seal: int
    after_event: int
    last_event: int
    fault: SealFault

    def __str__(self) -> str:
        return f"seal {self.seal}, events {self.after_event + 1} to {self.last_event}: {WORDS[self.fault]}"


@dataclass(slots=True)
class Count:
    """What was looked at: seals, the events under them up to the last, and seals of a file."""

    seals: int = 0
    events: int = 0
    last_event: int = 0
    written: int = 0


def faulty_seals(count: Count) -> Iterator[FaultySeal]:
    """Compute every seal of the database again, in their order, and return those that do not hold."""
    last = AuditSeal.objects.order_by("pk").last()
    events = _Ahead(events_between(-(2**63), 0 if last is None else last.last_event))
    before: AuditSeal | None = None
    for seal in _seals(0 if last is None else last.pk):
        digest = Digest("" if before is None else before.digest)
        digest.add(events.up_to(seal.last_event))
        fault = judge_seal(seal, before, digest)
        if fault is not None:
            yield _faulty(record_of(seal), fault)
        count.seals, count.events, count.last_event = count.seals + 1, count.events + digest.events, seal.last_event
        before = seal


def judge_seal(seal: AuditSeal, before: AuditSeal | None, digest: Digest) -> SealFault | None:
    """Decide whether a seal follows the one before it and has exactly the events up to its last."""
    bounded_at = None if before is None or before.bounded_at is None else micros(before.bounded_at)
    too_early = digest.first is not None and bounded_at is not None and digest.first < bounded_at - CLOCK_SET
    too_late = digest.latest is not None and digest.latest > micros(seal.sealed_at) + CLOCK_SET
    holds = {
        SealFault.NOT_CHAINED: seal.after_event != (0 if before is None else before.last_event),
        SealFault.EVENTS_MISSING: digest.events < seal.events,
        SealFault.EVENTS_ADDED: digest.events > seal.events,
        SealFault.MISDATED: too_early or too_late,
        SealFault.CHANGED: digest.close(seal) != seal.digest,
    }
    return first_of(holds)


def faulty_records(records: Iterable[dict[str, Any]], count: Count) -> Iterator[FaultySeal]:
    """Compare the seals of a file, in their order, with those of the database, and return those that differ."""
    last: dict[str, Any] | None = None
    chunks = iter(records)
    while chunk := list(islice(chunks, A_PAGE)):
        stored = {seal.pk: record_of(seal) for seal in AuditSeal.objects.filter(pk__in=[one["seal"] for one in chunk])}
        for record in chunk:
            fault = first_of(
                {
                    SealFault.NOT_STORED: record["seal"] not in stored,
                    SealFault.FILE_DIFFERS: stored.get(record["seal"], record) != record,
                    # A line may come twice: two machines that write to one disk do not see each other's locks.
                    SealFault.NOT_WRITTEN: last is not None
                    and record != last
                    and record["after_event"] > last["last_event"],
                }
            )
            if fault is not None:
                yield _faulty(record, fault)
            last, count.written = record, count.written + 1


class _Ahead:
    """Events in their order, of which the next is looked at before it is taken."""

    def __init__(self, events: Iterator[SealedEvent]) -> None:
        self._events = events
        self._next = next(events, None)

    def up_to(self, last: int) -> Iterator[SealedEvent]:
        while self._next is not None and self._next.id <= last:
            yield self._next
            self._next = next(self._events, None)


def _seals(last: int) -> Iterator[AuditSeal]:
    """Read the seals page by page, up to the last that there was when the events were asked for."""
    known = 0
    while page := list(AuditSeal.objects.filter(pk__gt=known, pk__lte=last).order_by("pk")[:A_PAGE]):
        yield from page
        known = page[-1].pk


def _faulty(record: dict[str, Any], fault: SealFault) -> FaultySeal:
    return FaultySeal(
        seal=record["seal"], after_event=record["after_event"], last_event=record["last_event"], fault=fault
    )
