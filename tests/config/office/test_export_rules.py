"""When a list is exported, and who gets the file until when: the rules alone."""

from datetime import timedelta
from typing import Any

import pytest

from config.office import export_rules
from config.office.export_pages import FAILURES, FETCH_REFUSALS, STATES
from config.office.export_rules import (
    MOST_ROWS,
    MOST_WAITING,
    ExportFailure,
    ExportRefusal,
    FetchRefusal,
    judge_fetch,
    judge_request,
    state_at,
)
from config.office.list_verbs import EXPORT_REFUSALS, VIEW_REFUSALS
from config.office.lists import LONGEST_QUERY
from config.office.models.list_export import ExportState
from config.office.saved_views import ViewRefusal
from tests.conftest import NOW

ASKED: dict[str, Any] = {"has_directory": True, "query": "", "rows": 0, "same": False, "waiting": 0}
FETCHED: dict[str, Any] = {
    "state": ExportState.DONE,
    "expires_at": NOW + timedelta(seconds=1),
    "now": NOW,
    "is_own": True,
    "has_rights": True,
    "has_authority": True,
    "is_there": True,
}


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, None),
        ({"rows": MOST_ROWS, "query": "x" * LONGEST_QUERY, "waiting": MOST_WAITING - 1}, None),
        ({"has_directory": False}, ExportRefusal.NO_DIRECTORY),
        ({"query": "x" * (LONGEST_QUERY + 1)}, ExportRefusal.TOO_LONG),
        ({"rows": MOST_ROWS + 1}, ExportRefusal.TOO_MANY_ROWS),
        ({"same": True, "waiting": 1}, ExportRefusal.WAITS_ALREADY),
        ({"waiting": MOST_WAITING}, ExportRefusal.TOO_MANY_WAIT),
    ],
)
def test_a_list_is_exported_unless(changed: dict[str, Any], refusal: ExportRefusal | None) -> None:
    assert judge_request(**ASKED | changed) is refusal


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, None),
        ({"is_own": False}, FetchRefusal.NOT_OWN),
        ({"has_rights": False}, FetchRefusal.NO_RIGHT),
        ({"has_authority": False, "state": ExportState.EXPIRED}, FetchRefusal.LOST_RIGHT),
        ({"state": ExportState.WAITING, "expires_at": None}, FetchRefusal.NOT_DONE),
        ({"state": ExportState.FAILED, "expires_at": None}, FetchRefusal.NOT_DONE),
        ({"expires_at": NOW}, FetchRefusal.EXPIRED),
        ({"state": ExportState.EXPIRED}, FetchRefusal.EXPIRED),
        ({"is_there": False}, FetchRefusal.GONE),
    ],
)
def test_a_file_is_handed_out_unless(changed: dict[str, Any], refusal: FetchRefusal | None) -> None:
    assert judge_fetch(**FETCHED | changed) is refusal


def test_an_export_expires_on_the_minute_and_not_once_its_file_is_removed() -> None:
    over = {"expires_at": NOW, "now": NOW}
    assert state_at(ExportState.DONE, **over) is ExportState.EXPIRED
    assert state_at(ExportState.DONE, expires_at=NOW, now=NOW - timedelta(seconds=1)) is ExportState.DONE
    assert state_at(ExportState.FAILED, expires_at=None, now=NOW) is ExportState.FAILED


def test_every_reason_and_state_has_its_words() -> None:
    assert set(EXPORT_REFUSALS) == set(ExportRefusal)
    assert set(FETCH_REFUSALS) == set(FetchRefusal)
    assert set(FAILURES) == set(ExportFailure)
    assert set(VIEW_REFUSALS) == set(ViewRefusal)
    assert set(STATES) == set(ExportState)
    assert str(f"{export_rules.MOST_ROWS:,}") in str(EXPORT_REFUSALS[ExportRefusal.TOO_MANY_ROWS])
