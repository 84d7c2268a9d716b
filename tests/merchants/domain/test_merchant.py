from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.domain.merchant import (
    COLUMNS,
    MAX_LENGTHS,
    REQUIRED,
    MerchantEntry,
    MerchantRefusal,
    MerchantRejection,
    judge_merchant,
)
from merchants.domain.text import storable

GOOD = {"external_id": "kiln", "name": "Blue Kiln", "currency": "EUR"}
texts = st.text(st.characters(), max_size=210) | st.sampled_from(["EUR", "eur", "2024-02-29", "2023-02-29", ""])


@given(st.dictionaries(st.sampled_from(COLUMNS), texts), st.booleans())
def test_any_row_is_judged_and_what_passes_can_be_stored(changes: dict[str, str], good: bool) -> None:  # noqa: FBT001
    judged = judge_merchant(GOOD | changes if good else changes)
    if isinstance(judged, MerchantRejection):
        assert storable(judged.external_id + judged.detail)
        assert len(judged.external_id) <= 100
        return
    for column, limit in MAX_LENGTHS.items():
        text = getattr(judged, column)
        assert storable(text)
        assert len(text) <= limit


def test_what_is_not_said_is_empty() -> None:
    nothing = dict.fromkeys(("owner_ref", "category", "region", "city", "membership"), "")
    assert judge_merchant(GOOD) == MerchantEntry(**GOOD, **nothing, opened_on=None)
    assert judge_merchant(GOOD | nothing | {"opened_on": ""}) == judge_merchant(GOOD)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"city": "S\udce3o Paulo"}, MerchantRefusal.BAD_TEXT, "city"),
        ({"name": "a\x00b"}, MerchantRefusal.BAD_TEXT, "name"),
        *[({column: ""}, MerchantRefusal.MISSING_FIELD, column) for column in REQUIRED],
        *[
            ({column: "x" * (limit + 1)}, MerchantRefusal.TEXT_TOO_LONG, f"{column}: at most {limit} characters")
            for column, limit in MAX_LENGTHS.items()
        ],
        ({"currency": "eur"}, MerchantRefusal.BAD_CURRENCY, "eur"),
        ({"currency": "EUR\n"}, MerchantRefusal.BAD_CURRENCY, "EUR\n"),
        ({"opened_on": "01/02/2024"}, MerchantRefusal.BAD_DATE, "01/02/2024"),
        ({"opened_on": "2023-02-29"}, MerchantRefusal.BAD_DATE, "2023-02-29"),
    ],
)
def test_an_unfit_merchant_is_rejected_with_its_reason(
    changes: dict[str, str], reason: MerchantRefusal, detail: str
) -> None:
    judged = judge_merchant(GOOD | changes)
    assert isinstance(judged, MerchantRejection)
    assert (judged.reason, judged.detail) == (reason, detail)


def test_a_day_is_read() -> None:
    judged = judge_merchant(GOOD | {"opened_on": "2024-02-29"})
    assert isinstance(judged, MerchantEntry)
    assert judged.opened_on == date(2024, 2, 29)
