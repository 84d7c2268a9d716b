"""Seal the audit trail: each seal is the digest of the events since the one before, and of that one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from django.db import connection

from config.db.locking import try_lock_name
from config.db.transactions import operation
from config.kernel.calendar import micros
from config.kernel.canonical import canonical_json
from config.office.models import AuditProgress, AuditSeal, OperationEvent

MOST: Final = 1_000_000
"""Events of one seal: what a worker hashes in seconds. More wait for the next, in the same run of the task."""
A_PAGE: Final = 5_000
OVERDUE: Final = timedelta(minutes=10)
"""Judgement: no transaction lasts for longer, so an event that waits for longer is not being sealed."""

COLUMNS: Final = {
    "id": "id",
    "name": "name",
    "subject": "subject",
    "actor": "actor",
    "before": "before::text",
    "after": "after::text",
    "booked_at": "(extract(epoch FROM booked_at) * 1000000)::bigint",
    "recorded_at": "(extract(epoch FROM recorded_at) * 1000000)::bigint",
    "amount_minor": "amount_minor",
    "currency": "currency",
    "address": "host(address)",
}
"""Every column of an event that is kept, as it is hashed: moments in microseconds."""
EVENTS: Final = f"""
SELECT {", ".join(COLUMNS.values())} FROM office_operationevent WHERE id > %s ORDER BY id LIMIT %s
"""  # noqa: S608 - constants only; without an upper bound, for which a sort would be planned where statistics are old
# Three statements, in this order: whoever drew an id up to `upto` had its transaction's number before, so it is below
# the end of a later snapshot; and whoever draws a later id does so after the moment.
MOMENT: Final = "SELECT clock_timestamp()"
DRAWN: Final = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM office_operationevent_id_seq"
SNAPSHOT: Final = "SELECT pg_snapshot_{}(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as it is hashed; recorded_at in microseconds, for old ones as the application had it."""

    id: int
    recorded_at: int
    line: bytes


def events_between(after: int, last: int) -> Iterator[SealedEvent]:
    """Read a range of events in the order of their ids, page by page: they never change."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(EVENTS, [after, A_PAGE])
            rows = cursor.fetchall()
        yield from (_sealed(row) for row in rows if row[0] <= last)
        if len(rows) < A_PAGE or rows[-1][0] >= last:
            return
        after = rows[-1][0]


def _sealed(row: tuple[Any, ...]) -> SealedEvent:
    # Without what is None: a column that is added later does not change how older events are hashed.
    values = {name: value for name, value in zip(COLUMNS, row, strict=True) if value is not None}
    line = canonical_json(values).encode() + b"\n"
    return SealedEvent(values["id"], values.get("recorded_at", values["booked_at"]), line)


@dataclass(slots=True)
class Digest:
    """The digest of a seal, while events are added to it. first, latest: between which they were recorded."""

    previous: str
    events: int = 0
    last: int = 0
    first: int | None = None
    latest: int | None = None
    _hash: Any = field(default_factory=sha256)

    def add(self, events: Iterable[SealedEvent]) -> None:
        """Add events, in the order of their ids."""
        for event in events:
            self._hash.update(event.line)
            self.events, self.last = self.events + 1, event.id
            self.first = event.recorded_at if self.first is None else min(self.first, event.recorded_at)
            self.latest = event.recorded_at if self.latest is None else max(self.latest, event.recorded_at)

    def close(self, seal: AuditSeal) -> str:
        """Return the digest of all events, the seal's own facts and the seal before it: 64 hexadecimal digits."""
        moments = [None if seal.bounded_at is None else micros(seal.bounded_at), micros(seal.sealed_at)]
        facts = [self.previous, seal.after_event, seal.last_event, self.events, *moments]
        self._hash.update(canonical_json(facts).encode())
        return str(self._hash.hexdigest())


def seal_waiting() -> None:
    """Seal what was noted at an earlier time, then what was recorded since."""
    rounds = 2
    while rounds and (seal := seal_events()) is not None:
        rounds -= seal.events < MOST


def seal_events() -> AuditSeal | None:
    """Seal the events that no running transaction can add to; None if there are none, or another worker seals.

    The ids of events are not in the order of commits: a range is sealed once every transaction has ended that was
    running when its last id was drawn.
    """
    _bound()
    with operation():
        if not _is_ours():
            return None
        last, progress = _last_seal(), AuditProgress.objects.first()
        after = _last_event(last)
        if progress is None or progress.upto <= after or progress.begun_before > _scalar(SNAPSHOT.format("xmin")):
            return None
        digest = Digest("" if last is None else last.digest)
        digest.add(islice(events_between(after, progress.upto), MOST))
        is_whole = digest.events < MOST
        seal = AuditSeal(
            after_event=after,
            last_event=progress.upto if is_whole else digest.last,
            events=digest.events,
            bounded_at=progress.bounded_at if is_whole else None if last is None else last.bounded_at,
            sealed_at=_scalar(MOMENT),
        )
        seal.digest = digest.close(seal)
        seal.save()
        return seal


def _bound() -> None:
    """Note up to where ids were drawn, unless what was noted before is not sealed yet."""
    with operation():
        if not _is_ours():
            return
        last, progress = _last_seal(), AuditProgress.objects.first()
        after = _last_event(last)
        # After a restore elsewhere the numbers of transactions begin anew: what was noted would never come.
        is_lost = progress is not None and progress.begun_before > _scalar(SNAPSHOT.format("xmax"))
        if progress is None or progress.upto <= after or is_lost:
            noted = {
                "bounded_at": _scalar(MOMENT),
                "upto": _scalar(DRAWN),
                "begun_before": _scalar(SNAPSHOT.format("xmax")),
            }
            if noted["upto"] > after:
                AuditProgress.objects.update_or_create(pk=1, defaults=noted)


def _is_ours() -> bool:
    return try_lock_name("office.seal_events")


def _last_seal() -> AuditSeal | None:
    return AuditSeal.objects.order_by("pk").last()


def _last_event(seal: AuditSeal | None) -> int:
    return 0 if seal is None else seal.last_event


def _scalar(statement: str) -> Any:  # noqa: ANN401 - a number or a moment
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [value] = cursor.fetchone() or [None]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How the seals stand.

    last: the latest seal. waiting_since: when the oldest event that has none was recorded. written: the last seal in
    the file.
    """

    last: AuditSeal | None
    waiting_since: datetime | None
    written: int

    @property
    def last_event(self) -> int:
        """The last event that has a seal; 0 without one."""
        return _last_event(self.last)

    def is_overdue(self, now: datetime) -> bool:
        """Check whether events wait for longer than any transaction lasts."""
        return self.waiting_since is not None and now - self.waiting_since > OVERDUE

    def is_unwritten(self, now: datetime) -> bool:
        """Check whether the last seal is not in the file, although it is not new."""
        return self.last is not None and self.written < self.last.pk and now - self.last.sealed_at > OVERDUE


def get_sealing() -> Sealing:
    """Return how far the audit trail is sealed."""
    last, progress = _last_seal(), AuditProgress.objects.first()
    oldest = OperationEvent.objects.filter(pk__gt=_last_event(last)).order_by("pk").first()
    return Sealing(
        last=last,
        waiting_since=None if oldest is None else oldest.recorded_at or oldest.booked_at,
        written=0 if progress is None else progress.written,
    )


def count_waiting(last_event: int, *, most: int | None = None) -> int:
    """Count the events after the last one under a seal, up to a number."""
    return OperationEvent.objects.filter(pk__gt=last_event)[:most].count()
