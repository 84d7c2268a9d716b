"""Facts are never changed: tried on every table that claims it, by raw SQL, in the application's own role."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from tests.conftest import owner_connection

# Said again here, so that a migration that forgets one turns a test red.
APPEND_ONLY = {
    "office_operationevent",
    "office_auditseal",
    "merchants_transaction",
    "merchants_batchissue",
    "merchants_formerownership",
    "scoring_scorecardversion",
    "scoring_calibrationversion",
    "scoring_runcheck",
    "scoring_referencemerchant",
    "scoring_referencecell",
    "scoring_referencerating",
    "scoring_referencefeed",
    "scoring_integrityfinding",
    "scoring_flaggedsale",
    "scoring_score",
    "scoring_behaviourfact",
    "lending_productversion",
    "lending_bank",
    "lending_calendarversion",
    "lending_decision",
    "lending_lineevent",
    "lending_loanevent",
    "lending_importedloan",
    "lending_accountday",
    "lending_ledgeraccount",
    "lending_entry",
    "lending_posting",
    "lending_proofline",
    "lending_delinquencypolicy",
    "lending_peercell",
    "lending_dunningpolicy",
    "lending_provisionpolicy",
    "lending_loanprovision",
    "lending_monthclose",
    "lending_watchpolicy",
}
STATEMENTS = {
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
PARTITIONS = [f"merchants_transaction_p{number:02}" for number in (0, 31)]


def column_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table])
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize("verb", STATEMENTS)
@pytest.mark.parametrize("table", sorted(APPEND_ONLY) + PARTITIONS)
def test_the_application_may_not(table: str, verb: str) -> None:
    """Red without the REVOKE in append_only()."""
    statement = STATEMENTS[verb].format(table=table, column=column_of(table))
    with connection.cursor() as cursor, pytest.raises(Exception, match="permission denied") as refused:
        cursor.execute(statement)
    assert isinstance(refused.value.__cause__, errors.InsufficientPrivilege)


@pytest.mark.django_db
def test_every_table_with_the_trigger_is_named_here() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE tgname LIKE '%append_only' AND NOT relispartition"
        )
        assert {name for (name,) in cursor.fetchall()} == APPEND_ONLY


@pytest.fixture
def owner(transactional_db: None) -> Iterator[psycopg.Connection]:  # noqa: ARG001
    with owner_connection() as owner:
        yield owner


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_not_even_the_owner_may_by_accident(owner: psycopg.Connection, verb: str) -> None:
    """Red without the trigger."""
    owner.execute(
        "INSERT INTO office_operationevent (name, subject, actor, before, after, booked_at)"
        " VALUES ('a.b', 's', 'system:0', '{}', '{}', now())"
    )
    with pytest.raises(errors.RestrictViolation, match="append-only"):
        owner.execute(STATEMENTS[verb].format(table="office_operationevent", column="name"))


@pytest.mark.django_db
def test_the_application_deletes_only_what_is_meant_to_be_forgotten() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'tradeline_app' AND privilege_type = 'DELETE' AND table_schema = 'public'"
        )
        deletable = {name for (name,) in cursor.fetchall()}
    assert deletable == {
        "auth_group_permissions",
        "auth_user_groups",
        "auth_user_user_permissions",
        "django_session",
        "lending_instalment",
        "lending_loanflow",
        "lending_delinquencyfigures",
        "lending_loanorigin",
        "lending_loanspell",
        "lending_portfoliofigures",
        "merchants_keptrequest",
        "merchants_stagedrow",
        "office_savedview",
        "oauth2_provider_accesstoken",
        "oauth2_provider_grant",
        "oauth2_provider_idtoken",
        "oauth2_provider_refreshtoken",
        "scoring_measuredmerchant",
    }
