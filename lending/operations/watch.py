"""Judge how merchants trade, every night and when rows come in between, and raise and lift warnings."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import structlog
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from config.db.locking import lock_rows
from config.db.transactions import Contended, StaleRow, operation, require_one
from config.kernel.refusals import Refused
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, lock_business_date
from config.office.job_runs import Claim, Clock, limit_statements_to_lease, report_progress
from config.office.stages import Pipeline, Stage
from lending.domain.watch.policy import Effect, Signal, WatchPolicy
from lending.domain.watch.signals import Reading, Watched, policy_for, read_signals
from lending.domain.watch.watch_run import (
    WatchKind,
    WatchRefusal,
    WatchState,
    judge_night_watch,
    judge_rows_watch,
    judged_as_of,
)
from lending.models import EarlyWarning, PeerCell, WatchRun
from lending.operations.warnings import change_warnings
from lending.queries.cash_flow import measure_cells, measure_flows
from lending.queries.closes import closed_to
from lending.queries.watch import (
    WatchedMerchant,
    borrowers_with_new_rows,
    count_watched,
    known_to,
    market_of,
    next_instalments,
    policy_in_force,
    policy_of,
    watched_merchants,
)
from merchants.queries.batches import Watermark, current_watermark
from merchants.queries.partitions import partitions_of_part
from scoring.operations.single import MerchantNotScored, score_merchant

MERCHANTS_A_PART: Final = 2_000
log = structlog.get_logger(__name__)


class WatchNotStarted(Refused[WatchRefusal]):
    """Nobody is judged now."""


def start_night_watch(*, now: datetime) -> WatchRun:
    """Start judging everyone who has a limit or a loan, once a business date. Raises WatchNotStarted, Contended."""
    known = current_watermark()  # in its own transaction: nobody waits for a number
    with operation():
        lock_business_date()  # of two that start at once, the second sees what the first did
        today, last = get_business_date(), _last_night()
        refusal = judge_night_watch(
            today=today,
            last_night=None if last is None else last.as_of,
            one_works=WatchRun.objects.working().exists(),
            closed_to=closed_to(),
        )
        if refusal is not None or today is None:
            raise WatchNotStarted(refusal or WatchRefusal.NO_BUSINESS_DATE)
        # Rows of the business date that came before are not read in this night: they are looked for after it.
        seen = known if last is None else Watermark(last.seen_high, tuple(last.seen_open))
        return _started(WatchKind.NIGHT, today=today, known=known, seen=seen, merchants=None, peers=None, now=now)


def start_rows_watch(*, now: datetime) -> WatchRun | None:
    """Start judging the borrowers of whom rows came since it was last looked for them; None if there are none.

    Raises WatchNotStarted, Contended.
    """
    known = current_watermark()
    with operation():
        lock_business_date()
        today, night = get_business_date(), _last_night()
        refusal = judge_rows_watch(
            today=today,
            last_night=None if night is None else night.as_of,
            one_works=WatchRun.objects.working().exists(),
        )
        if refusal is not None or today is None or night is None:
            raise WatchNotStarted(refusal or WatchRefusal.NIGHT_MISSING)
        seen = Watermark(night.seen_high, tuple(night.seen_open))
        merchants = borrowers_with_new_rows(seen, now=now, today=today)
        WatchRun.objects.filter(pk=night.pk).update(seen_high=known.high, seen_open=list(known.open))
        if not merchants:
            return None
        return _started(WatchKind.ROWS, today=today, known=known, seen=known, merchants=merchants, peers=night, now=now)


def _last_night() -> WatchRun | None:
    return WatchRun.objects.nights().order_by("-as_of").first()


def _started(
    kind: WatchKind,
    *,
    today: date,
    known: Watermark,
    seen: Watermark,
    merchants: list[int] | None,
    peers: WatchRun | None,
    now: datetime,
) -> WatchRun:
    run = WatchRun.objects.create(
        kind=kind,
        as_of=judged_as_of(kind, today=today),
        watermark_high=known.high,
        watermark_open=list(known.open),
        seen_high=seen.high,
        seen_open=list(seen.open),
        policy=policy_in_force(),
        peers=peers,
        merchants=merchants,
        parts=WATCH.parts_for(count_watched() if merchants is None else len(merchants)),
        started_at=now,
    )
    WATCH.start(subject_id=run.pk, actor=SYSTEM, now=now)
    return run


def compare_peers(*, claim: Claim, clock: Clock) -> None:
    """Count how the sales of the merchants of one part changed. Raises StaleRow if fenced off."""
    run = WatchRun.objects.get(pk=claim.subject_id)
    found = [] if run.peers_id else measure_cells(known_to(run), partitions=partitions_of_part(claim.part, run.parts))
    cells = [
        PeerCell(
            run=run,
            part=claim.part,
            currency=cell[0],
            category=cell[1],
            region=cell[2],
            merchants=peers.merchants,
            sales_recent=peers.sales_recent,
            sales_usual=peers.sales_usual,
        )
        for cell, peers in found
    ]
    with operation():
        PeerCell.objects.bulk_create(cells)
        WATCH.finish_part(claim=claim, done=sum(cell.merchants for cell in cells), now=clock())


def judge_part(*, claim: Claim, clock: Clock) -> None:
    """Read the signals of the merchants of one part, and raise, renew and lift their warnings. Raises StaleRow."""
    run = WatchRun.objects.select_related("policy").get(pk=claim.subject_id)
    policy = policy_for(WatchKind(run.kind), policy_of(run.policy))
    partitions = partitions_of_part(claim.part, run.parts)
    with operation():
        limit_statements_to_lease()
        watched = watched_merchants(run, partitions=partitions)
        readings = _readings(run, watched, policy, partitions=partitions)
    report_progress(claim=claim, done=len(watched), total=len(watched), now=clock())
    with operation():
        lock_rows(WatchRun, [run.pk])
        change_warnings(run, readings, watched, policy=policy, now=clock())
        WatchRun.objects.filter(pk=run.pk).update(judged=F("judged") + len(watched))
        WATCH.finish_part(claim=claim, done=len(watched), now=clock())


def _readings(
    run: WatchRun, watched: Mapping[int, WatchedMerchant], policy: WatchPolicy, *, partitions: Sequence[int]
) -> dict[int, list[Reading]]:
    if not watched:
        return {}
    market = market_of(run)
    draws = {merchant: one.drawn_on for merchant, one in watched.items()}
    flows = measure_flows(draws, known=known_to(run), partitions=partitions)
    soon = policy.signals.get(Signal.SHORT_OF_INSTALMENT)
    instalments = {} if soon is None else next_instalments(watched, run, within=soon.least, partitions=partitions)
    found = {}
    for merchant, one in watched.items():
        flow = flows[merchant]
        peers = market.peers_of(one.cell, flow, least=policy.peers_least)
        found[merchant] = read_signals(Watched(flow=flow, peers=peers, instalment=instalments.get(merchant)), policy)
    return found


def conclude_watch(*, claim: Claim, clock: Clock) -> None:
    """Score afresh whom a warning asks for, and end the watch. Raises StaleRow if fenced off."""
    raised = EarlyWarning.objects.filter(run=claim.subject_id, effects__contains=[Effect.RESCORE])
    merchants = list(raised.filter(fresh_score=None).values_list("merchant", flat=True).distinct().order_by("merchant"))
    for done, merchant in enumerate(merchants):
        report_progress(claim=claim, done=done, total=len(merchants), now=clock())
        try:
            score = score_merchant(merchant_id=merchant, actor=SYSTEM, now=clock())
        except (MerchantNotScored, Contended):
            continue  # nothing is published, or somebody has the merchant: the warning stands without
        except StaleRow:
            raise
        except Exception:
            log.exception("merchant_not_scored_for_warning", merchant_id=merchant)
            continue  # one that cannot be scored stops no watch
        raised.filter(merchant=merchant, fresh_score=None).update(fresh_score=score)
    with operation():
        now = clock()
        working = WatchRun.objects.working().filter(pk=claim.subject_id)
        require_one(working.update(state=WatchState.DONE, finished_at=now))
        WATCH.finish_part(claim=claim, done=len(merchants), now=now)


WATCH: Final = Pipeline(
    subject=WatchRun,
    rows_a_part=MERCHANTS_A_PART,
    stages=(
        Stage(
            name="lending.compare_peers",
            work=compare_peers,
            words=_("Count how sales changed, by category and region"),
            counts=_("merchants"),
        ),
        Stage(
            name="lending.judge_signals",
            work=judge_part,
            words=_("Read signals, raise and lift warnings"),
            counts=_("merchants"),
        ),
        Stage(
            name="lending.conclude_watch",
            work=conclude_watch,
            words=_("Score afresh whom warnings ask for"),
            counts=_("merchants"),
            is_divided=False,
        ),
    ),
)
