import gzip
import json

import pytest

from config.office.job_runs import run_job
from config.office.models import JobRun, OperationEvent
from merchants.models import Batch, Transaction
from merchants.operations.ingestion import MAX_ROWS, fill_batch
from tests.conftest import Enqueued
from tests.markets import make_merchants, make_partner, sale
from tests.merchants.operations.test_ingestion import BROKEN
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Api:
    partner = make_partner()
    make_merchants(partner, "kiln")
    return Api(token_for(partner))


def fill() -> None:
    for job in JobRun.objects.all():
        run_job(job.pk, fill_batch)


@pytest.mark.parametrize("compressed", [False, True])
def test_rows_are_received_stored_and_reported(api: Api, enqueued: Enqueued, compressed: bool) -> None:  # noqa: FBT001
    rows = [sale("1"), sale("2"), sale("2"), sale("3", "nobody"), sale("2", amount="11.00")]
    status, receipt = api.lines(rows, compressed=compressed)
    assert (status, receipt["state"], receipt["received"], receipt["rejected"]) == (202, "STAGED", 5, 1)
    [(name, ids)] = enqueued()
    assert name == "merchants.fill_batch"
    run_job(ids["job_id"], fill_batch)
    status, batch = api.get(f"batches/{receipt['id']}")
    assert status == 200
    assert [batch[key] for key in ("state", "accepted", "duplicate", "conflict", "rejected")] == ["SEALED", 2, 1, 1, 1]
    assert [(issue["line"], issue["reason"]) for issue in batch["issues"]] == [(4, "UNKNOWN_MERCHANT"), (5, "CONFLICT")]
    assert (batch["issues"][1]["stored"]["amount_minor"], batch["issues"][1]["received"]["amount_minor"]) == (
        1000,
        1100,
    )


def test_a_list_works_like_lines(api: Api) -> None:
    status, receipt = api.post("transactions", {"transactions": [sale("1", colour="blue"), "no row", {"a": [1]}]})
    assert (status, receipt["received"], receipt["rejected"]) == (202, 3, 2)
    assert receipt["unknown_fields"] == ["a", "colour"]


def test_every_kind_of_broken_row_is_reported_with_its_line(api: Api) -> None:
    bodies = []
    for broken in BROKEN.values():
        text = "{" if isinstance(broken, str) else json.dumps(broken, ensure_ascii=False)
        bodies.append(text.encode("utf-8", "surrogateescape"))
    good = json.dumps(sale("good")).encode()
    status, receipt = api.send("transactions", b"\n".join([*bodies, good]), "application/x-ndjson")
    assert (status, receipt["rejected"]) == (202, len(BROKEN))
    fill()
    _, batch = api.get(f"batches/{receipt['id']}")
    assert [issue["reason"] for issue in batch["issues"]] == [reason.value for reason in BROKEN]
    assert [issue["line"] for issue in batch["issues"]] == list(range(1, len(BROKEN) + 1))
    assert batch["accepted"] == 1


@pytest.mark.parametrize(
    "row",
    [
        {"amount": 10.0},
        {"amount": 10},
        {"amount": {"amount": "1"}},
        {"kind": ["SALE"]},
        {"merchant": None},
        {"value": 10**30},
        {"value": True},
        {"external_id": "a\u0000b"},
        {"occurred_at": "9999-12-31T23:59:59-23:59"},
        {"occurred_at": "2026-02-01T12:00:00"},
        {"occurred_at": "2026-02-01"},
    ],
)
def test_what_is_no_text_is_a_bad_row_and_no_error(api: Api, row: dict[str, object]) -> None:
    status, receipt = api.lines([sale("1") | row])
    assert (status, receipt["rejected"]) == (202, 1)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid"),
        (b"[" * 100_000, 400, "parse_error"),
        (b'{"transactions": 1}', 400, "parse_error"),
        (b'{"transactions": [], "transactions": []}', 400, "parse_error"),
        (b'{"transactions": [NaN]}', 400, "parse_error"),
        (b"\xff\xfe{", 400, "parse_error"),
        (b'{"transactions": [' + b"9" * 10_000 + b"]}", 400, "parse_error"),
    ],
)
def test_a_bad_body_is_a_problem_and_nothing_is_kept(api: Api, body: bytes, status: int, code: str) -> None:
    found, problem = api.send("transactions", body, "application/json")
    assert (found, problem["code"]) == (status, code)
    assert not Batch.objects.exists()


def test_a_bomb_never_unfolds(api: Api) -> None:
    bomb = gzip.compress(b"0" * (65 * 1024 * 1024))
    found = api.send("transactions", bomb, "application/x-ndjson", **{"Content-Encoding": "gzip"})
    assert (found[0], found[1]["code"]) == (413, "body_too_large")
    cut = gzip.compress(json.dumps(sale("1")).encode())[:-4]
    assert api.send("transactions", cut, "application/x-ndjson", **{"Content-Encoding": "gzip"})[0] == 400
    assert api.send("transactions", b"x", "application/x-ndjson", **{"Content-Encoding": "br"})[0] == 415


def test_too_many_rows_are_refused_whole(api: Api) -> None:
    status, problem = api.send("transactions", b"1\n" * (MAX_ROWS + 1), "application/x-ndjson")
    assert (status, problem["code"]) == (413, "too_many_rows")
    assert not Batch.objects.exists()


def test_issues_come_in_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merchants.api.transactions.ISSUES_A_PAGE", 2)
    _, receipt = api.lines([sale(str(line), "nobody") for line in range(3)])
    _, first = api.get(f"batches/{receipt['id']}")
    _, second = api.get(f"batches/{receipt['id']}?after_line={first['next_after_line']}")
    assert [issue["line"] for issue in first["issues"] + second["issues"]] == [1, 2, 3]
    assert second["next_after_line"] is None
    assert api.get(f"batches/{receipt['id']}?after_line=x")[0] == 400


def test_the_audit_names_the_partner(api: Api) -> None:
    api.post("merchants", {"merchants": [{"external_id": "new", "name": "New", "currency": "EUR"}]})
    assert OperationEvent.objects.latest("pk").actor.startswith("partner:")
    assert Transaction.objects.count() == 0


@pytest.mark.parametrize("behind", [gzip.compress(b"{}", mtime=0), b"0" * 1_000_000], ids=["gzip", "noise"])
def test_nothing_may_follow_the_gzip(api: Api, behind: bytes) -> None:
    """Red where only the first member is read: the rows of the second would be lost without a word."""
    body = gzip.compress(json.dumps(sale("1")).encode()) + behind
    found = api.send("transactions", body, "application/x-ndjson", **{"Content-Encoding": "gzip"})
    assert (found[0], found[1]["code"]) == (400, "parse_error")
    assert not Batch.objects.exists()


def test_a_list_that_is_too_long_to_be_decoded_is_refused_before(api: Api) -> None:
    body = b'{"transactions": [' + b"[]," * 2_000_000 + b"[]]}"
    assert api.send("transactions", body, "application/json")[1]["code"] == "body_too_large"


def test_a_field_that_no_text_can_name_is_reported_and_the_row_kept(api: Api) -> None:
    row = json.dumps(sale("1"))[:-1].encode()
    status, receipt = api.send("transactions", row + b', "\\ud800": 1, "\xff": 2}', "application/x-ndjson")
    assert (status, receipt["rejected"], receipt["unknown_fields"]) == (202, 0, ["?"])
