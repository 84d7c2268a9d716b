"""How an account at a bank is described."""

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from lending.domain.books.bank_profile import BadProfile, canonical_profile, parse_profile, profile_of

TEXT = Path("docs/examples/bank.toml").read_text()
PROFILE = parse_profile(TEXT)


def test_what_is_entered_is_read_back() -> None:
    assert profile_of(canonical_profile(PROFILE)[0]) == PROFILE


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('name = "Bank 1"', "name: "),
        ('name = "loopback"', "name: "),
        ('account = "NL42MOCK0000000001"', "account: "),
        ('currency = "EURO"', "currency: "),
        ('agent = "MOCK"', "agent: "),
        ('creditor_id = ""', "creditor_id: "),
        ('creditor_id = "NL98ZZZ000000000001"', "creditor_id: "),
        ('agent = "mocknl2axxx"', "agent: "),
        ('service_level = "SEPAXXX"', "service_level: "),
        ("orders_a_file = 0", "orders_a_file: "),
        ('orders_a_file = "many"', "orders_a_file: not a int"),
        ("debit_days = 99", "debit_days: "),
        ("cleared_within_days = 0", "cleared_within_days: "),
        ('colour = "red"', "colour: unknown"),
    ],
)
def test_a_fault_is_named(line: str, fault: str) -> None:
    name = line.partition(" ")[0]
    kept = [row for row in TEXT.splitlines() if not row.startswith(f"{name} ")]
    with pytest.raises(BadProfile, match=f"^{fault}"):
        parse_profile("\n".join([*kept, line]))


def test_what_is_missing_is_named_and_what_is_no_toml_is_said() -> None:
    with pytest.raises(BadProfile, match="holder: missing; account: missing"):
        parse_profile('name = "bank"')
    with pytest.raises(BadProfile, match=r"^not TOML"):
        parse_profile("name = ")


def test_orders_after_the_cut_off_are_for_the_next_day() -> None:
    today = date(2026, 3, 2)
    assert PROFILE.requested_on(today, at=time(13, 59)) == today
    assert PROFILE.requested_on(today, at=time(14)) == date(2026, 3, 3)
    assert PROFILE.requested_on(today, at=None) == today
    assert PROFILE.collected_on(today, at=time(14)) == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("other", "competes"),
    [
        ({"name": "other"}, True),
        ({"name": "other", "currency": "USD"}, False),
        ({"name": "other", "pays": False, "collects": False}, False),
        ({"name": "other", "pays": False}, True),
        ({}, False),
    ],
)
def test_two_banks_do_not_have_the_same_orders(other: dict[str, object], *, competes: bool) -> None:
    assert PROFILE.competes_with(replace(PROFILE, **other)) is competes  # type: ignore[arg-type]
