"""Whoever has SQL as the application's role, and not its environment, writes nothing in another's name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from config.db.encryption import derived
from config.db.rows import insert
from config.office import signatures
from config.office.approvals import sign_request
from config.office.events import signed
from config.office.models import ApprovalRequest, OperationEvent
from config.office.signatures import enter_keys, knows_our_keys, sign, written
from tests.approvals import make_request
from tests.conftest import NOW, owner_connection
from tests.events import PLAIN, make_event

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
UNSIGNED = pytest.raises(IntegrityError, match="the application did not sign it")
FULL = PLAIN | {"amount_minor": 100, "currency": "EUR", "address": "192.0.2.1"}
OTHER: dict[str, object] = {
    "name": "a.c",
    "subject": "t",
    "actor": "staff:2",
    "before": {"a": 1},
    "after": {"a": 1},
    "booked_at": NOW + timedelta(microseconds=1),
    "amount_minor": 101,
    "currency": "USD",
    "address": "192.0.2.2",
}
OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


@contextmanager
def refused() -> Iterator[None]:
    with UNSIGNED, transaction.atomic():
        yield


def execute(statement: str, *parameters: str | bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


@pytest.mark.parametrize("signature", [None, "", ",", "a", "0" * 64, "0" * 64 + ",", "é"])
def test_an_event_without_a_signature_that_holds_is_refused(signature: str | None) -> None:
    with refused():
        OperationEvent.objects.create(**PLAIN, signature=signature)


@pytest.mark.parametrize("column", OTHER)
def test_a_signature_is_of_all_that_an_event_says(column: str) -> None:
    """Red for a column that is left out."""
    event = signed(OperationEvent(**FULL))
    setattr(event, column, OTHER[column])
    with refused():
        insert(event)
    make_event(**FULL | {column: OTHER[column]})


def test_every_column_of_an_event_is_signed_or_the_databases_own() -> None:
    columns = {field.column for field in OperationEvent._meta.concrete_fields}
    assert columns == OTHER.keys() | {"id", "recorded_at", "signature"}


def test_what_is_signed_by_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ACCOUNT_KEYS", (OLD,))
    with refused():
        make_event()


def test_no_signature_is_kept_to_be_used_again() -> None:
    """Red if the trigger left it in the row."""
    event = make_event()
    assert event.signature is not None
    event.refresh_from_db()
    assert event.signature is None
    with refused():
        execute(
            "INSERT INTO office_operationevent (name, subject, actor, before, after, booked_at, signature)"
            " SELECT name, subject, actor, before, after, booked_at, signature FROM office_operationevent"
        )


def test_a_signature_of_something_else_is_none_of_an_event() -> None:
    """Red if what is signed did not begin with what it is."""
    event = signed(OperationEvent(**PLAIN))
    values = event.name, event.subject, event.actor, event.before, event.after, 0, None, None, None
    event.signature = sign("another_table", *values)
    with refused():
        insert(event)


ASKED = {"verb": "tests", "subject": "s", "digest": "a" * 64, "requested_by": "staff:1", "requested_at": NOW}
DECIDED = {"state": "APPROVED", "decided_by": "staff:2", "decided_at": NOW}
OTHERWISE: dict[str, object] = {
    "verb": "others",
    "subject": "t",
    "digest": "b" * 64,
    "requested_by": "staff:3",
    "requested_at": NOW - timedelta(microseconds=1),
    "expires_at": NOW + timedelta(days=99),
    "state": "REJECTED",
    "decided_by": "staff:3",
    "decided_at": NOW + timedelta(microseconds=1),
    "reason": "another",
}


@pytest.mark.parametrize("column", OTHERWISE)
def test_nobody_asks_or_decides_in_the_name_of_another(column: str) -> None:
    """Red for a column that is left out: what staff seem to ask for is done in their name once it is approved."""
    request = ApprovalRequest(**ASKED | DECIDED, entered={}, expires_at=NOW)
    sign_request(request)
    setattr(request, column, OTHERWISE[column])
    with refused():
        request.save(force_insert=True)
    sign_request(request)
    request.save(force_insert=True)
    request.refresh_from_db()
    assert request.signature is None


def test_every_column_of_a_request_is_signed_or_under_its_digest() -> None:
    columns = {field.column for field in ApprovalRequest._meta.concrete_fields}
    assert columns == OTHERWISE.keys() | {"id", "entered", "signature"}


def test_no_request_is_decided_without_a_signature() -> None:
    """Red if the trigger stood before INSERT alone."""
    request = make_request(**ASKED)
    with refused():
        ApprovalRequest.objects.filter(pk=request.pk).update(**DECIDED)


KEPT_FROM_IT: dict[str, str] = {
    "read the keys": "SELECT * FROM office_signingkey",
    "enter a key": "INSERT INTO office_signingkey VALUES ('mine', 'a', 'b')",
    "change a key": "UPDATE office_signingkey SET outer_pad = 'b'",
    "remove a key": "DELETE FROM office_signingkey",
    "copy the keys": "COPY office_signingkey TO STDOUT",
    "see what values keys have": "SELECT stavalues1 FROM pg_statistic",
    "change the function": (
        "CREATE OR REPLACE FUNCTION office_is_signed(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
    ),
    "switch off the trigger": "ALTER TABLE office_operationevent DISABLE TRIGGER USER",
    "switch off all triggers": "SET session_replication_role = replica",
    "become the owner": "SET ROLE tradeline_owner",
}


@pytest.mark.parametrize("what", KEPT_FROM_IT)
def test_the_application_may_not(what: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        execute(KEPT_FROM_IT[what])


DETOURS: dict[str, str] = {
    "a table of keys of its own": "SET LOCAL search_path = pg_temp, public",
    "another order of schemas": "SET LOCAL search_path = public, pg_temp, pg_catalog",
    "another time zone": "SET LOCAL timezone = 'Asia/Shanghai'",
    "another form of bytes": "SET LOCAL bytea_output = 'escape'",
}


@pytest.mark.parametrize("how", DETOURS)
def test_nothing_that_a_session_sets_changes_what_holds(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if the functions looked for the keys where the session says, or signed what it renders."""
    with transaction.atomic():
        execute("CREATE TEMP TABLE office_signingkey (name text, inner_pad bytea, outer_pad bytea)")
        execute(DETOURS[how])
        with monkeypatch.context() as patch:
            patch.setattr(settings, "ACCOUNT_KEYS", (OLD,))
            execute("INSERT INTO pg_temp.office_signingkey VALUES ('mine', %s, %s)", *pads_of(OLD))
            with refused():
                insert(signed(OperationEvent(**FULL)))
        insert(signed(OperationEvent(**FULL)))
        transaction.set_rollback(True)


def pads_of(key: tuple[str, bytes]) -> tuple[bytes, bytes]:
    return signatures._pads(derived(key[1], "signature"))  # noqa: SLF001


def test_functions_that_run_as_their_owner_are_few_and_closed() -> None:
    """Red for one that looks for names where the caller says, that everybody may call, or that is new here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, pg_get_userbyid(proowner), proconfig, has_function_privilege('public', oid, 'EXECUTE')"
            " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace AND proname <> 'tests_forge'"
        )
        found = cursor.fetchall()
    assert found == [("office_is_signed", "tradeline_owner", ["search_path=pg_catalog, pg_temp"], False)]


def test_the_owner_need_not_sign_and_what_it_signs_has_to_hold() -> None:
    """Migrations and commands that write as the owner: they could switch the trigger off."""
    with owner_connection() as owner:
        insert = (
            "INSERT INTO office_operationevent (name, subject, actor, before, after, booked_at, signature)"
            " VALUES ('a.b', 's', 'system:0', '{}', '{}', %s, %s)"
        )
        owner.execute(insert, [NOW, None])
        owner.execute(insert, [NOW, signed(OperationEvent(**PLAIN)).signature])
        with pytest.raises(Exception, match="the application did not sign it"):
            owner.execute(insert, [NOW, "0" * 64])
    assert [event.signature for event in OperationEvent.objects.all()] == [None, None]


FACTS = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)


@given(facts=FACTS)
def test_what_is_signed_is_written_as_the_database_writes_it(facts: dict[str, str | int | bool | None]) -> None:
    """Red for another order of keys, another way to escape: such an event would be refused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT jsonb_build_array('t'::text, %s::jsonb, 1::bigint, NULL)::text", [json.dumps(facts)])
        assert cursor.fetchone() == (written(["t", facts, 1, None]),)


@given(
    address=st.ip_addresses(),
    since=st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)),
    amount=st.integers(-(2**63), 2**63 - 1),
)
def test_any_address_moment_and_amount_is_recorded(address: object, since: timedelta, amount: int) -> None:
    with transaction.atomic():
        make_event(address=str(address), booked_at=NOW + since, amount_minor=amount)
        transaction.set_rollback(True)


def test_while_keys_change_events_are_recorded_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if only the first key signed: processes with a new one would be refused until the database has it."""
    try:
        for keys, entered in (
            ((OLD,), {}),
            ((NEW, OLD), None),  # processes are restarted with both, and the database has the old one
            ((NEW, OLD), {"only_first": True}),  # the rotation
            ((NEW,), None),
        ):
            monkeypatch.setattr(settings, "ACCOUNT_KEYS", keys)
            if entered is not None:
                enter_keys(using="owner", **entered)
            assert knows_our_keys()
            make_event()
        monkeypatch.setattr(settings, "ACCOUNT_KEYS", (OLD,))
        assert not knows_our_keys(), "who has the old key signs no more"
        with refused():
            make_event()
    finally:
        monkeypatch.undo()
        enter_keys(using="owner", only_first=True)


def test_a_database_restored_elsewhere_learns_the_keys_when_it_is_migrated(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    """Red without the signal: no event could be recorded there, and nothing would say so before."""
    monkeypatch.setattr(settings, "ACCOUNT_KEYS", (NEW,))
    assert client.get("/health/ready").json() == {"status": "not ready", "failing": "keys"}
    try:
        call_command("migrate", database="owner", verbosity=0)
        assert client.get("/health/ready").json()["failing"] != "keys"
        make_event()
    finally:
        monkeypatch.undo()
        enter_keys(using="owner", only_first=True)
