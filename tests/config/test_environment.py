from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest

from config import embedded
from config.environment import BadSetting, Environment, MailServer, parse_environment

ROOT = Path("/srv/tradeline")
KEYS = f"2026:{b64encode(b'x' * 32).decode()}"
GOOD = {
    "SECRET_KEY": "x" * 32,
    "ACCOUNT_KEYS": KEYS,
    "DATABASE_URL": "postgresql://app:s%40cret@db.example:5433/books?sslmode=require",
    "DATABASE_OWNER_URL": "postgres://owner@db.example/books",
    "BROKER_URL": "rediss://broker.example:6380/1",
}
BAD = {
    "SECRET_KEY": ["", "short", "x" * 31],
    "ACCOUNT_KEYS": ["", "2026", "2026:", KEYS[5:], f":{KEYS[5:]}", f"{KEYS},{KEYS}", f"a b{KEYS[4:]}", "a:b"],
    "DEBUG": ["", "yes", "true", "2", " 1"],
    "ALLOWED_HOSTS": ["", " , ,"],
    "DATABASE_URL": ["books", "mysql://app@db/books", "postgresql://db/books", "postgresql://app@db", "postgresql://["],
    "DATABASE_OWNER_URL": ["", "sqlite:///books", "postgresql://owner@db/books?colour=red"],
    "BROKER_URL": ["broker", "kafka://broker", "http://broker"],
    "BUSINESS_TIME_ZONE": ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime"],
    "BUSINESS_CLOCK": ["", "cuckoo", "WALL"],
    "LOG_LEVEL": ["", "LOUD", "info"],
    "JOB_LEASE": ["", "0", "241", "-1", "1.5", "60s", "²"],
    "SWEEP_EVERY": ["", "0", "1000", "soon"],
    "SECURE": ["", "on"],
    "PROXIES": ["", "-1", "10", "one"],
    "LOOPBACK_DIR": ["bank", "./bank"],
    "UPLOADS_DIR": ["up"],
    "BANKS_DIR": ["banks"],
    "AUDIT_SEALS_FILE": ["seals.jsonl"],
    "MAIL_SERVER": ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:99999", "smtp://mail/box"],
    "MAIL_FROM": ["", "Tradeline", "a@b\nBcc: c@d", "@", "a@"],
    "MAIL_TIMEOUT": ["", "0", "soon"],
}


def parse(environ: Mapping[str, str]) -> Environment:
    return parse_environment(environ, root=ROOT)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=rf"^{name}: ") as refused:
        parse(GOOD | {name: value})
    assert refused.value.name == name
    assert str(refused.value).endswith(".")


def test_no_refusal_shows_the_secret() -> None:
    with pytest.raises(BadSetting) as refused:
        parse(GOOD | {"SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)
    with pytest.raises(BadSetting) as refused:
        parse(GOOD | {"ACCOUNT_KEYS": "a:hunter2"})
    assert "hunter2" not in str(refused.value)
    with pytest.raises(BadSetting) as refused:
        parse(GOOD | {"MAIL_SERVER": "smtp://us:hunter2@mail.example/box"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", GOOD)
def test_what_has_no_default_may_not_be_missing(name: str) -> None:
    """Red if one address alone meant the embedded server for the other: rows here, messages there."""
    with pytest.raises(BadSetting, match=rf"^{name}: is missing"):
        parse({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(("given", "missing"), [("DATABASE_URL", "BROKER_URL"), ("BROKER_URL", "DATABASE_URL")])
def test_one_address_alone_is_refused(given: str, missing: str) -> None:
    environ = {name: GOOD[name] for name in GOOD.keys() - {"DATABASE_URL", "BROKER_URL"}} | {given: GOOD[given]}
    with pytest.raises(BadSetting, match=rf"^{missing}: "):
        parse(environ)


def test_what_is_not_said_has_its_default() -> None:
    found = parse(GOOD)
    assert found == Environment(
        secret_key="x" * 32,
        account_keys=(("2026", b"x" * 32),),
        debug=False,
        allowed_hosts=["localhost", "127.0.0.1", "[::1]"],
        database={
            "user": "app",
            "password": "s@cret",
            "dbname": "books",
            "host": "db.example",
            "port": "5433",
            "sslmode": "require",
        },
        owner={"user": "owner", "dbname": "books", "host": "db.example"},
        broker_url=GOOD["BROKER_URL"],
        business_time_zone="UTC",
        business_clock="wall",
        log_level="INFO",
        job_lease=60,
        sweep_every=20,
        secure=True,
        proxies=0,
        loopback_dir=None,
        uploads_dir=None,
        banks_dir=None,
        audit_seals_file=None,
        mail_server=None,
        mail_from="Tradeline <no-reply@localhost.localdomain>",
        mail_timeout=20,
    )


def test_what_is_said_is_taken() -> None:
    said = {
        "DEBUG": "1",
        "ALLOWED_HOSTS": "office.example, api.example,",
        "BUSINESS_TIME_ZONE": "Asia/Shanghai",
        "BUSINESS_CLOCK": "manual",
        "LOG_LEVEL": "DEBUG",
        "JOB_LEASE": "240",
        "SWEEP_EVERY": "1",
        "SECURE": "0",
        "PROXIES": "2",
        "LOOPBACK_DIR": "/var/lib/bank",
        "UPLOADS_DIR": "/var/lib/uploads",
        "AUDIT_SEALS_FILE": "/mnt/worm/seals.jsonl",
    }
    found = parse(GOOD | said)
    assert (found.debug, found.secure, found.allowed_hosts) == (True, False, ["office.example", "api.example"])
    assert (found.business_time_zone, found.business_clock, found.log_level) == ("Asia/Shanghai", "manual", "DEBUG")
    assert (found.job_lease, found.sweep_every, found.proxies) == (240, 1, 2)
    assert (found.loopback_dir, found.audit_seals_file) == (Path("/var/lib/bank"), Path("/mnt/worm/seals.jsonl"))


@pytest.mark.parametrize(
    ("address", "port", "starts_tls", "is_tls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp+starttls://us:s%40cret@mail.example", 587, True, False),
        ("smtps://us:s%40cret@mail.example:2465", 2465, False, True),
    ],
)
def test_a_mail_server_is_one_address(address: str, port: int, starts_tls: bool, is_tls: bool) -> None:  # noqa: FBT001
    found = parse(GOOD | {"MAIL_SERVER": address, "MAIL_FROM": "Lotus Credit <arrears@lotus.example>"})
    has_user = "@" in address
    assert found.mail_server == MailServer(
        host="mail.example",
        port=port,
        user="us" if has_user else "",
        password="s@cret" if has_user else "",
        starts_tls=starts_tls,
        is_tls=is_tls,
    )
    assert "s@cret" not in repr(found.mail_server)
    assert found.mail_from == "Lotus Credit <arrears@lotus.example>"


def test_without_addresses_the_embedded_servers_are_meant() -> None:
    found, addresses = parse({}), embedded.addresses(ROOT, {})
    assert (found.database["user"], found.owner["user"]) == ("tradeline_app", "tradeline_owner")
    assert found.database["dbname"] == found.owner["dbname"] == "tradeline"
    assert found.database["host"] == str(addresses.sockets)
    assert found.broker_url == addresses.broker_url
    assert (found.business_clock, found.secure, found.debug) == ("manual", False, False)


def test_a_market_has_a_database_of_its_own_and_other_variables_still_count() -> None:
    found = parse({"DATA": "/data/olist", "BUSINESS_CLOCK": "wall", "LOG_LEVEL": "ERROR"})
    assert found.database["dbname"] == found.owner["dbname"] != "tradeline"
    assert (found.business_clock, found.log_level) == ("wall", "ERROR")


@pytest.mark.parametrize("name", sorted(BAD.keys() - {"DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL"}))
def test_a_bad_value_is_refused_beside_the_embedded_servers_too(name: str) -> None:
    with pytest.raises(BadSetting, match=rf"^{name}: "):
        parse({name: BAD[name][-1]})


def test_an_owner_without_a_database_is_refused() -> None:
    """Else the embedded application would meet the tables of a stranger's owner."""
    with pytest.raises(BadSetting, match="DATABASE_URL: is missing"):
        parse({"DATABASE_OWNER_URL": GOOD["DATABASE_OWNER_URL"]})
