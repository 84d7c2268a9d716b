import json
from datetime import date, timedelta
from typing import Any

import pytest

from config.kernel.policies import PolicyMalformed
from lending.domain.books.delinquency import category_on, episodes_of
from lending.domain.books.delinquency_policy import (
    DAY_ONE_DELINQUENCY,
    canonical_delinquency,
    day_one_delinquency,
    parse_delinquency,
)
from lending.domain.books.provision_policy import Category
from lending.domain.contract.spells import FOREVER, Spell
from tests.lending.provisions import policy

DAY = timedelta(days=1)
ONE = date(2024, 3, 1)


def text_of(**changes: Any) -> str:  # noqa: ANN401 - of any field
    return json.dumps({**json.loads(DAY_ONE_DELINQUENCY.read_text()), **changes})


def test_the_policy_that_is_kept_is_the_one_that_was_entered() -> None:
    assert parse_delinquency(*canonical_delinquency(DAY_ONE_DELINQUENCY.read_text())) == day_one_delinquency()
    content, _ = canonical_delinquency(text_of())
    with pytest.raises(PolicyMalformed, match="is not that of the hash"):
        parse_delinquency(content, "a" * 64)


STILL = [{"start": "2024-01-01", "end": "2024-02-01"}]
BUCKETS = [{"name": "1-30", "from_days": 1}]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"version": 0}, "version"),
        ({"pauses": "MAYBE"}, "pauses"),
        ({"level": "OWNER"}, "level"),
        ({"cure_days": -1}, "cure_days"),
        ({"rule": {"buckets": [], "grace_days": 0}}, "1 to 24"),
        ({"rule": {"buckets": [{"name": "a", "from_days": 0}]}}, "the first from 1"),
        ({"rule": {"buckets": BUCKETS, "standstills": STILL}}, "standstills"),
        ({"grace": 1}, "unknown field"),
    ],
)
def test_a_policy_that_is_none_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(PolicyMalformed, match=what):
        canonical_delinquency(text_of(**changes))
    with pytest.raises(PolicyMalformed, match="document"):
        canonical_delinquency("[1")


def spell(since: int, until: int | None, late_from: int | None = None, late_since: int = 0, arrears: int = 0) -> Spell:
    return Spell(
        since=ONE + since * DAY,
        until=FOREVER if until is None else ONE + until * DAY,
        principal_minor=1,
        late_from=None if late_from is None else ONE + late_from * DAY,
        late_since=None if late_from is None else ONE + late_since * DAY,
        arrears_minor=arrears,
    )


def test_a_time_of_arrears_lasts_until_nothing_is_past_due() -> None:
    """Red if a further instalment missed, or another due date being the oldest, began a new time; or a forecast did."""
    kept = [
        spell(0, 5, late_from=3, late_since=2, arrears=10),
        spell(5, 9, late_from=5, late_since=2, arrears=20),
        spell(9, 12, late_from=9, late_since=4, arrears=15),
        spell(12, 20),
        spell(20, None, late_from=31, late_since=30, arrears=7),
    ]
    [only] = episodes_of(day_one_delinquency(), kept, (), on=ONE + 25 * DAY)
    assert (only.late_since, only.began, only.until) == (ONE + 2 * DAY, ONE + 3 * DAY, ONE + 12 * DAY)
    assert (only.worst_dpd, only.bucket, only.most_minor) == (7, 1, 20)
    later, earlier = episodes_of(day_one_delinquency(), kept, (), on=ONE + 80 * DAY)
    assert earlier == only
    assert (later.until, later.worst_dpd, later.bucket) == (None, 50, 2)
    [lasting] = episodes_of(day_one_delinquency(), kept, (), on=ONE + 6 * DAY)
    assert (lasting.until, lasting.worst_dpd, lasting.most_minor) == (None, 4, 20)


def test_a_category_is_by_days_and_by_default() -> None:
    assert category_on(policy(), dpd=0, worst_dpd=0) is Category.NORMAL
    assert category_on(policy(), dpd=5, worst_dpd=90) is Category.SUBSTANDARD
    assert category_on(policy(default_level="LOAN"), dpd=5, worst_dpd=90) is Category.SPECIAL_MENTION
    assert category_on(policy(), dpd=300, worst_dpd=300) is Category.DOUBTFUL
