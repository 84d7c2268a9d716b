"""Review credit lines by a published run: what may be drawn follows what the merchant is by now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from config.db.transactions import Contended, StaleRow, operation, require_transaction
from config.office.actors import SYSTEM
from config.office.events import Fact, record_events
from config.office.job_runs import Claim, Clock, hold_claim
from lending.domain.origination.assessment import Assessment, assess
from lending.domain.origination.granted_limit import GrantedLimit
from lending.domain.origination.line import LineEventType, LineState, review, state_after_review
from lending.domain.origination.rules import Rules, current_rules
from lending.models import Line, LineEvent, OfferRound
from lending.operations.approvals import lock_exposures
from lending.queries.facts import facts_of, is_outdated
from lending.queries.line_usage import used_of
from lending.queries.lines import lines_to_review, scores_of
from lending.queries.products import latest_versions, product_of, sold_as

AT_ONCE: Final = 200
REVIEWED: Final = ("limit_minor", "higher_since", "sustained_minor", "state", "frozen_for", "reviewed_in")
log = structlog.get_logger(__name__)


def review_part(found: OfferRound, *, claim: Claim, clock: Clock) -> int:
    """Review the open lines of a part of a round's merchants, each once a round; return how many.

    A line that cannot be reviewed stays as it is, and stops no other: the log says why, and the first page that there
    is one. Raises Contended, StaleRow.
    """
    done = after = 0
    rules = current_rules()
    while lines := lines_to_review(found, part=claim.part, after=after, limit=AT_ONCE):
        if is_outdated(found.run.feature_set, rules) or OfferRound.objects.filter(pk__gt=found.pk).exists():
            break  # the next round reviews them
        try:
            with operation():
                hold_claim(claim=claim, done=done, total=done + len(lines), now=clock())
                _review(lines, found, rules, now=clock())
        except (Contended, StaleRow):
            raise
        except Exception:  # noqa: BLE001 - one of them fails, and is found below
            _review_apart(lines, found, rules, clock=clock)
        done, after = done + len(lines), lines[-1].pk
    return done


def _review_apart(lines: Sequence[Line], found: OfferRound, rules: Rules, *, clock: Clock) -> None:
    for line in lines:
        try:
            with operation():
                _review([line], found, rules, now=clock())
        except (Contended, StaleRow):
            raise
        except Exception:
            log.exception("line_not_reviewed", line_id=line.pk, round_id=found.pk)


def _review(lines: Sequence[Line], found: OfferRound, rules: Rules, *, now: datetime) -> None:
    require_transaction()
    lock_exposures([line.merchant_id for line in lines])
    rows = Line.objects.open().filter(pk__in=[line.pk for line in lines])
    locked = list(rows.lock().select_related("product"))
    used, cases = used_of(line.pk for line in locked), _assessed(locked, found, rules)
    events, changes = list[LineEvent](), list[tuple[Line, Mapping[str, Fact], Mapping[str, Fact]]]()
    for line in locked:
        before = (line.limit_minor, line.state, line.frozen_for)
        happened = _move(line, cases[line.pk], used_minor=used.get(line.pk, 0))
        line.reviewed_in = found
        events += [
            LineEvent(
                line=line, type=kind, on=found.on, amount_minor=amount, reason=reason, actor=str(SYSTEM), booked_at=now
            )
            for kind, amount, reason in happened
        ]
        if happened:
            names = ("limit_minor", "state", "frozen_for")
            after = (line.limit_minor, line.state, line.frozen_for)
            changes.append((line, dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True))))
    Line.objects.bulk_update(locked, REVIEWED)
    LineEvent.objects.bulk_create(events)
    record_events(name="lending.review_line", changes=changes, actor=SYSTEM, now=now)


def _assessed(lines: Sequence[Line], found: OfferRound, rules: Rules) -> dict[int, Assessment]:
    """Assess the merchants of lines, each under its product as it was entered last, by line."""
    scores = scores_of(found, [line.merchant_id for line in lines])
    cases, latest = dict[int, Assessment](), latest_versions()
    for version in {sold_as(line.product): latest[sold_as(line.product)] for line in lines}.values():
        product = product_of(version)
        own = [line for line in lines if sold_as(line.product) == sold_as(version)]
        facts = facts_of(scores=[scores[line.merchant_id] for line in own], on=found.on, product=product, rules=rules)
        cases |= {line.pk: assess(facts[line.merchant_id], product, rules.no_offer) for line in own}
    return cases


def _move(line: Line, case: Assessment, *, used_minor: int) -> list[tuple[LineEventType, int | None, str]]:
    """Change a line as its review says; return what happened to it: kind, new limit, reason."""
    limit = GrantedLimit(
        limit_minor=line.limit_minor, higher_since=line.higher_since, sustained_minor=line.sustained_minor
    )
    result = review(limit, case, used_minor=used_minor)
    happened = list[tuple[LineEventType, int | None, str]]()
    moved = result.limit.limit_minor
    if moved != line.limit_minor:
        kind = LineEventType.RAISED if moved > line.limit_minor else LineEventType.CUT
        happened.append((kind, moved, ""))
    state, frozen_for = state_after_review(LineState(line.state), frozen_for=line.frozen_for, freezes=result.freezes)
    if (state, frozen_for) != (line.state, line.frozen_for):
        kind = LineEventType.FROZEN if state is LineState.FROZEN else LineEventType.UNFROZEN
        happened.append((kind, None, frozen_for))
    line.limit_minor, line.state, line.frozen_for = moved, state, frozen_for
    line.higher_since, line.sustained_minor = result.limit.higher_since, result.limit.sustained_minor
    return happened
