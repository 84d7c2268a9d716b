"""Read the files of `manage.py replay` and `manage.py quote`, and return what they print: JSON scalars only."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from config.kernel.documents import Unfit, choice_of, date_of, shown, text_of
from lending.domain.contract.apr import AprRule
from lending.domain.contract.delinquency import Delinquency, classed, parse_rule
from lending.domain.contract.events import parse_event
from lending.domain.contract.fields import refusing
from lending.domain.contract.quote import quote
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.replay import replay
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.state import SERVICING_FIELDS, LoanState
from lending.domain.contract.terms import parse_terms

Result = dict[str, object]
STATE_FIELDS: Final = (
    "principal_minor",
    "interest_to_date_minor",
    "interest_paid_minor",
    "penalty_to_date_minor",
    "penalty_paid_minor",
    "fees_unpaid_minor",
    "credit_minor",
    "due_minor",
    "dpd",
    "payoff_minor",
)
AHEAD_FIELDS: Final = ("fees_ahead_minor", "interest_ahead_minor")
CASE_KEYS: Final = frozenset({"id", "terms", "events", "as_of", "delinquency"})
QUOTE_KEYS: Final = frozenset({"terms", "on", "apr_rule"})
MOST_DIGITS: Final = 1_000


class BadFile(ValueError):
    """The text is not a file of this shape."""


class Doubled:
    """The value of a key that was given twice: it fits no field, so only its case is refused."""

    def __repr__(self) -> str:
        return "<given twice>"


def load_object(text: str) -> Mapping[str, object]:
    """Parse a JSON object. Raises BadFile."""
    try:
        loaded = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        message = f"The file is not valid JSON: {error}."
        raise BadFile(message) from error
    if not isinstance(loaded, dict):
        message = "The file holds no JSON object."
        raise BadFile(message)
    return loaded


def load_cases(text: str) -> list[object]:
    """Parse the cases of `{"cases": [...]}`, not yet validated. Raises BadFile."""
    cases = load_object(text).get("cases")
    if not isinstance(cases, list):
        message = 'The file holds no list of cases: {"cases": [{"id", "terms", "events", "as_of"}]}.'
        raise BadFile(message)
    return cases


def replay_case(case: object) -> Result:
    """Replay one case: its id with schedule, allocations and states, or with its refusal's code and message.

    A rule given as "delinquency" adds to each state how the loan is classed.
    """
    found = case if isinstance(case, Mapping) else {}
    identity: Result = {"id": None}
    try:
        with refusing(LoanRefusal.BAD_TERMS, "the case"):
            identity = {"id": text_of({"id": None, **found}, "id")}
        terms = parse_terms(found.get("terms"))
        replayed = replay(terms, map(parse_event, _list_of(found, "events")))
        with refusing(LoanRefusal.BAD_EVENT, "the case"):
            dates = [date_of({"as_of": text}, "as_of") for text in _list_of(found, "as_of")]
        rule = parse_rule(found["delinquency"]) if "delinquency" in found else None
        states = [written_state(replayed.state(as_of)) for as_of in dates]
        if rule is not None:
            found_classes = [written_class(classed(replayed.account(as_of), rule)) for as_of in dates]
            states = [{**state, **one} for state, one in zip(states, found_classes, strict=True)]
    except LoanRefused as refused:
        return {**identity, "refused": refused.reason.value, "error": str(refused)}
    return {
        **identity,
        "schedule": written_schedule(replayed.schedule),
        "allocations": [_without(allocation._asdict(), ["claim_minor"]) for allocation in replayed.allocations],
        "states": states,
    }


def quote_case(case: Mapping[str, object]) -> Result:
    """Quote the terms of `{"terms", "on"}`, its yearly rate by the rule of the EU or an "apr_rule" that is given too.

    Raises BadFile for the date and the rule, LoanRefused for the terms.
    """
    terms = parse_terms(case.get("terms"))
    try:
        on = date_of({"on": None, **case}, "on")
        rule = choice_of({"apr_rule": AprRule.EU.value, **case}, "apr_rule", AprRule)
    except Unfit as error:
        raise BadFile(str(error)) from error
    quoted = quote(terms, on=on, rule=rule)
    return {
        "schedule": written_schedule(quoted.schedule),
        "total_interest_minor": quoted.total_interest_minor,
        **_without({"total_fees_minor": quoted.total_fees_minor}, ["total_fees_minor"]),
        "total_cost_minor": quoted.total_cost_minor,
        "apr": quoted.apr,
    }


def written_schedule(schedule: Sequence[Instalment]) -> list[Result]:
    """Write a schedule as JSON scalars."""
    rows = ({**row._asdict(), "due": row.due.isoformat(), "total_minor": row.total_minor} for row in schedule)
    return [_without(row, ["fee_minor"]) for row in rows]


def written_state(state: LoanState) -> Result:
    """Convert a state to JSON scalars."""
    rare = (*SERVICING_FIELDS, *AHEAD_FIELDS)
    found = {name: getattr(state, name) for name in (*STATE_FIELDS, *rare)}
    return {"as_of": state.as_of.isoformat(), **_without(found, rare)}  # few loans have any of these


def written_class(delinquency: Delinquency) -> Result:
    """Convert how a loan is classed to JSON scalars."""
    return {
        "delinquent_since": delinquency.since and delinquency.since.isoformat(),
        "delinquent_days": delinquency.days,
        "bucket": delinquency.bucket,
        "overdue_minor": delinquency.overdue_minor,
        "overdue_by_bucket_minor": dict(delinquency.by_bucket),
    }


def _without(figures: Mapping[str, object], rare: Sequence[str]) -> Result:
    """Leave out those of the rare figures that are 0."""
    return {name: figure for name, figure in figures.items() if figure or name not in rare}


def _list_of(case: Mapping[str, object], name: str) -> list[object]:
    value = case.get(name)
    if not isinstance(value, list):
        raise LoanRefused(LoanRefusal.BAD_EVENT, f"{name}: {shown(value)} is not a list")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        found[key] = Doubled() if key in found else value
    return found


def _integer(digits: str) -> int | str:
    """Parse a whole number; one so long that Python would refuse the whole file stays text, which fits no field."""
    return int(digits) if len(digits) <= MOST_DIGITS else digits
