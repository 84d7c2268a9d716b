"""Cases for the engine and the model: terms and events that meet at the awkward places."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from lending.domain.contract.events import parse_event
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.terms import Step, parse_terms

Case = dict[str, Any]
OPENINGS = [
    *(date(2023, 1, 29), date(2023, 1, 31), date(2023, 12, 31)),
    *(date(2024, 1, 30), date(2024, 2, 28), date(2024, 2, 29), date(2024, 8, 31)),
]
PERIODS = [
    *(("DAY", 1), ("DAY", 2), ("DAY", 10), ("DAY", 30), ("WEEK", 1), ("WEEK", 2)),
    *(("MONTH", 1), ("MONTH", 1), ("MONTH", 2), ("MONTH", 3)),
]
RATES = ["0", "0.0001", "0.05", "0.0365", "0.1095", "0.36", "0.3333", "2.5", "0.123456789012", "36.5"]
PRINCIPALS = st.integers(1, 40) | st.integers(100, 10**5) | st.integers(10**5, 10**8) | st.integers(10**14, 10**15)
MONEY = {"repayment", "charge", "apply_credit", "refund_credit"}


def iso(on: date) -> str:
    return on.isoformat()


@st.composite
def terms_of_loans(draw: st.DrawFn, opened: date) -> Case:
    unit, every = draw(st.sampled_from(PERIODS))
    first_due = draw(st.none() | st.integers(1, 70))
    terms: Case = {
        "principal_minor": draw(PRINCIPALS),
        "currency": "CNY",
        "rate": draw(st.sampled_from(RATES)),
        "day_count": draw(st.sampled_from(["ACT/365F", "ACT/360", "ACT/ACT", "30E/360"])),
        "method": draw(st.sampled_from(["EQUAL_INSTALMENTS", "EQUAL_PRINCIPAL", "INTEREST_ONLY", "BULLET"])),
        "periods": draw(st.integers(1, 8)),
        "every": every,
        "unit": unit,
        "first_due": first_due and iso(opened + timedelta(first_due)),
        "grace_days": draw(st.sampled_from([0, 0, 1, 3, 10])),
        "tolerance_minor": draw(st.sampled_from([0, 0, 1, 100, 500])),
        "penalty_multiple_extra": draw(st.sampled_from(["0", "0.5", "1", "0.333"])),
        "prepayment": draw(st.sampled_from(["NEXT", "LAST", "PRO_RATA"])),
    }
    if draw(st.integers(0, 2)) == 0:
        terms["waterfall"] = draw(st.permutations([step.value for step in Step]))
    return terms


def replayed(terms: Case, events: list[Case]) -> Replayed | None:
    try:
        return replay(parse_terms(terms), map(parse_event, events))
    except LoanRefused:
        return None


def days_of_interest(loan: Replayed | None, opened: date, grace: int) -> st.SearchStrategy[date]:
    """Due dates, ends of grace, the days about them, and any other until some weeks after the last."""
    dues = [row.due for row in loan.schedule] if loan and loan.schedule else [opened + timedelta(30)]
    near = [due + timedelta(off) for due in dues for off in (-1, 0, 1, grace, grace + 1)]
    anywhere = st.integers(0, (dues[-1] - opened).days + 40).map(lambda days: opened + timedelta(days))
    return st.sampled_from(near) | anywhere


def amounts(loan: Replayed | None, on: date, kind: str) -> st.SearchStrategy[int]:
    """What is due, what pays off, an instalment, the credit; a unit more or less; anything."""
    telling = [1]
    if loan and loan.schedule:
        state = loan.state(on)
        telling = [state.credit_minor] * 3 if kind.endswith("credit") else [state.due_minor, state.payoff_minor]
        telling += [state.next_due_minor, loan.schedule[0].total_minor]
    most = max(telling)
    exact = st.sampled_from(telling).flatmap(lambda amount: st.sampled_from([amount, amount, amount + 1, amount - 1]))
    return (exact | st.integers(1, max(1, 2 * most))).map(lambda amount: min(max(amount, 1), 10**15))


@st.composite
def events_of_loans(draw: st.DrawFn, terms: Case, opened: date) -> list[Case]:
    events: list[Case] = [
        {"id": "e1", "on": iso(opened), "type": "disbursement", "amount_minor": terms["principal_minor"]}
    ]
    kinds = ["repayment"] * 5 + ["charge", "rate_change", "reversal", "apply_credit", "refund_credit", "again"]
    in_order = draw(st.booleans())
    for number in range(2, 2 + draw(st.integers(0, 9))):
        loan, kind = replayed(terms, events), draw(st.sampled_from(kinds))
        on = draw(days_of_interest(loan, opened, terms["grace_days"]))
        if in_order:
            on = max(on, date.fromisoformat(events[-1]["on"]))
        if kind.endswith("credit") and not (loan and loan.state(on).credit_minor) and draw(st.integers(0, 9)):
            kind = "repayment"  # mostly there is no credit: so few cases are refused for its lack
        event: Case = {"id": f"e{number}", "on": iso(on), "type": kind}
        if kind in MONEY:
            event["amount_minor"] = draw(amounts(loan, on, kind))
        elif kind == "rate_change":
            event["rate"] = draw(st.sampled_from(RATES))
        elif kind == "reversal":
            event["of"] = draw(st.sampled_from(events))["id"]
        else:  # the payout came back, and goes out anew
            standing = [other["id"] for other in events if other["type"] == "disbursement"][-1]
            events.append({"id": f"{event['id']}r", "on": iso(on), "type": "reversal", "of": standing})
            event |= {"type": "disbursement", "amount_minor": terms["principal_minor"]}
            event["on"] = iso(draw(st.sampled_from([opened, opened + timedelta(draw(st.integers(0, 40)))])))
        events.append(event)
    return events


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case of the golden file's shape; about one in three is refused for what its events mean."""
    opened = draw(st.sampled_from(OPENINGS) | st.integers(0, 900).map(lambda days: date(2023, 1, 1) + timedelta(days)))
    terms = draw(terms_of_loans(opened))
    events = draw(events_of_loans(terms, opened))
    loan = replayed(terms, events)
    dates = draw(st.lists(days_of_interest(loan, opened, terms["grace_days"]), max_size=8))
    return {"id": "drawn", "terms": terms, "events": events, "as_of": [iso(opened), *map(iso, dates)]}
