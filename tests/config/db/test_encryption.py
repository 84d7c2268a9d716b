import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.db.encryption import KeyMissing, Keys, TextUnreadable

OLD, NEW = ("2025", b"o" * 32), ("2026", b"n" * 32)
NUMBER = "GB82WEST12345698765432"


def keys(*secrets: tuple[str, bytes], purpose: str = "account number") -> Keys:
    return Keys(secrets or (NEW, OLD), purpose=purpose, width=34)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=8, max_size=34))
def test_what_was_encrypted_is_decrypted_and_shows_neither_itself_nor_its_length(number: str) -> None:
    kept = keys().encrypt(number, owner="merchant 1")
    assert keys().decrypt(kept.key, kept.sealed, owner="merchant 1") == number
    assert number.encode() not in kept.sealed
    assert len(kept.sealed) == 12 + 34 + 16


def test_the_same_number_is_encrypted_otherwise_each_time_and_found_by_one_hash() -> None:
    one, other = (keys().encrypt(NUMBER, owner="merchant 1") for _ in range(2))
    assert one.sealed != other.sealed
    assert one.index == other.index


def test_the_first_key_encrypts_and_each_decrypts() -> None:
    before, during, after = keys(OLD), keys(NEW, OLD), keys(NEW)
    kept = before.encrypt(NUMBER, owner="merchant 1")
    again = during.encrypt(during.decrypt(kept.key, kept.sealed, owner="merchant 1"), owner="merchant 1")
    assert (kept.key, again.key) == ("2025", "2026")
    assert after.decrypt(again.key, again.sealed, owner="merchant 1") == NUMBER
    assert {kept.index, again.index} == set(during.indexes(NUMBER))
    with pytest.raises(KeyMissing, match="2025"):
        after.decrypt(kept.key, kept.sealed, owner="merchant 1")


def test_nothing_else_than_what_was_encrypted_is_read() -> None:
    """Red if a number could be copied to another merchant, whose money would then go there."""
    kept = keys().encrypt(NUMBER, owner="merchant 1")
    changed = bytes([*kept.sealed[:-1], kept.sealed[-1] ^ 1])
    for sealed, owner in ((kept.sealed, "merchant 2"), (changed, "merchant 1"), (b"", "merchant 1")):
        with pytest.raises(TextUnreadable):
            keys().decrypt(kept.key, sealed, owner=owner)
    for others in (keys(("2026", OLD[1])), keys(purpose="another")):
        with pytest.raises(TextUnreadable):
            others.decrypt(kept.key, kept.sealed, owner="merchant 1")
