"""Read the environment once, and refuse every bad value by name."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import embedded

T = TypeVar("T")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "amqp", "amqps")
CLOCKS = ("manual", "wall")
KEY_BYTES = 32  # AES-256
MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class BadSetting(Exception):
    """A variable of the environment is missing or wrong; the message names it and what is expected."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"{name}: {expected}.")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where letters are handed over. starts_tls: after a greeting in the clear; is_tls: from the first byte."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    starts_tls: bool
    is_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The settings of the environment. `database` and `owner` are libpq keywords; durations are in seconds."""

    secret_key: str
    account_keys: tuple[tuple[str, bytes], ...]
    debug: bool
    allowed_hosts: list[str]
    database: Mapping[str, str]
    owner: Mapping[str, str]
    broker_url: str
    business_time_zone: str
    business_clock: str
    log_level: str
    job_lease: int
    sweep_every: int
    secure: bool
    proxies: int
    loopback_dir: Path | None
    uploads_dir: Path | None
    banks_dir: Path | None
    audit_seals_file: Path | None
    mail_server: MailServer | None
    mail_from: str
    mail_timeout: int


def parse_environment(environ: Mapping[str, str], *, root: Path) -> Environment:
    """Parse every variable that the product reads. Raises BadSetting.

    Without DATABASE_URL, DATABASE_OWNER_URL and BROKER_URL, the embedded servers of this checkout are used.
    """

    def read(name: str, parse: Callable[[str], T], default: str | None = None) -> T:
        text = environ.get(name, default)
        if text is None:
            raise BadSetting(name, "is missing")
        try:
            return parse(text)
        except (ValueError, ProgrammingError) as error:
            raise BadSetting(name, str(error)) from error

    if embedded.wanted(environ) and environ.get("DATABASE_OWNER_URL"):
        raise BadSetting("DATABASE_URL", "is missing beside DATABASE_OWNER_URL")  # noqa: EM101
    if embedded.wanted(environ):
        addresses = embedded.addresses(root, environ)
        local = {
            "DATABASE_URL": addresses.database_url(embedded.Role.APP),
            "DATABASE_OWNER_URL": addresses.database_url(embedded.Role.OWNER),
            "BROKER_URL": addresses.broker_url,
            "SECRET_KEY": "only-for-the-embedded-servers-which-no-network-reaches",
            "ACCOUNT_KEYS": f"embedded:{b64encode(b'only for the embedded servers...').decode()}",
            "BUSINESS_CLOCK": "manual",
            "SECURE": "0",
            "LOOPBACK_DIR": str(root / ".local" / "loopback"),
            "UPLOADS_DIR": str(root / ".local" / "uploads"),
            "BANKS_DIR": str(root / ".local" / "banks"),
            "AUDIT_SEALS_FILE": str(addresses.home / f"{addresses.database}-seals.jsonl"),
        }
        environ = local | {name: value for name, value in environ.items() if name != "DATABASE_OWNER_URL"}
    return Environment(
        secret_key=read("SECRET_KEY", _secret),
        account_keys=read("ACCOUNT_KEYS", _account_keys),
        debug=read("DEBUG", _flag, "0"),
        allowed_hosts=read("ALLOWED_HOSTS", _words, "localhost,127.0.0.1,[::1]"),
        database=read("DATABASE_URL", _database),
        owner=read("DATABASE_OWNER_URL", _database),
        broker_url=read("BROKER_URL", _broker),
        business_time_zone=read("BUSINESS_TIME_ZONE", _zone, "UTC"),
        business_clock=read("BUSINESS_CLOCK", _one_of(CLOCKS), "wall"),
        log_level=read("LOG_LEVEL", _one_of(LOG_LEVELS), "INFO"),
        job_lease=read("JOB_LEASE", _seconds, "60"),
        sweep_every=read("SWEEP_EVERY", _seconds, "20"),
        secure=read("SECURE", _flag, "1"),
        proxies=read("PROXIES", _proxies, "0"),
        loopback_dir=read("LOOPBACK_DIR", _path, ""),
        uploads_dir=read("UPLOADS_DIR", _path, ""),
        banks_dir=read("BANKS_DIR", _path, ""),
        audit_seals_file=read("AUDIT_SEALS_FILE", _path, ""),
        mail_server=read("MAIL_SERVER", _mail_server, ""),
        mail_from=read("MAIL_FROM", _mail_from, "Tradeline <no-reply@localhost.localdomain>"),
        mail_timeout=read("MAIL_TIMEOUT", _seconds, "20"),
    )


def _secret(text: str) -> str:
    if len(text) < 32:  # noqa: PLR2004 - said in the message
        message = "expected at least 32 characters"
        raise ValueError(message)
    return text


def _account_keys(text: str) -> tuple[tuple[str, bytes], ...]:
    """Parse names with secrets; no message shows one."""
    keys = dict[str, bytes]()
    for word in _words(text):
        name, _, secret = word.partition(":")
        try:
            keys[name] = b64decode(secret, validate=True)
        except ValueError:
            keys[name] = b""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name) or len(keys[name]) != KEY_BYTES:
            message = f"expected NAME:SECRET, the secret {KEY_BYTES} bytes in base64, as openssl rand -base64 32 has it"
            raise ValueError(message)
    if len(keys) != len(_words(text)):
        message = "expected each name once"
        raise ValueError(message)
    return tuple(keys.items())


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        message = f"expected 0 or 1, not {text!r}"
        raise ValueError(message)
    return text == "1"


def _proxies(text: str) -> int:
    if not re.fullmatch("[0-9]", text, re.ASCII):
        message = f"expected a number from 0 to 9, not {text!r}"
        raise ValueError(message)
    return int(text)


def _path(text: str) -> Path | None:
    if text and not Path(text).is_absolute():
        message = f"expected an absolute path, not {text!r}"
        raise ValueError(message)
    return Path(text) if text else None


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        message = "expected names, separated by commas"
        raise ValueError(message)
    return words


def _database(text: str) -> Mapping[str, str]:
    if urlsplit(text).scheme not in {"postgresql", "postgres"}:
        message = "expected postgresql://USER:PASSWORD@HOST/NAME"
        raise ValueError(message)
    facts = {key: str(value) for key, value in conninfo_to_dict(text).items()}
    if not {"dbname", "user"} <= facts.keys():
        message = "expected a user and a database in postgresql://USER:PASSWORD@HOST/NAME"
        raise ValueError(message)
    return facts


def _broker(text: str) -> str:
    if urlsplit(text).scheme not in BROKER_SCHEMES:
        message = f"expected a URL of {', '.join(BROKER_SCHEMES)}"
        raise ValueError(message)
    return text


def _mail_server(text: str) -> MailServer | None:
    """Parse the address of a mail server; no message shows it, as it may hold a password."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in MAIL_PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        message = (
            "expected smtp://HOST:PORT, smtp+starttls://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"
        )
        raise ValueError(message)
    return MailServer(
        host=parts.hostname,
        port=port or MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starts_tls=parts.scheme == "smtp+starttls",
        is_tls=parts.scheme == "smtps",
    )


def _mail_from(text: str) -> str:
    name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not text.isprintable():
        message = f"expected NAME <ADDRESS>, not {text!r}"
        raise ValueError(message)
    return formataddr((name, address))


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError) as error:
        message = f"{text!r} is not a time zone of the IANA database"
        raise ValueError(message) from error
    return text


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            message = f"expected {' or '.join(names)}, not {text!r}"
            raise ValueError(message)
        return text

    return parse


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 240:  # noqa: PLR2004 - said in the message
        message = f"expected whole seconds from 1 to 240, not {text!r}"
        raise ValueError(message)
    return int(text)
