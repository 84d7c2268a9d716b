"""Texts that are kept encrypted in a column, and found again by a keyed hash."""

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES: Final = 12
DERIVED_BYTES: Final = 32
PURPOSE: Final = "account number"
"""Of the keys of ACCOUNT_KEYS, which began with account numbers and now encrypt whole files, too."""


class Unreadable(Exception):
    """What is encrypted cannot be read."""


class KeyMissing(Unreadable):
    """The key under which a text was encrypted is not given; the message is its name."""


class TextUnreadable(Unreadable):
    """What is kept is not what was encrypted: it was changed, or is another's; the message is whose it should be."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A text as it is kept: the name of its key, what was encrypted, and the hash by which it is found again."""

    key: str
    sealed: bytes
    index: bytes


class Keys:
    """Keys with their names, for one purpose: the first encrypts, each decrypts what it encrypted.

    Of each secret are derived (HKDF, RFC 5869) a key of AES-256-GCM and one of HMAC-SHA256. Texts are filled up with
    spaces to `width`, so that what is kept does not tell how long they are. owner: whose a text is; as another's it
    cannot be decrypted.
    """

    def __init__(self, secrets: Iterable[tuple[str, bytes]], *, purpose: str, width: int) -> None:
        self._width = width
        self._keys = {
            name: (AESGCM(derived(secret, purpose)), derived(secret, f"{purpose}, index")) for name, secret in secrets
        }
        self.names = frozenset(self._keys)
        self.current = next(iter(self._keys))

    def encrypt(self, text: str, *, owner: str) -> Encrypted:
        """Encrypt a text with the first key."""
        _, index = self._keys[self.current]
        sealed = self.seal(text.ljust(self._width).encode(), owner=owner)
        return Encrypted(key=self.current, sealed=sealed, index=_hash(index, text))

    def decrypt(self, name: str, sealed: bytes, *, owner: str) -> str:
        """Return the text that was encrypted under a key. Raises KeyMissing, TextUnreadable."""
        return self.open(name, sealed, owner=owner).decode().rstrip()

    def encrypt_again(self, name: str, sealed: bytes, *, owner: str, is_indexed: bool) -> Encrypted:
        """Encrypt with the first key what was encrypted under another. Raises KeyMissing, TextUnreadable."""
        content, (_, index) = self.open(name, sealed, owner=owner), self._keys[self.current]
        hashed = hmac.digest(index, content.rstrip(), "sha256") if is_indexed else b""
        return Encrypted(key=self.current, sealed=self.seal(content, owner=owner), index=hashed)

    def seal(self, content: bytes, *, owner: str) -> bytes:
        """Encrypt bytes with the first key."""
        cipher, _ = self._keys[self.current]
        nonce = os.urandom(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, content, owner.encode())

    def open(self, name: str, sealed: bytes, *, owner: str) -> bytes:
        """Return the bytes that were encrypted under a key. Raises KeyMissing, TextUnreadable."""
        if name not in self._keys:
            raise KeyMissing(name)
        cipher, _ = self._keys[name]
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise TextUnreadable(owner) from None

    def indexes(self, text: str) -> list[bytes]:
        """Return the hashes of a text, one under each key."""
        return [_hash(index, text) for _, index in self._keys.values()]


def environment_keys(*, width: int = 0) -> Keys:
    """Return the keys that the environment gives; width: of the texts that are encrypted, if they are filled up."""
    return _environment_keys(settings.ACCOUNT_KEYS, width)


@cache
def _environment_keys(secrets: tuple[tuple[str, bytes], ...], width: int) -> Keys:
    return Keys(secrets, purpose=PURPOSE, width=width)


def derived(secret: bytes, purpose: str) -> bytes:
    """Derive a key of 32 bytes for one purpose (HKDF, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=DERIVED_BYTES, salt=None, info=purpose.encode()).derive(secret)


def _hash(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
