"""What servicing does to a loan, as docs/algorithms/servicing.md says it: slow, and apart from the engine."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.lending.recalculation_model import keep, project
from tests.lending.schedule_model import DAY, Refused, adjusted, days, down_payment, due_dates, redrawn, refuse_if

if TYPE_CHECKING:
    from tests.lending.model import Loan

Case = dict[str, Any]
REDRAWS = ("pause", "extend", "re_amortise", "re_age")
EVERYTHING = 10**30
PARTS = ("principal", "interest", "penalty", "fees")
AGREED = ("instalment_minor", "principal_grace", "interest_grace", "interest_free", "last_due")


def off_of(state: dict[str, int]) -> int:
    return sum(state.get(f"{part}_written_off_minor", 0) for part in PARTS)


def claim_of(state: dict[str, int]) -> int:
    return off_of(state) - state.get("waived_minor", 0) - state.get("recovered_minor", 0)


def apply(loan: "Loan", event: Case, d: date) -> None:
    kind = event["type"]
    if kind in REDRAWS:
        redraw(loan, event, d)
    if kind.startswith("waive_"):
        part = {"waive_interest": "interest", "waive_penalty": "penalty", "waive_fee": "fees"}[kind]
        loan.waived += let_go(loan, part, event["amount_minor"], d)
        project(loan, d)
    if kind == "settlement":
        loan.waived += let_go_all(loan, d)
        loan.waived += loan.claim
    if kind == "write_off":
        late = loan.days_past_due(d)
        if let_go_all(loan, d):
            loan.written_off_since = d - late * DAY


def let_go_all(loan: "Loan", d: date) -> int:
    loan.kept = {}
    for _, left in loan.charged_ahead:
        loan.charge(left, d)
    loan.charged_ahead = []
    return sum(let_go(loan, part, EVERYTHING, d) for part in loan.off)


def let_go(loan: "Loan", part: str, most: int, d: date) -> int:
    """Take what is open of a part off the loan, the oldest first, at most an amount."""
    if part == "principal":
        gone = sum(loan.left) + loan.receivable
        loan.left, loan.receivable = [0] * len(loan.left), 0
    elif part == "interest":
        owed = loan.interest_owed(d) if most == EVERYTHING else loan.interest_to(d)
        gone = min(most, max(0, owed - loan.interest_paid))
        loan.interest_paid += gone
    elif part == "penalty":
        gone = min(most, round(loan.penalty) - loan.penalty_paid)
        loan.penalty_paid += gone
    else:
        gone = min(most, sum(left for _, left in loan.fees))
        loan.pay_fees(gone, sorted(loan.fees, key=lambda fee: fee[0]))
    loan.off[part] += gone
    return gone


def redraw(loan: "Loan", event: Case, d: date) -> None:
    terms, kind, n = loan.terms, event["type"], event["periods"]
    agreed = any(terms.get(name) for name in AGREED) or terms.get("interest") == "FLAT"
    agreed = agreed or terms.get("broken_period") == "SPREAD" or terms.get("recalculation") == "KEEP_INSTALMENT"
    agreed = agreed or terms.get("interest_charged") == "AS_SCHEDULED"
    agreed = agreed or terms["day_count"] in ("MONTHS/12", "30/360")
    refuse_if(agreed or (kind == "re_amortise" and terms["method"] == "BULLET"), "BAD_EVENT")
    ahead = [i for i, row in enumerate(loan.rows) if row[0] > d]
    folded = sum(loan.left) if kind == "re_age" else sum(loan.left[i] for i in ahead)
    interest_due = loan.interest_due(d) > 0
    if not sum(loan.left[i] for i in ahead) and not (kind == "re_age" and (folded or interest_due)):
        return
    dues = new_due_dates(loan, kind, n, d, [loan.rows[i][0] for i in ahead])
    f = [loan.rate * sum((loan.dcf(t) for t in days(a, b)), Fraction(0)) for a, b in pairwise([d, *dues])]
    earned = earned_ahead(loan, d, sum(loan.left[i] for i in ahead))
    if kind == "re_age":
        earned = loan.x[d] - loan.interest_paid
        kept, before = len(loan.rows) - len(ahead), 0
        fell, fallen = dict[date, int](), 0
        for due, _, _ in loan.rows[:kept]:
            if due in loan.ends:  # no interest falls due with the down payment of a tranche
                fallen = loan.aged.get(due, loan.interest_at(due))
            fell[due] = fallen
        for i in range(kept):
            due, principal, interest = loan.rows[i]
            loan.rows[i] = (due, principal - loan.left[i], max(0, min(interest, loan.interest_paid - before)))
            loan.left[i] = 0
            before = fell[due]
        loan.aged = {due: min(interest, loan.interest_paid) for due, interest in fell.items()}
        loan.re_aged = d
    rows = redrawn(terms, folded, dues, f, earned)
    if kind == "pause":
        rows = paused([loan.left[i] for i in ahead], dues, f, earned, terms)
    while terms["method"] == "MINIMUM_PAYMENT" and kind != "pause" and len(rows) > 1 and not rows[-1][1]:
        rows.pop()
    dues = [row[0] for row in rows]
    kept = len(loan.rows) - len(ahead)
    loan.rows[kept:] = rows
    loan.left[kept:] = [row[1] for row in rows]
    loan.ends = [end for end in loan.ends if end <= d] + dues
    loan.agree_fees(d, has_first=not [row for row in loan.rows[:kept] if row[0] > loan.opened])


def paused(left: list[int], dues: list[date], f: list[Fraction], earned: Fraction, terms: Case) -> list[Any]:
    """What is left of each row stays; its interest is that of the longer first period."""
    rows, balance, c = [], sum(left), earned
    for i in range(len(dues)):
        before = 0 if i == 0 else round(c)
        own = balance * f[i] + (earned if i == 0 else 0)
        c += balance * f[i]
        rows.append((dues[i], left[i], round(own) if terms.get("accrual") == "PER_PERIOD" else round(c) - before))
        balance -= left[i]
    return rows


def new_due_dates(loan: "Loan", kind: str, n: int, d: date, ahead: list[date]) -> list[date]:
    bullet = loan.terms["method"] == "BULLET"
    start = ahead[0] if ahead and not (bullet and kind == "re_age") else d + DAY
    needed = n if kind in ("re_amortise", "re_age") else n + len(ahead)
    counted = due_dates_from(loan, start, needed)
    if kind == "pause":
        return counted[n : n + len(ahead)]
    if kind == "extend":
        return [counted[n]] if bullet else counted[: n + len(ahead)]
    return [counted[n - 1]] if bullet else counted[:n]


def due_dates_from(loan: "Loan", start: date, needed: int) -> list[date]:
    """So many due dates of the terms from a date on, counted on one by one."""
    periods, found = 0, list[date]()
    while len(found) < needed:
        periods += 1
        counted = due_dates({**loan.terms, "periods": periods, "calendar": None}, loan.opened)[-1]
        try:
            due = adjusted(counted, loan.terms)
        except Refused:
            due = None
        refuse_if(due is None, "BAD_EVENT")
        found += [due] if due and due >= start else []
    refuse_if(found != sorted(set(found)), "BAD_EVENT")
    return found


def tranche(loan: "Loan", amount: int, d: date) -> None:
    """Draw what falls due after a day again, in all; what was prepaid of it stays paid."""
    refuse_if(1 + len(loan.further) == loan.agreed.get("tranches", 1), "ALREADY_DISBURSED")
    refuse_if(loan.lent + amount > loan.agreed["principal_minor"], "AMOUNT_NOT_PRINCIPAL")
    future = [i for i, row in enumerate(loan.rows) if row[0] > d]
    refuse_if(not future, "ALREADY_DISBURSED")
    down = down_payment(loan.terms, amount)
    dues = [loan.rows[i][0] for i in future]
    f = [loan.rate * sum((loan.dcf(t) for t in days(a, b)), Fraction(0)) for a, b in pairwise([d, *dues])]
    ahead = sum(loan.left[i] for i in future) + amount - down
    before = [due for due, _, _ in loan.rows if due <= d]
    prepaid = [0 if loan.off["principal"] else loan.rows[i][1] - loan.left[i] for i in future]
    earned = earned_ahead(loan, d, sum(loan.left[i] for i in future))
    whole = earned_ahead(loan, d, sum(loan.left[i] for i in future) + sum(prepaid))
    rows = redrawn(loan.terms, ahead + sum(prepaid), dues, f, whole)
    totals = [p + s for _, p, s in rows]
    left = [row[1] - paid for row, paid in zip(rows, prepaid, strict=True)]
    if any(prepaid):
        beyond = -sum(min(0, part) for part in left)
        for i, part in enumerate(left):
            taken = min(beyond, max(0, part))
            left[i], beyond = max(0, part) - taken, beyond - taken
        rows = [
            (due, part + paid, s)
            for (due, part, s), paid in zip(paused(left, dues, f, earned, loan.terms), prepaid, strict=True)
        ]
    if "down_payment" in loan.terms:
        rows.insert(0, (d, down, 0))
        left.insert(0, down)
    loan.rows[len(before) :] = rows
    loan.left[len(before) :] = left
    loan.lent += amount
    loan.further.append((d, amount - down))
    if loan.kept:
        keep(loan, d, totals)
        project(loan, d)


def earned_ahead(loan: "Loan", d: date, ahead: int) -> Fraction:
    """What the running period earned so far on what falls due after the day."""
    begun = max([loan.opened, *(end for end in loan.ends if end <= d)])
    recent = [(day, rest) for day, rest in loan.further if day > begun]
    lent = [(begun, max(0, ahead - sum(rest for _, rest in recent))), *recent]
    years = [sum((loan.dcf(t) for t in days(day, d)), Fraction(0)) for day, _ in lent]
    return loan.rate * sum((rest * year for (_, rest), year in zip(lent, years, strict=True)), Fraction(0))


def state(loan: "Loan") -> Case:
    """What few loans have; what is 0 is not told."""
    found = {
        "receivable_minor": loan.receivable,
        **{f"{part}_written_off_minor": gone for part, gone in loan.off.items()},
        "waived_minor": loan.waived,
        "recovered_minor": loan.recovered,
    }
    return {name: figure for name, figure in found.items() if figure}
