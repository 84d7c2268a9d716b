"""The audit trail under its seals: what is sealed when, and what whoever owns the tables cannot do unseen."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import seal_proof, seals
from config.office.models import AuditProgress, AuditSeal, OperationEvent
from config.office.seal_files import OtherSeals, write_seals
from config.office.seals import COLUMNS, seal_events, seal_waiting
from config.office.tasks import seal_audit
from tests.conftest import TEST_DATABASE, make_user
from tests.events import make_event
from tests.forge import as_owner, tamper
from tests.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
EVENTS = "office_operationevent"
SEALS = "office_auditseal"
INSERT = """
INSERT INTO office_operationevent (name, subject, actor, before, after, booked_at)
VALUES ('a.b', 's', 'system:0', '{}', '{}', now())
"""


def record(number: int = 1) -> list[int]:
    made = [
        make_event(name="lending.refund", subject="lending.loan:1", actor="staff:1", before={"b": 1}, after={"a": 2})
        for _ in range(number)
    ]
    return [event.pk for event in made]


def seal_all(how: Callable[[], None] = seal_audit) -> None:
    """Seal what is recorded. Transactions of other databases of the server are waited for, too."""
    last = OperationEvent.objects.latest("pk").pk

    def is_sealed() -> bool:
        how()
        return AuditSeal.objects.filter(last_event__gte=last).exists()

    wait_until(is_sealed)


def verify(path: Path | None = None) -> dict[str, object]:
    """Return what the command found, whether the trail holds or not."""
    output = StringIO()
    try:
        call_command("verify_audit", json=True, seals=path, stdout=output)
    except CommandError:
        assert json.loads(output.getvalue())["holds"] is False
    found: dict[str, object] = json.loads(output.getvalue())
    return found


def faults(path: Path | None = None) -> list[tuple[int, str]]:
    found = verify(path)
    assert isinstance(found["faults"], list)
    return [(one["seal"], one["fault"]) for one in found["faults"]]


@contextmanager
def another_connection() -> Iterator[psycopg.Connection]:
    """Connect beside the test's own connection, as the owner of the tables, who signs no event."""
    parameters = connections["owner"].get_connection_params()
    with psycopg.connect(
        dbname=TEST_DATABASE, **{key: parameters[key] for key in ("host", "user", "port") if key in parameters}
    ) as other:
        yield other


def test_each_seal_goes_on_where_the_last_one_ended() -> None:
    first = record(3)
    seal_all()
    second = record(2)
    seal_all()
    assert seal_events() is None
    ranges = list(AuditSeal.objects.order_by("pk").values_list("after_event", "last_event", "events"))
    assert ranges == [(0, first[-1], 3), (first[-1], second[-1], 2)]
    assert verify() == {"seals": 2, "events": 5, "waiting": 0, "written": 0, "faults": [], "holds": True}


def test_what_is_sealed_while_the_trail_is_verified_is_left_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if the seals were read further than the events: the last would seem to have none."""
    monkeypatch.setattr(seal_proof, "A_PAGE", 1)
    for _ in range(3):
        record()
        seal_all()
    count = seal_proof.Count()
    found = seal_proof.faulty_seals(count)
    judge = seal_proof.judge_seal

    def judge_slowly(*arguments: Any) -> object:  # noqa: ANN401 - as the original takes
        if count.seals == 1:
            record()
            seal_all()
        return judge(*arguments)

    monkeypatch.setattr(seal_proof, "judge_seal", judge_slowly)
    assert list(found) == []
    assert (count.seals, AuditSeal.objects.count()) == (3, 4)


def test_an_event_that_is_committed_late_under_a_low_id_is_sealed_with_its_neighbours() -> None:
    """Red if what can be seen were sealed up to its highest id: the late one would look like put in afterwards."""
    with another_connection() as other:
        other.execute(INSERT)
        early = record(2)
        assert seal_events() is None
        record()
        assert seal_events() is None
        other.commit()
        wait_until(lambda: seal_events() is not None)
        first = AuditSeal.objects.get()
        assert (first.after_event, first.last_event, first.events) == (0, early[-1], 3)
    seal_all()
    assert AuditSeal.objects.count() == 2
    assert faults() == []


def test_a_transaction_that_is_rolled_back_leaves_a_hole_that_nobody_can_fill() -> None:
    record()
    with another_connection() as other:
        other.execute(INSERT)
        other.rollback()
    hole = record()[0] - 1
    seal_all()
    assert faults() == []
    tamper(
        EVENTS,
        f"INSERT INTO {EVENTS} SELECT (jsonb_populate_record(e, '{{\"id\": {hole}}}')).* FROM {EVENTS} e LIMIT 1",
    )
    assert faults() == [(AuditSeal.objects.get().pk, "EVENTS_ADDED")]


def test_a_transaction_that_only_reads_keeps_nothing_from_being_sealed() -> None:
    with another_connection() as other:
        other.execute(f"SELECT count(*) FROM {EVENTS}")
        record()
        seal_all()


def test_after_a_restore_elsewhere_sealing_goes_on() -> None:
    """Red if a number of a transaction that was noted on another server were waited for."""
    record()
    seal_all()
    AuditProgress.objects.update(upto=10**6, begun_before=2**40)
    record()
    seal_all()
    assert faults() == []


def test_many_events_are_sealed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST", 3)
    monkeypatch.setattr(seals, "A_PAGE", 2)
    record(7)
    seal_all()
    assert [seal.events for seal in AuditSeal.objects.order_by("pk")] == [3, 3, 1]
    assert faults() == []


TAMPERED: dict[str, tuple[str, str, str]] = {
    "an amount is changed": (EVENTS, "UPDATE {events} SET after = '{{\"a\": 3}}' WHERE id = {id}", "CHANGED"),
    "another did it": (EVENTS, "UPDATE {events} SET actor = 'staff:2' WHERE id = {id}", "CHANGED"),
    "it was booked earlier": (
        EVENTS,
        "UPDATE {events} SET booked_at = booked_at - interval '1 day' WHERE id = {id}",
        "CHANGED",
    ),
    "it was recorded earlier": (
        EVENTS,
        "UPDATE {events} SET recorded_at = recorded_at - interval '1 second' WHERE id = {id}",
        "CHANGED",
    ),
    "it was recorded a day earlier": (
        EVENTS,
        "UPDATE {events} SET recorded_at = recorded_at - interval '1 day' WHERE id = {id}",
        "MISDATED",
    ),
    "it is cut out": (EVENTS, "DELETE FROM {events} WHERE id = {id}", "EVENTS_MISSING"),
    "it has changed places": (EVENTS, "UPDATE {events} SET id = -id WHERE id = {id}", "EVENTS_MISSING"),
    "its seal says less": (SEALS, "UPDATE {seals} SET events = events - 1 WHERE id = {seal}", "EVENTS_ADDED"),
    "its seal is older": (
        SEALS,
        "UPDATE {seals} SET sealed_at = sealed_at - interval '1 s' WHERE id = {seal}",
        "CHANGED",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_the_owner_of_the_tables_changes_is_found_in_its_seal(what: str) -> None:
    record(2)
    seal_all()
    ids = record(3)
    seal_all()
    record(2)
    seal_all()
    seal = AuditSeal.objects.order_by("pk")[1]
    table, statement, fault = TAMPERED[what]
    tamper(table, statement.format(events=EVENTS, seals=SEALS, id=ids[1], seal=seal.pk))
    found = faults()
    assert (seal.pk, fault) in found
    # An id below every seal is seen by the first one, too.
    assert [pk for pk, _ in found if pk != seal.pk] in ([], [AuditSeal.objects.earliest("pk").pk])
    with pytest.raises(CommandError, match=rf"seal {seal.pk}, events {seal.after_event + 1} to {seal.last_event}: "):
        call_command("verify_audit", stdout=StringIO())


def test_an_event_that_is_put_in_before_its_range_is_sealed_is_found_by_its_date() -> None:
    """Red if a new row of the owner's with an old date could become part of the next seal."""
    record()
    seal_all()
    tamper(
        EVENTS,
        f"INSERT INTO {EVENTS} (name, subject, actor, before, after, booked_at, recorded_at) VALUES"
        " ('a.b', 's', 'staff:1', '{}', '{}', now() - interval '1 day', now() - interval '1 day')",
    )
    seal_all()
    assert faults() == [(AuditSeal.objects.latest("pk").pk, "MISDATED")]


def test_a_seal_that_is_cut_from_the_middle_is_found() -> None:
    for _ in range(3):
        record()
        seal_all()
    first, middle, last = AuditSeal.objects.order_by("pk")
    tamper(SEALS, f"DELETE FROM {SEALS} WHERE id = {middle.pk}")
    assert faults() == [(last.pk, "NOT_CHAINED")]
    assert first.events == 1


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "AUDIT_SEALS_FILE", tmp_path / "seals.jsonl")
    return tmp_path / "seals.jsonl"


def sealed(path: Path, times: int) -> list[AuditSeal]:
    for _ in range(times):
        record(2)
        seal_all()
    assert len(path.read_bytes().splitlines()) == times
    return list(AuditSeal.objects.order_by("pk"))


def test_a_trail_whose_end_is_cut_with_its_seals_is_found_by_the_file(path: Path) -> None:
    seal = sealed(path, 3)[-1]
    assert faults() == []
    tamper(EVENTS, f"DELETE FROM {EVENTS} WHERE id > {seal.after_event}")
    tamper(SEALS, f"DELETE FROM {SEALS} WHERE id = {seal.pk}")
    assert faults() == [(seal.pk, "NOT_STORED")]
    with pytest.raises(OtherSeals):
        write_seals(path)


def test_a_chain_that_is_made_anew_is_found_by_the_file(path: Path) -> None:
    first, *later = sealed(path, 3)
    tamper(EVENTS, f"UPDATE {EVENTS} SET actor = 'staff:2' WHERE id = {later[0].last_event}")
    tamper(SEALS, f"DELETE FROM {SEALS} WHERE id > {first.pk}")
    as_owner(f"SELECT setval('office_auditseal_id_seq', {first.pk})")
    seal_all(seal_waiting)
    copied = path.with_name("copy")
    copied.write_bytes(path.read_bytes())
    settings.AUDIT_SEALS_FILE = None
    assert faults() == []  # in itself the new chain holds
    assert faults(copied) == [(later[0].pk, "FILE_DIFFERS"), (later[1].pk, "NOT_STORED")]


def test_lines_that_are_cut_out_of_the_file_are_found(path: Path) -> None:
    seals = sealed(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[1] + lines[3])  # twice the same is none
    assert faults() == [(seals[3].pk, "NOT_WRITTEN")]


def test_a_file_that_holds_no_seals_proves_nothing(path: Path) -> None:
    call_command("verify_audit", stdout=StringIO())  # nothing is sealed, and nothing written
    sealed(path, 1)
    path.write_text("hello\n")
    with pytest.raises(CommandError, match="holds no seal"):
        call_command("verify_audit", stdout=StringIO())
    path.unlink()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", stdout=StringIO())


@pytest.mark.parametrize("torn", [b"", b'{"after_event":2,"bounded', b"\n"])
def test_a_worker_that_dies_between_seal_and_line_leaves_no_hole(path: Path, torn: bytes) -> None:
    """Red if only the seal that was just made were written, or a line went on where another was begun."""
    sealed(path, 1)
    record()
    seal_all(seal_waiting)
    assert AuditSeal.objects.count() == 2
    with path.open("ab") as file:
        file.write(torn)
    seal_audit()  # nothing is new
    seal_audit()
    assert verify()["written"] == 2
    assert faults() == []
    assert AuditProgress.objects.get().written == AuditSeal.objects.latest("pk").pk


def test_a_column_that_was_added_later_changes_no_older_digest() -> None:
    """Red if what is empty were hashed: after an upgrade no seal would hold."""
    record()
    [event] = seals.events_between(0, 10**6)
    assert not any(name in event.line for name in (b"amount_minor", b"currency", b"address"))


def test_every_column_of_an_event_is_under_the_seal() -> None:
    """Red if a column were added that may be changed unseen."""
    never_kept = {"signature"}
    assert {field.column for field in OperationEvent._meta.concrete_fields} == set(COLUMNS) | never_kept


def test_auditors_see_how_far_the_trail_is_sealed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(make_user("ada", Role.AUDITOR))
    index, seals_page = reverse("admin:index"), reverse("admin:office_auditseal_changelist")
    record(2)
    assertNotContains(client.get(index), "events are not sealed")
    monkeypatch.setattr("config.office.seals.OVERDUE", timedelta(0))
    assertContains(client.get(index), "2 events are not sealed")
    seal_all(seal_waiting)
    assertNotContains(client.get(index), "not sealed")
    assertContains(client.get(seals_page), AuditSeal.objects.get().digest[:16])
    assertContains(client.get(seals_page), "AUDIT_SEALS_FILE is not set")


def test_auditors_see_that_seals_are_not_written(client: Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(make_user("ada", Role.AUDITOR))
    words = "external seal file is out of date"
    sealed(path, 1)
    monkeypatch.setattr("config.office.seals.OVERDUE", timedelta(0))
    assertNotContains(client.get(reverse("admin:index")), words)
    record()
    seal_all(seal_waiting)
    assertContains(client.get(reverse("admin:index")), words)
    client.force_login(make_user("victor", Role.VIEWER))
    assertNotContains(client.get(reverse("admin:index")), words)


def test_what_waits_for_too_long_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    record()
    monkeypatch.setattr(seals, "_last_seal", lambda: None)
    sealing = seals.get_sealing()
    assert not sealing.is_overdue(timezone.now())
    assert sealing.is_overdue(timezone.now() + seals.OVERDUE)
