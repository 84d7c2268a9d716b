"""Instalments that are kept, charges due later, and payments that go by instalment: slow, and apart from the engine."""

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.lending.schedule_model import days, shared

if TYPE_CHECKING:
    from tests.lending.model import Loan

PARTS = ("PENALTY", "FEE", "INTEREST", "PRINCIPAL")


def keep(loan: "Loan", d: date, totals: list[int] | None = None) -> None:
    """Keep the totals of the rows due after a day; what was paid of them before stays paid."""
    if loan.terms.get("recalculation") != "KEEP_INSTALMENT":
        return
    ahead = [row for row in loan.rows if row[0] > d]
    said = totals or [p + s for _, p, s in ahead]
    loan.kept = {
        due: [total, *loan.kept.get(due, [0, 0, 0])[1:]] for (due, _, _), total in zip(ahead, said, strict=True)
    }


def fallen(loan: "Loan", d: date) -> int:
    """The interest that has fallen due with rows up to a day."""
    return max([0, *(interest for due, interest in loan.fell.items() if due <= d)])


def room(loan: "Loan", due: date) -> int:
    total, principal, interest = loan.kept[due]
    return max(0, total - principal - interest)


def split(loan: "Loan", due: date, interest: int, balance: int) -> tuple[int, int]:
    last = loan.rows[-1][0]
    s = interest if due == last else min(interest, room(loan, due))
    absorbs = not any(room(loan, other) for other in loan.kept if other > due)
    return s, balance if absorbs else min(room(loan, due) - s, balance)


def show(loan: "Loan", i: int, p: int, s: int) -> None:
    due = loan.rows[i][0]
    _, principal, interest = loan.kept[due]
    loan.rows[i] = (due, principal + p, interest + s)
    loan.left[i] = p


def fall_due(loan: "Loan", d: date) -> None:
    """Let the row of a day fall due, and say what those after it will be."""
    if not loan.kept:
        return
    for i, (due, _, _) in enumerate(loan.rows):
        if due == d:
            known = max(fallen(loan, d), loan.interest_paid)
            s, p = split(loan, due, loan.interest_to(d) - known, sum(loan.left[i:]))
            rest = sum(loan.left[i:]) - p
            show(loan, i, p, s)
            loan.fell[due] = known + s
            if i + 1 < len(loan.rows):
                loan.left[i + 1 :] = [0] * (len(loan.rows) - i - 2) + [rest]
    project(loan, d)


def project(loan: "Loan", d: date) -> None:
    """What the rows after a day will be if all that is due by then is paid on it."""
    if not loan.kept:
        return
    ahead = [i for i, row in enumerate(loan.rows) if row[0] > d]
    balance = sum(loan.left[i] for i in ahead)
    known, x, settled, start = max(fallen(loan, d), loan.interest_paid), loan.x[d], loan.settled[d], d
    for i in ahead:
        due = loan.rows[i][0]
        x += balance * loan.rate * sum((loan.dcf(t) for t in days(start, due)), Fraction(0))
        to_date = settled + round(x - settled)
        if loan.terms.get("accrual") == "PER_PERIOD":
            x, settled = Fraction(to_date), to_date
        s, p = split(loan, due, to_date - known, balance)
        show(loan, i, p, s)
        known, balance, start = known + s, balance - p, due


def pay_ahead(loan: "Loan", principal: int, interest: int, future: list[int], rule: str) -> None:
    """Pay rows in advance, each in whole before the next; what is beyond all of them is of the one paid last."""
    if not future or not (principal or interest):
        return
    rest = sum(loan.left[i] for i in future) - principal
    for i in future:
        loan.left[i] = 0
    loan.left[future[-1]] = rest
    order = [loan.rows[i][0] for i in (reversed(future) if rule == "LAST" else future)]
    if rule == "PRO_RATA":
        loan.kept[order[0]][2] += interest
        sizes = [room(loan, due) for due in order]
        if sum(sizes):
            for due, part in zip(order, shared(principal, sizes), strict=True):
                loan.kept[due][1] += part
        else:
            loan.kept[order[-1]][1] += principal
        return
    for due in order:
        part = min(interest, room(loan, due))
        loan.kept[due][2] += part
        interest -= part
        part = min(principal, room(loan, due))
        loan.kept[due][1] += part
        principal -= part
    loan.kept[order[-1]][2] += interest
    loan.kept[order[-1]][1] += principal


def pay_charges(loan: "Loan", amount: int, rule: str) -> None:
    """Pay charges before they are due, the next first, or by LAST the last."""
    loan.charged += amount
    for fee in reversed(loan.charged_ahead) if rule == "LAST" else loan.charged_ahead:
        part = min(amount, fee[1])
        fee[1] -= part
        amount -= part
    loan.charged_ahead = [fee for fee in loan.charged_ahead if fee[1]]


def by_instalment(loan: "Loan", there: dict[str, int], d: date, rule: str) -> list[dict[str, int]]:
    """What is open by instalment: of the oldest that is past due first, of those in advance by the rule."""
    walks: list[dict[str, int]] = []
    before, known = date.min, loan.interest_paid
    interest_left = there["PAST_DUE_INTEREST"]
    for i, (due, _, _) in enumerate(loan.rows):
        if due < d:
            fell = (
                max(known, loan.interest_at(due)) if due in loan.ends else known
            )  # none with a tranche's down payment
            fee = sum(left for on, left in loan.fees if before < on <= due and on < d)
            parts = (there["PAST_DUE_PENALTY"] if not walks else 0, fee, min(interest_left, fell - known), loan.left[i])
            interest_left -= parts[2]
            walks.append({f"PAST_DUE_{part}": one for part, one in zip(PARTS, parts, strict=True)})
            before, known = due, fell
    penalty = 0 if walks else there["PAST_DUE_PENALTY"]
    walks.append({"PAST_DUE_PENALTY": penalty, "PAST_DUE_INTEREST": interest_left})
    walks += [{"PAST_DUE_FEE": left} for on, left in sorted(loan.fees, key=first) if before < on < d]
    walks.append({f"DUE_{part}": there[f"DUE_{part}"] for part in PARTS})
    ahead: list[dict[str, int]] = []
    interest_left, before = there["IN_ADVANCE_INTEREST"], d
    reached = max(loan.interest_paid, loan.interest_paid + there["PAST_DUE_INTEREST"] + there["DUE_INTEREST"])
    so_far = sum(s for due, _, s in loan.rows if loan.opened < due <= d)
    for i, (due, _, s) in enumerate(loan.rows):
        if due > d:
            so_far += s
            interest = min(interest_left, max(0, so_far - reached)) if loan.is_scheduled else interest_left
            reached += interest
            interest_left -= interest
            fee = sum(left for on, left in loan.charged_ahead if before < on <= due)
            parts = (0, fee, interest, loan.left[i])
            ahead.append({f"IN_ADVANCE_{part}": one for part, one in zip(PARTS, parts, strict=True)})
            before = due
    fee = sum(left for on, left in loan.charged_ahead if on > before)
    ahead.append({"IN_ADVANCE_FEE": fee, "IN_ADVANCE_INTEREST": interest_left})
    if rule == "PRO_RATA":
        return [*walks, {f"IN_ADVANCE_{part}": there[f"IN_ADVANCE_{part}"] for part in PARTS}]
    return [*walks, *(reversed(ahead) if rule == "LAST" else ahead)]


def first(fee: list[Any]) -> Any:  # noqa: ANN401 - a date
    return fee[0]
