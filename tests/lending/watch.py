"""Make merchants that get into trouble, and judge them."""

from datetime import UTC, date, datetime, time, timedelta

from lending.models import EarlyWarning, WatchRun
from lending.operations.watch import WATCH, start_night_watch, start_rows_watch
from merchants.models import Merchant
from tests.conftest import NOW
from tests.markets import receive
from tests.stages import do_stages

AS_OF = date(2026, 3, 1)


def trade(
    merchant: Merchant,
    *,
    first: int = 200,
    last: int = 0,
    a_day: int = 2,
    kind: str = "SALE",
    tag: str = "",
    on: date = AS_OF,
) -> None:
    """Let a merchant sell so often on each day, from so many days before a date to so many."""
    rows = []
    for back in range(last, first):
        noon = datetime.combine(on - timedelta(days=1 + back), time(12), UTC)
        for number in range(a_day):
            name = f"{merchant.external_id}-{tag}{kind}-{back}-{number}"
            amount = {"amount": "10.00"} if kind != "DISPATCH" else {"value": "3"}
            buyer = {"buyer": f"b{(back + number) % 9}"} if kind == "SALE" else {}
            row = {"external_id": name, "merchant": merchant.external_id, "kind": kind, "occurred_at": noon.isoformat()}
            rows.append({**row, **amount, **buyer})
    receive(merchant.partner, rows)


def judge_night() -> WatchRun:
    return _done(start_night_watch(now=NOW))


def judge_rows() -> WatchRun | None:
    run = start_rows_watch(now=NOW)
    return None if run is None else _done(run)


def _done(run: WatchRun) -> WatchRun:
    do_stages(WATCH, run.pk)
    run.refresh_from_db()
    return run


def make_warning(merchant: Merchant, **fields: object) -> EarlyWarning:
    """Make a warning, and the night that raised it, by hand."""
    run = WatchRun.objects.create(
        kind="NIGHT",
        as_of=AS_OF,
        state="DONE",
        watermark_high=1,
        watermark_open=[],
        seen_high=1,
        seen_open=[],
        parts=1,
        started_at=NOW,
        finished_at=NOW,
    )
    usual: dict[str, object] = {
        "signal": "SILENT",
        "raised_on": AS_OF,
        "raised_at": NOW,
        "fired_on": AS_OF,
        "observed": 9,
        "expected": 1,
        "share_bps": 90_000,
        "threshold_bps": 30_000,
        "effects": ["FREEZE", "REVIEW"],
    }
    return EarlyWarning.objects.create(merchant=merchant, run=run, **{**usual, **fields})
