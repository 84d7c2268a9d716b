from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.calendar import business_day, day_number
from merchants.domain.text import storable
from merchants.domain.transaction import (
    COLUMNS,
    NO_AMOUNT,
    VALUES,
    KnownMerchant,
    RowRefusal,
    RowRejection,
    TransactionKind,
    TransactionRow,
    buyer_hash,
    judge_row,
)

LATEST = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
MERCHANTS = {"kiln": KnownMerchant(7, "EUR"), "sakura": KnownMerchant(8, "JPY"), "dhow": KnownMerchant(9, "KWD")}
ZONES = [ZoneInfo(name) for name in ("UTC", "Asia/Shanghai", "America/Sao_Paulo")]
GOOD = {"external_id": "1", "merchant": "kiln", "kind": "SALE", "occurred_at": "2026-03-01T12:00:00Z", "amount": "5.00"}

anything = st.text(st.characters(), max_size=40)  # lone surrogates and NUL too
nearly = st.one_of(
    anything,
    st.sampled_from([*MERCHANTS, *TransactionKind, "", "0", "-1", "NaN", "1e9", "0.001", "９", "1" * 400]),  # noqa: RUF001
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    st.decimals(allow_nan=True).map(str),
    st.integers().map(str),
)
raw_rows = st.one_of(
    anything,
    st.dictionaries(st.sampled_from(COLUMNS) | anything, nearly),
    st.builds(lambda changes: GOOD | changes, st.dictionaries(st.sampled_from(COLUMNS), nearly, max_size=3)),
)


def judge(
    raw: dict[str, str] | str, zone: ZoneInfo = ZONES[0], *, needs_offset: bool = False
) -> TransactionRow | RowRejection:
    return judge_row(raw, merchants=MERCHANTS, latest=LATEST, zone=zone, needs_offset=needs_offset)


@given(raw_rows, st.sampled_from(ZONES), st.booleans())
def test_any_row_is_judged_and_what_passes_can_be_stored(
    raw: dict[str, str] | str,
    zone: ZoneInfo,
    needs_offset: bool,  # noqa: FBT001
) -> None:
    """Red for any error but a rejection: one row would then stop a whole file."""
    judged = judge(raw, zone, needs_offset=needs_offset)
    if isinstance(judged, RowRejection):
        assert storable(judged.external_id + judged.detail)
        assert len(judged.external_id) <= 200 >= len(judged.detail)
        return
    assert judged.kind in set(TransactionKind)
    assert judged.merchant_id in {7, 8, 9}
    assert (judged.amount_minor == 0) if judged.kind in NO_AMOUNT else (0 < judged.amount_minor <= 10**15)
    assert judged.occurred_at <= LATEST
    assert 0 <= judged.day == day_number(business_day(judged.occurred_at, zone))
    assert judged.value is None or -32_768 <= judged.value <= 32_767
    assert judged.buyer is None or -(2**63) <= judged.buyer < 2**63
    assert storable(judged.external_id + judged.order_ref + judged.channel)


def test_a_good_row_is_read() -> None:
    raw = GOOD | {"order_ref": "o", "buyer": "ann@example.com", "channel": "app", "recorded_at": "whenever"}
    assert judge(raw) == TransactionRow(
        merchant_id=7,
        external_id="1",
        order_ref="o",
        kind="SALE",
        occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        day=20_513,
        amount_minor=500,
        buyer=buyer_hash("ann@example.com"),
        value=None,
        channel="app",
        corrects="",
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-02T23:30:00+00:00", 20_514),
        ("2026-03-02", None),  # as a time without an offset, where one is needed
        ("whenever", None),
        ("9999-12-31T00:00:00+00:00", None),
        ("", None),
    ],
)
def test_what_was_recorded_is_kept_as_a_day_and_no_row_is_lost_by_it(text: str, day: int | None) -> None:
    judged = judge_row(GOOD | {"recorded_at": text}, merchants=MERCHANTS, latest=LATEST, zone=UTC, needs_offset=True)
    assert isinstance(judged, TransactionRow)
    assert judged.recorded_day == day


def test_a_buyer_is_one_by_name_or_by_the_hash_that_was_kept() -> None:
    """Red if an exported hash were hashed again: every buyer of a market that moved would be a stranger."""
    named = judge(GOOD | {"buyer": "ann@example.com", "currency": "EUR"})
    assert isinstance(named, TransactionRow)
    assert judge(GOOD | {"buyer_hash": str(named.buyer)}) == named
    assert judge(GOOD | {"buyer_hash": str(-(2**63))}) == replace(named, buyer=-(2**63))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_ref": "caf\udce9"}, RowRefusal.BAD_TEXT),
        ({"buyer": "a\x00b"}, RowRefusal.BAD_TEXT),
        ({"external_id": ""}, RowRefusal.MISSING_FIELD),
        ({"merchant": ""}, RowRefusal.MISSING_FIELD),
        ({"external_id": "x" * 101}, RowRefusal.TEXT_TOO_LONG),
        ({"buyer": "x" * 201}, RowRefusal.TEXT_TOO_LONG),
        ({"merchant": "nobody"}, RowRefusal.UNKNOWN_MERCHANT),
        ({"external_id": "1\n"}, RowRefusal.BAD_TEXT),
        ({"merchant": " kiln"}, RowRefusal.UNKNOWN_MERCHANT),
        ({"order_ref": "o\u2003"}, RowRefusal.BAD_TEXT),
        ({"currency": "JPY"}, RowRefusal.OTHER_CURRENCY),
        ({"currency": "eur"}, RowRefusal.OTHER_CURRENCY),
        ({"buyer": "b", "buyer_hash": "1"}, RowRefusal.BAD_VALUE),
        ({"buyer_hash": "1.0"}, RowRefusal.BAD_VALUE),
        ({"buyer_hash": "01"}, RowRefusal.BAD_VALUE),
        ({"buyer_hash": str(2**63)}, RowRefusal.BAD_VALUE),
        ({"kind": "sale"}, RowRefusal.UNKNOWN_KIND),
        ({"occurred_at": "yesterday"}, RowRefusal.BAD_TIME),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, RowRefusal.BAD_TIME),
        ({"occurred_at": "1970-12-31T23:59:59Z"}, RowRefusal.BAD_TIME),
        ({"occurred_at": "0001-01-01T00:00:00+23:00"}, RowRefusal.BAD_TIME),
        ({"occurred_at": "9999-12-31T23:59:59-23:00"}, RowRefusal.IN_THE_FUTURE),
        ({"occurred_at": "2026-03-03T09:30:01Z"}, RowRefusal.IN_THE_FUTURE),
        ({"amount": "NaN"}, RowRefusal.BAD_AMOUNT),
        ({"amount": "1" + "0" * 30}, RowRefusal.BAD_AMOUNT),
        ({"amount": "1e30"}, RowRefusal.BAD_AMOUNT),
        ({"amount": "5.001"}, RowRefusal.BAD_AMOUNT),
        ({"merchant": "sakura", "amount": "5.50"}, RowRefusal.BAD_AMOUNT),
        ({"amount": ""}, RowRefusal.AMOUNT_NOT_POSITIVE),
        ({"amount": "0.00"}, RowRefusal.AMOUNT_NOT_POSITIVE),
        ({"amount": "-5"}, RowRefusal.AMOUNT_NOT_POSITIVE),
        ({"kind": "REVIEW", "value": "5"}, RowRefusal.BAD_AMOUNT),
        ({"kind": "REVIEW", "amount": "0", "value": "6"}, RowRefusal.BAD_VALUE),
        ({"kind": "REVIEW", "amount": ""}, RowRefusal.BAD_VALUE),
        ({"kind": "DISPATCH", "amount": "", "value": "-1"}, RowRefusal.BAD_VALUE),
        ({"value": "99999"}, RowRefusal.BAD_VALUE),
        ({"value": "٣"}, RowRefusal.BAD_VALUE),
    ],
)
def test_a_bad_row_is_rejected_for_the_first_reason_that_holds(changes: dict[str, str], reason: RowRefusal) -> None:
    judged = judge(GOOD | changes)
    assert isinstance(judged, RowRejection)
    assert judged.reason is reason


@pytest.mark.parametrize(
    ("merchant", "amount", "minor"), [("kiln", "5.5", 550), ("sakura", "5", 5), ("dhow", "5", 5000)]
)
def test_an_amount_is_in_the_merchants_currency(merchant: str, amount: str, minor: int) -> None:
    judged = judge(GOOD | {"merchant": merchant, "amount": amount})
    assert isinstance(judged, TransactionRow)
    assert judged.amount_minor == minor


@pytest.mark.parametrize(("zone", "day"), [(ZONES[0], 20_513), (ZONES[1], 20_514), (ZONES[2], 20_513)])
def test_the_day_is_that_of_the_business_time_zone(zone: ZoneInfo, day: int) -> None:
    """Red if the offset of the text decided: one moment would lie on two days."""
    moment = datetime(2026, 3, 1, 18, tzinfo=UTC)
    for offset in (0, 8, -3):
        text = moment.astimezone(timezone(timedelta(hours=offset))).isoformat()
        judged = judge(GOOD | {"occurred_at": text}, zone)
        assert isinstance(judged, TransactionRow)
        assert (judged.occurred_at, judged.day) == (moment, day)
    local = judge(GOOD | {"occurred_at": moment.astimezone(zone).replace(tzinfo=None).isoformat()}, zone)
    assert isinstance(local, TransactionRow)
    assert (local.occurred_at, local.day) == (moment, day)


@given(st.sampled_from([kind for kind in TransactionKind if kind in VALUES]), st.integers(-40_000, 40_000))
def test_a_value_is_stored_if_its_kind_takes_it(kind: TransactionKind, value: int) -> None:
    judged = judge(GOOD | {"kind": kind, "amount": "", "value": str(value)})
    assert isinstance(judged, TransactionRow) is (value in VALUES[kind])


def test_buyers_are_told_apart_by_a_hash_that_stays() -> None:
    """Red if the hash changed: a buyer of stored rows would be another one in the next feed."""
    assert buyer_hash("ann@example.com") == -4_418_011_524_754_206_562
    assert len({buyer_hash(str(number)) for number in range(10_000)}) == 10_000
