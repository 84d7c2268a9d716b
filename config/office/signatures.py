"""Sign what is written in somebody's name: the database refuses what the application did not sign.

Of each of ACCOUNT_KEYS a key of HMAC-SHA256 is derived. The database keeps these keys in a table that the application's
role cannot read, checks a signature by them (`office_is_signed`), and forgets it: none can be copied from a row.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from django.conf import settings
from django.db import connection, connections, transaction

from config.db.encryption import derived

Signed = str | int | bool | Mapping[str, str | int | bool | None] | None
"""What can be signed: JSON that has one form only, as `jsonb` writes it."""

BLOCK: Final = 64
"""Bytes of a block of SHA-256, to which HMAC fills up a key."""
TABLE: Final = "office_signingkey"
ENTER: Final = f"INSERT INTO {TABLE} (name, inner_pad, outer_pad) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"  # noqa: S608 - a constant
FORGET: Final = f"DELETE FROM {TABLE} WHERE NOT inner_pad = ANY(%s::bytea[])"  # noqa: S608 - a constant
IS_SIGNED: Final = "SELECT office_is_signed(%s, %s)"


def sign(*values: Signed) -> str:
    """Return the signature of these values under each key, in hexadecimal digits with a comma between.

    Under each, so that it holds while keys are changed, whether the database knows the old one, the new one or both.
    """
    message = written(values).encode()
    return ",".join(hmac.digest(key, message, "sha256").hex() for key in _keys(settings.ACCOUNT_KEYS))


def written(values: Sequence[Signed]) -> str:
    """Write values as PostgreSQL writes an array of `jsonb`: shorter keys of an object first, then by their bytes."""
    ordered = [dict(sorted(value.items(), key=_place)) if isinstance(value, Mapping) else value for value in values]
    return json.dumps(ordered, ensure_ascii=False)


def knows_our_keys() -> bool:
    """Check whether the database takes what this process signs."""
    values = ("config.office.signatures",)
    with connection.cursor() as cursor:
        cursor.execute(IS_SIGNED, [written(values), sign(*values)])
        return bool(cursor.fetchone() == (True,))


def enter_keys(*, using: str, only_first: bool = False) -> None:
    """Tell the database the keys of the environment; only_first: the first of them, and no other any more.

    using: the connection, of the owner of the tables.
    """
    keys = [(name, *_pads(key)) for name, key in zip(_names(), _keys(settings.ACCOUNT_KEYS), strict=True)]
    if only_first:
        keys = keys[:1]
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.executemany(ENTER, keys)
        if only_first:
            cursor.execute(FORGET, [[inner for _, inner, _ in keys]])


def enter_keys_after_migration(*, using: str, **_of_the_signal: object) -> None:
    """Tell the database the keys of the environment each time it is migrated, also after a restore elsewhere."""
    if TABLE in connections[using].introspection.table_names():
        enter_keys(using=using)


def _place(entry: tuple[str, object]) -> tuple[int, bytes]:
    name = entry[0].encode()
    return len(name), name


def _names() -> list[str]:
    return [name for name, _ in settings.ACCOUNT_KEYS]


@cache
def _keys(secrets: tuple[tuple[str, bytes], ...]) -> list[bytes]:
    return [derived(secret, "signature") for _, secret in secrets]


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what HMAC puts before the message, and before the hash of both (RFC 2104)."""
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(BLOCK, b"\0")) for pad in (0x36, 0x5C))
    return inner, outer
