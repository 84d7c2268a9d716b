"""Cases for the engine and the model: terms and events that meet at the awkward places."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from lending.domain.contract.events import parse_event
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.replay import Replayed, replay
from lending.domain.contract.terms import Step, parse_terms

Case = dict[str, Any]
T = TypeVar("T")
OPENINGS = [
    *(date(2023, 1, 29), date(2023, 1, 31), date(2023, 12, 31)),
    *(date(2024, 1, 30), date(2024, 2, 28), date(2024, 2, 29), date(2024, 8, 31)),
]
# Each strategy is made once: one that is made for a draw is looked through anew, which takes longer than the draw.
PERIODS = st.sampled_from(
    [
        *(("DAY", 1), ("DAY", 2), ("DAY", 10), ("DAY", 30), ("WEEK", 1), ("WEEK", 2)),
        *(("MONTH", 1), ("MONTH", 1), ("MONTH", 2), ("MONTH", 3)),
    ]
)
RATES = st.sampled_from(["0", "0.0001", "0.05", "0.0365", "0.1095", "0.36", "0.3333", "2.5", "0.123456789012", "36.5"])
FIRST_DUE = st.none() | st.integers(1, 70)
DAY_COUNTS = st.sampled_from(["ACT/365F", "ACT/360", "ACT/ACT", "30E/360", "ACT/ACT END"])
METHODS = st.sampled_from(["EQUAL_INSTALMENTS", "EQUAL_PRINCIPAL", "INTEREST_ONLY", "BULLET"])
GRACE_DAYS = st.sampled_from([0, 0, 1, 3, 10])
TOLERANCES = st.sampled_from([0, 0, 1, 100, 500])
PENALTIES = st.sampled_from(["0", "0.5", "1", "0.333"])
PREPAYMENTS = st.sampled_from(["NEXT", "LAST", "PRO_RATA"])
WATERFALLS = st.permutations([step.value for step in Step])
REMAINDERS = st.sampled_from(["SPREAD", "LAST"])
DOWN_PAYMENTS = st.sampled_from(["0.1", "0.25", "0.3333", "0.999"])
INSTALMENTS = st.sampled_from(["solved", "multiple", "up", "agreed"])
MULTIPLES = st.sampled_from([2, 10, 100, 10_000])
MONTH_ENDS = st.sampled_from(["LAST_DAY", "NEXT_DAY", "STAY_LAST"])
BUSINESS_DAYS = st.sampled_from(["FOLLOWING", "MODIFIED_FOLLOWING", "PRECEDING"])
WEEKENDS = st.sampled_from([[6, 7], [7], [5, 6], []])
HOLIDAYS = st.frozensets(st.integers(0, 400), max_size=20)
WORKING = st.frozensets(st.integers(0, 400), max_size=5)
PRINCIPALS = st.integers(1, 40) | st.integers(100, 10**5) | st.integers(10**5, 10**8) | st.integers(10**14, 10**15)
LIKELY = st.sampled_from([True, True, False])
SHARES = st.sampled_from(["0.05", "0.2", "0.333333"])
CHARGING = {"recalculation", "interest_charged", "matured_interest", "direction", "penalty_on", "counted_from"}
MONEY = {"repayment", "charge", "apply_credit", "refund_credit", "settlement"}
PLAIN = ["repayment"] * 5 + ["charge", "rate_change", "reversal", "apply_credit", "refund_credit", "again"]
SERVICING = [
    *("repayment", "repayment", "repayment", "refund_credit", "bounce", "reversal", "charge", "rate_change"),
    *("pause", "extend", "re_amortise", "re_age", "settlement", "write_off"),
    *("waive_interest", "waive_penalty", "waive_fee"),
]


def iso(on: date) -> str:
    return on.isoformat()


@st.composite
def terms_of_loans(draw: st.DrawFn, opened: date) -> Case:
    unit, every = draw(PERIODS)
    first_due = draw(FIRST_DUE)
    terms: Case = {
        "principal_minor": draw(PRINCIPALS),
        "currency": "CNY",
        "rate": draw(RATES),
        "day_count": draw(DAY_COUNTS),
        "method": draw(METHODS),
        "periods": draw(st.integers(1, 8)),
        "every": every,
        "unit": unit,
        "first_due": first_due and iso(opened + timedelta(first_due)),
        "grace_days": draw(GRACE_DAYS),
        "tolerance_minor": draw(TOLERANCES),
        "penalty_multiple_extra": draw(PENALTIES),
        "prepayment": draw(PREPAYMENTS),
    }
    if draw(st.integers(0, 2)) == 0:
        terms["waterfall"] = draw(WATERFALLS)
    return terms


FEES = st.lists(
    st.fixed_dictionaries(
        {"due": st.sampled_from(["DISBURSEMENT", "FIRST_DUE", "EVERY_DUE"])},
        optional={"share": st.sampled_from(["0.02", "0.0125", "0.333333"]), "amount_minor": st.integers(1, 10_000)},
    ).filter(lambda fee: len(fee) > 1),
    max_size=3,
)


@st.composite
def terms_with_fees(draw: st.DrawFn, opened: date) -> Case:
    """Draw terms of a loan that nights accrue, with fees and further terms of due dates."""
    terms = draw(terms_of_loans(opened))
    if terms["method"] in {"EQUAL_INSTALMENTS", "EQUAL_PRINCIPAL"} and draw(st.booleans()):
        terms["principal_grace"] = draw(st.integers(0, terms["periods"] - 1))
    return {**terms, **draw(of_dates(terms, opened)), "fees": draw(FEES), **spreading(draw, terms)}


@st.composite
def special_terms(draw: st.DrawFn, opened: date) -> Case:
    """Draw terms with some of those that a plain loan leaves out."""
    terms = draw(terms_of_loans(opened))
    if draw(st.integers(0, 4)) == 0:
        terms |= draw(MINIMUM_PAYMENTS)
    terms |= draw(of_interest(terms))
    terms |= draw(of_instalments(terms))
    if draw(st.integers(0, 2)) == 0:
        terms["fees"] = draw(FEES)
    return {**terms, **draw(of_dates(terms, opened)), **spreading(draw, terms)}


def spreading(draw: st.DrawFn, terms: Case) -> Case:
    """Draw whether the interest of a broken first period is spread, for terms with which it may be."""
    by_day = terms["day_count"] not in {"MONTHS/12", "30/360"} and terms.get("interest") != "FLAT"
    agreed = any(terms.get(name) for name in ("interest_grace", "interest_free", "instalment_minor", "minimum_minor"))
    return {"broken_period": "SPREAD"} if by_day and not agreed and draw(st.booleans()) else {}


MINIMUM_PAYMENTS = st.fixed_dictionaries(
    {
        "method": st.just("MINIMUM_PAYMENT"),
        "minimum_share": st.sampled_from(["0", "0.05", "0.1", "0.3333", "1"]),
        "minimum_minor": st.integers(1, 40) | st.integers(1, 10**6),
    }
)


@st.composite
def tranche_terms(draw: st.DrawFn, opened: date) -> Case:
    """Draw terms of a loan that may be disbursed more than once."""
    alone = {
        "interest",
        "instalment_minor",
        "principal_grace",
        "interest_grace",
        "interest_free",
        "last_due",
        "calendar",
        "fees",
        "broken_period",
        "minimum_share",
        "minimum_minor",
    }
    terms = {name: value for name, value in draw(special_terms(opened)).items() if name not in alone}
    terms.pop("business_days", None)
    if terms["method"] == "MINIMUM_PAYMENT":
        terms["method"] = "EQUAL_PRINCIPAL"
    return {**terms, "tranches": draw(st.integers(2, 9)), "periods": draw(st.integers(2, 8))}


@st.composite
def charging_terms(draw: st.DrawFn, opened: date) -> Case:
    """Draw terms of what is charged, kept and paid first, on top of special ones or of tranches."""
    terms = draw(special_terms(opened) | tranche_terms(opened))
    is_declining = terms.get("interest") != "FLAT" and not terms.get("interest_free")
    graces = terms.get("principal_grace") or terms.get("interest_grace")
    is_spread = "broken_period" in terms
    if terms["method"] == "EQUAL_INSTALMENTS" and is_declining and not graces and not is_spread and draw(LIKELY):
        terms["recalculation"] = "KEEP_INSTALMENT"
    elif terms.get("tranches", 1) == 1 and not is_spread and draw(LIKELY):
        terms["interest_charged"] = "AS_SCHEDULED"
    if "interest_charged" not in terms and draw(st.booleans()):
        terms["matured_interest"] = "STOPS"
    if draw(LIKELY):
        terms["direction"] = "HORIZONTAL"
        order = [step.value for step in Step]
        if "waterfall" in terms:
            terms["waterfall"].sort(key=lambda step: order.index(step) // 4)
    if draw(st.booleans()):
        terms["penalty_on"] = "INSTALMENT"
    if terms["first_due"] is None and draw(st.booleans()):
        terms["counted_from"] = iso(opened - timedelta(draw(st.integers(0, 20))))
    if "fees" in terms and draw(st.booleans()):
        terms["fees"] = [*terms["fees"], {"due": "EVERY_DUE", "share": draw(SHARES), "base": "INTEREST"}]
    return terms


@st.composite
def of_interest(draw: st.DrawFn, terms: Case) -> Case:
    found: Case = {}
    if draw(st.booleans()):
        found["accrual"] = "PER_PERIOD"
        found["day_count"] = [terms["day_count"], "MONTHS/12", "30/360"][draw(st.integers(0, 2))]
    if terms["method"] != "MINIMUM_PAYMENT" and draw(st.integers(0, 3)) == 0:
        found["interest"] = "FLAT"
    if draw(st.integers(0, 3)) == 0:
        found["interest_free"] = draw(st.integers(0, terms["periods"]))
    if terms["method"] in {"EQUAL_INSTALMENTS", "EQUAL_PRINCIPAL", "MINIMUM_PAYMENT"} and draw(st.booleans()):
        found["principal_grace"] = grace = draw(st.integers(0, terms["periods"] - 1))
        found["interest_grace"] = draw(st.integers(0, grace))
    return found


@st.composite
def of_instalments(draw: st.DrawFn, terms: Case) -> Case:
    found: Case = {"remainder": draw(REMAINDERS)}
    if draw(st.integers(0, 3)) == 0:
        found["down_payment"] = draw(DOWN_PAYMENTS)
    kind = draw(INSTALMENTS)
    if terms["method"] != "EQUAL_INSTALMENTS":
        return found
    if kind == "multiple":
        found["instalment_multiple_minor"] = draw(MULTIPLES)
    if kind == "up" or (kind == "multiple" and draw(st.booleans())):
        found["instalment_rounding"] = "UP"
    if kind == "agreed" and terms.get("interest") != "FLAT":
        found["instalment_minor"] = min(draw(st.integers(1, 2 * terms["principal_minor"])), 10**15)
    return found


@st.composite
def of_dates(draw: st.DrawFn, terms: Case, opened: date) -> Case:
    found: Case = {}
    if terms["unit"] == "MONTH":
        found["month_end"] = draw(MONTH_ENDS)
    if draw(st.integers(0, 3)) == 0:
        span = terms["periods"] * terms["every"] * {"DAY": 1, "WEEK": 7, "MONTH": 31}[terms["unit"]]
        found["last_due"] = iso(opened + timedelta(draw(st.integers(1, span + 40))))
    if draw(st.integers(0, 3)) == 0:
        found["business_days"] = draw(BUSINESS_DAYS)
        found["calendar"] = draw(calendars(opened))
    return found


@st.composite
def calendars(draw: st.DrawFn, opened: date) -> Case:
    holidays = draw(HOLIDAYS)
    working = draw(WORKING) - holidays
    last_year = draw(st.integers(opened.year + 1, opened.year + 8))
    names = {"holidays": holidays, "working": working}
    return {
        "name": "drawn",
        "first_year": opened.year,
        "last_year": last_year,
        "weekend": draw(WEEKENDS),
        **{
            name: [iso(date(opened.year, 1, 1) + timedelta(off)) for off in sorted(found)]
            for name, found in names.items()
        },
    }


def replayed(terms: Case, events: list[Case]) -> Replayed | None:
    try:
        return replay(parse_terms(terms), map(parse_event, events))
    except LoanRefused:
        return None


def any_of(draw: st.DrawFn, some: Sequence[T]) -> T:
    """Draw one of a list that is known only now."""
    return some[draw(st.integers(0, len(some) - 1))]


def day_of_interest(draw: st.DrawFn, loan: Replayed | None, opened: date, grace: int) -> date:
    """Draw a due date, an end of grace, a day about them, or any other until some weeks after the last."""
    dues = [row.due for row in loan.schedule] if loan and loan.schedule else [opened + timedelta(30)]
    if draw(st.booleans()):
        return opened + timedelta(draw(st.integers(0, (dues[-1] - opened).days + 40)))
    return any_of(draw, dues) + timedelta(any_of(draw, (-1, 0, 1, grace, grace + 1)))


def amount_of_interest(draw: st.DrawFn, loan: Replayed | None, on: date, kind: str) -> int:
    """Draw what is due, what pays off, an instalment, the credit; a unit more or less; anything."""
    telling = [1]
    if loan and loan.schedule:
        state = loan.state(on)
        telling = [state.credit_minor] * 3 if kind.endswith("credit") else [state.due_minor, state.payoff_minor]
        telling += [state.next_due_minor, loan.schedule[0].total_minor]
    if draw(st.booleans()):
        amount = draw(st.integers(1, max(1, 2 * max(telling))))
    else:
        amount = any_of(draw, telling) + any_of(draw, (0, 0, 1, -1))
    return min(max(amount, 1), 10**15)


@st.composite
def of_money(draw: st.DrawFn, kind: str, on: date) -> Case:
    """Draw when a charge falls due, or by which rule a repayment goes."""
    if kind == "charge" and draw(LIKELY):
        return {"due": iso(on + timedelta(draw(st.integers(1, 60))))}
    if kind == "repayment" and draw(st.integers(0, 3)) == 0:
        return {"prepayment": draw(PREPAYMENTS)}
    return {}


@st.composite
def events_of_loans(draw: st.DrawFn, terms: Case, opened: date, kinds: Sequence[str] = PLAIN) -> list[Case]:
    tranches = terms.get("tranches", 1) > 1
    lent = draw(st.integers(1, 1 + terms["principal_minor"] // 2)) if tranches else terms["principal_minor"]
    events: list[Case] = [{"id": "e1", "on": iso(opened), "type": "disbursement", "amount_minor": lent}]
    kinds = [*kinds, *["disbursement"] * 8 * tranches]
    in_order = draw(st.booleans())
    for number in range(2, 2 + draw(st.integers(0, 9))):
        loan, kind = replayed(terms, events), any_of(draw, kinds)
        on = day_of_interest(draw, loan, opened, terms["grace_days"])
        if in_order:
            on = max(on, date.fromisoformat(events[-1]["on"]))
        if kind.endswith("credit") and not (loan and loan.state(on).credit_minor) and draw(st.integers(0, 9)):
            kind = "repayment"  # mostly there is no credit: so few cases are refused for its lack
        event: Case = {"id": f"e{number}", "on": iso(on), "type": kind}
        if kind == "disbursement":
            event["amount_minor"] = draw(st.integers(1, max(1, (terms["principal_minor"] - lent) // 2 + 1)))
        elif kind in MONEY or kind.startswith("waive_"):
            event["amount_minor"] = amount_of_interest(draw, loan, on, kind)
            event |= draw(of_money(kind, on)) if CHARGING & terms.keys() else {}
        elif kind == "rate_change":
            event["rate"] = draw(RATES)
        elif kind in {"pause", "extend", "re_amortise", "re_age"}:
            event["periods"] = draw(st.integers(1, 5))
        elif kind == "write_off":
            pass
        elif kind in {"reversal", "bounce"}:
            event["of"] = any_of(draw, events)["id"]
        else:  # the payout came back, and goes out anew
            standing = [other["id"] for other in events if other["type"] == "disbursement"][-1]
            events.append({"id": f"{event['id']}r", "on": iso(on), "type": "reversal", "of": standing})
            event |= {"type": "disbursement", "amount_minor": lent}
            event["on"] = iso(opened + timedelta(draw(st.booleans()) * draw(st.integers(0, 40))))
        events.append(event)
    return events


OPENED = st.sampled_from(OPENINGS) | st.integers(0, 900).map(lambda days: date(2023, 1, 1) + timedelta(days))


@st.composite
def cases(
    draw: st.DrawFn,
    of_terms: Callable[[date], st.SearchStrategy[Case]] = terms_of_loans,
    kinds: Sequence[str] = PLAIN,
) -> Case:
    """Draw a case of the golden file's shape; about one in three is refused for what its events mean."""
    opened = draw(OPENED)
    terms = draw(of_terms(opened))
    events = draw(events_of_loans(terms, opened, kinds))
    loan = replayed(terms, events)
    dates = [day_of_interest(draw, loan, opened, terms["grace_days"]) for _ in range(draw(st.integers(0, 8)))]
    return {"id": "drawn", "terms": terms, "events": events, "as_of": [iso(opened), *map(iso, dates)]}
