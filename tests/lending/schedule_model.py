"""A schedule as the words of docs/algorithms/terms.md say it: in fractions, slow, and apart from the engine.

Terms and calendars are JSON scalars. Of the day counts it knows those that give each day its weight, MONTHS/12 and
30/360.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

DAY = timedelta(days=1)
Case = dict[str, Any]
Row = tuple[date, int, int]


class Refused(Exception):
    pass


def refuse_if(fault: bool, code: str) -> None:  # noqa: FBT001
    if fault:
        raise Refused(code)


def day_fraction(t: date, day_count: str) -> Fraction:
    if day_count == "ACT/365F":
        return Fraction(1, 365)
    if day_count == "ACT/360":
        return Fraction(1, 360)
    if day_count in ("ACT/ACT", "ACT/ACT END"):
        year = (t if day_count == "ACT/ACT" else t + DAY).year
        return Fraction(1, 366 if monthrange(year, 2)[1] == 29 else 365)
    g = [360 * d.year + 30 * d.month + min(d.day, 30) for d in (t, t + DAY)]
    return Fraction(g[1] - g[0], 360)


def days(start: date, end: date) -> Iterator[date]:
    return map(date.fromordinal, range(start.toordinal(), end.toordinal()))


def period_fraction(start: date, end: date, day_count: str) -> Fraction:
    if day_count == "MONTHS/12":
        months = 0
        while periods_after(start, months + 1, "MONTH") <= end:
            months += 1
        return Fraction(months, 12) + Fraction((end - periods_after(start, months, "MONTH")).days, 360)
    if day_count == "30/360":
        first = min(start.day, 30)
        last = 30 if first == 30 and end.day == 31 else end.day
        return Fraction(360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first, 360)
    return sum((day_fraction(t, day_count) for t in days(start, end)), Fraction(0))


def periods_after(start: date, k: int, unit: str, month_end: str = "LAST_DAY") -> date:
    if unit != "MONTH":
        return start + k * (7 if unit == "WEEK" else 1) * DAY
    year, month = start.year, start.month
    for _ in range(k):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    last = date(year, month, monthrange(year, month)[1])
    if month_end == "STAY_LAST" and start.day == monthrange(start.year, start.month)[1]:
        return last
    if start.day <= last.day:
        return last.replace(day=start.day)
    return last + DAY if month_end == "NEXT_DAY" else last


def shared(total: int, sizes: list[int]) -> list[int]:
    """Largest remainder; ties to the earliest."""
    exact = [Fraction(total * size, sum(sizes)) for size in sizes]
    parts = [int(part) for part in exact]
    order = sorted(range(len(sizes)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def is_business_day(day: date, calendar: Case) -> bool:
    refuse_if(not calendar["first_year"] <= day.year <= calendar["last_year"], "BAD_TERMS")
    at_work = day.isoweekday() not in calendar["weekend"] or day.isoformat() in calendar["working"]
    return at_work and day.isoformat() not in calendar["holidays"]


def adjusted(day: date, terms: Case) -> date:
    calendar, rule = terms.get("calendar"), terms.get("business_days", "NONE")
    if calendar is None:
        return day
    moved = day
    while not is_business_day(moved, calendar):
        moved += -DAY if rule == "PRECEDING" else DAY
    if rule == "MODIFIED_FOLLOWING" and moved.month != day.month:
        moved = day
        while not is_business_day(moved, calendar):
            moved -= DAY
    return moved


def counted_from(terms: Case, d0: date) -> date:
    return date.fromisoformat(terms["counted_from"]) if terms.get("counted_from") else d0


def due_dates(terms: Case, d0: date) -> list[date]:
    first = terms["first_due"] and date.fromisoformat(terms["first_due"])
    refuse_if(bool(first) and first <= d0, "BAD_TERMS")
    start = counted_from(terms, d0)
    refuse_if(start > d0, "BAD_TERMS")
    n, every, unit = terms["periods"], terms["every"], terms["unit"]
    rule = terms.get("month_end", "LAST_DAY")
    dues = [
        periods_after(first, (k - 1) * every, unit, rule) if first else periods_after(start, k * every, unit, rule)
        for k in range(1, n + 1)
    ]
    if terms.get("last_due"):
        dues[-1] = date.fromisoformat(terms["last_due"])
    dues = [adjusted(due, terms) for due in dues]
    refuse_if(dues != sorted(set(dues)) or dues[0] <= d0, "BAD_TERMS")
    return dues


def part_of_year(t: date, terms: Case, lengths: list[tuple[date, date, Fraction]]) -> Fraction:
    """The fraction of a year that is day t; of a day count of periods, an equal part of that of the period."""
    last = lengths[-1][1]
    for number, (start, end, length) in enumerate(lengths):
        if start <= t < end and number < terms.get("interest_free", 0):
            return Fraction(0)
        if start <= t < end and terms["day_count"] in ("MONTHS/12", "30/360"):
            return length / (end - start).days
    if terms["day_count"] in ("MONTHS/12", "30/360"):
        return period_fraction(last, t + DAY, terms["day_count"]) - period_fraction(last, t, terms["day_count"])
    return day_fraction(t, terms["day_count"])


def period_fractions(terms: Case, d0: date, dues: list[date]) -> list[Fraction]:
    """The length of each period in years; 0 for one that is free of interest."""
    start = counted_from(terms, d0)
    edges = [start, *dues]
    found = [period_fraction(start, end, terms["day_count"]) for start, end in zip(edges, dues, strict=False)]
    if terms["day_count"] == "MONTHS/12" and terms["unit"] == "MONTH":
        for i in range(len(found)):
            if not (terms["first_due"] and i == 0) and not (terms.get("last_due") and i == len(found) - 1):
                found[i] = Fraction(terms["every"], 12)
    if terms["day_count"] in ("MONTHS/12", "30/360"):
        found[0] *= Fraction((dues[0] - d0).days, (dues[0] - start).days)
    else:
        found[0] = period_fraction(d0, dues[0], terms["day_count"])
    return [Fraction(0) if i < terms.get("interest_free", 0) else part for i, part in enumerate(found)]


def equal(terms: Case, total: int, count: int) -> list[int]:
    if terms.get("remainder", "SPREAD") == "SPREAD":
        return shared(total, [1] * count)
    parts: list[int] = []
    for _ in range(count - 1):
        parts.append(min(round(Fraction(total, count)), total - sum(parts)))
    return [*parts, total - sum(parts)]


def broken(terms: Case, d0: date) -> Fraction:
    """By how much the first period is longer than the others, in years; 0 where its interest is not spread."""
    if terms.get("broken_period") != "SPREAD" or not terms["first_due"]:
        return Fraction(0)
    first = date.fromisoformat(terms["first_due"])
    month_end = terms.get("month_end", "LAST_DAY")
    start = periods_before(first, terms["every"], terms["unit"], month_end)
    return sum((day_fraction(t, terms["day_count"]) for t in days(d0, start)), Fraction(0))


def periods_before(end: date, k: int, unit: str, month_end: str) -> date:
    if unit != "MONTH":
        return end - k * (7 if unit == "WEEK" else 1) * DAY
    number = 12 * end.year + end.month - 1 - k
    return periods_after(end.replace(year=number // 12, month=number % 12 + 1, day=1), 0, unit).replace(
        day=1
    ) + _day_of_month(end, number, month_end)


def _day_of_month(end: date, number: int, month_end: str) -> timedelta:
    """From the first of the month: its day as that of the end, or what the rule makes of one that is not there."""
    last = monthrange(number // 12, number % 12 + 1)[1]
    if month_end == "STAY_LAST" and end.day == monthrange(end.year, end.month)[1]:
        return (last - 1) * DAY
    if end.day <= last:
        return (end.day - 1) * DAY
    return last * DAY if month_end == "NEXT_DAY" else (last - 1) * DAY


def spread(terms: Case, d0: date, count: int) -> list[int]:
    """The parts in which the interest of the days that break the first period falls due."""
    principal = terms["principal_minor"] - down_payment(terms, terms["principal_minor"])
    return equal(terms, round(principal * Fraction(terms["rate"]) * broken(terms, d0)), count)


def draw(terms: Case, d0: date) -> list[Row]:
    dues = due_dates(terms, d0)
    rate = Fraction(terms["rate"])
    f = [rate * part for part in period_fractions(terms, d0, dues)]
    f[0] -= rate * broken(terms, d0)
    if terms["method"] == "BULLET":
        dues, f = dues[-1:], [sum(f, Fraction(0))]
    down = down_payment(terms, terms["principal_minor"])
    principal = terms["principal_minor"] - down
    opens = Fraction(terms.get("down_payment", "0")) or fees_due(terms, "DISBURSEMENT")
    rows = [(d0, down, 0)] if opens else []
    regular = rows_of(terms, principal, dues, f)
    rows += [(due, p, s + part) for (due, p, s), part in zip(regular, spread(terms, d0, len(regular)), strict=True)]
    agreed = terms.get("instalment_minor")
    if agreed is not None:
        refuse_if(sum(rows[-1][1:]) > agreed, "BAD_TERMS")
    if agreed is not None or terms["method"] == "MINIMUM_PAYMENT":
        while rows[-1][1] == 0 and sum(row[1] for row in rows[:-1]) == terms["principal_minor"] and len(rows) > 1:
            rows.pop()
    return rows


def fees_due(terms: Case, when: str, interest: int = 0) -> int:
    """What falls due of the agreed fees at a time, with an instalment of this interest."""
    found = [fee for fee in terms.get("fees", []) if fee["due"] == when]
    bases = [interest if fee.get("base") == "INTEREST" else terms["principal_minor"] for fee in found]
    due: int = sum(round(Fraction(fee.get("share", "0")) * base) for fee, base in zip(found, bases, strict=True))
    return due + sum(int(fee.get("amount_minor", 0)) for fee in found)


def down_payment(terms: Case, amount: int) -> int:
    multiple = terms.get("instalment_multiple_minor", 1)
    down: int = round(Fraction(terms.get("down_payment", "0")) * amount / multiple) * multiple
    refuse_if(down >= amount, "BAD_TERMS")
    return down


def redrawn(terms: Case, principal: int, dues: list[date], f: list[Fraction], earned: Fraction) -> list[Row]:
    """Rows after a further tranche; earned: interest of the period that runs already."""
    n, first = len(dues), earned + principal * f[0]
    discount, annuity = Fraction(1), Fraction(0)
    for f_i in [Fraction(0), *f[1:]]:
        discount /= 1 + f_i
        annuity += discount
    level = rounded_level(terms, (principal + first) / annuity)
    fixed = fixed_principal(terms, principal, n, f)
    rows: list[Row] = []
    balance, c = principal, earned
    for i in range(n):
        own = first if i == 0 else balance * f[i]
        before, c = 0 if i == 0 else round(c), c + balance * f[i]
        s = round(own) if terms.get("accrual") == "PER_PERIOD" else round(c) - before
        p = fixed[i] if fixed else balance if i == n - 1 else min(max(level - s, 0), balance)
        balance -= p
        rows.append((dues[i], p, s))
    return rows


def rows_of(terms: Case, principal: int, dues: list[date], f: list[Fraction]) -> list[Row]:
    n, grace, deferral = len(dues), terms.get("principal_grace", 0), terms.get("interest_grace", 0)
    flat = flat_interest(terms, principal, f)
    fixed = fixed_principal(terms, principal, n, f)
    level = level_instalment(terms, principal, f[grace:], flat[grace:])
    rows: list[Row] = []
    balance, c, waiting = principal, Fraction(0), 0
    for i in range(n):
        before, c = c, c + balance * f[i]
        s = round(c) - round(before)
        if terms.get("accrual") == "PER_PERIOD":
            s = round(balance * f[i])
        if terms.get("interest") == "FLAT":
            s = flat[i]
        p = balance if i == n - 1 else min(max(level - s, 0), balance)
        if i < grace:
            p = 0
        if fixed:
            p = fixed[i]
        balance -= p
        waiting += s
        rows.append((dues[i], p, 0 if i < deferral else waiting))
        if i >= deferral:
            waiting = 0
    return rows


def fixed_principal(terms: Case, principal: int, n: int, f: list[Fraction]) -> list[int] | None:
    grace = terms.get("principal_grace", 0)
    if terms["method"] in ("INTEREST_ONLY", "BULLET"):
        return [0] * (n - 1) + [principal]
    if terms["method"] == "EQUAL_PRINCIPAL":
        return [0] * grace + equal(terms, principal, n - grace)
    if terms["method"] == "MINIMUM_PAYMENT":
        parts: list[int] = []
        while len(parts) < n - grace:
            left = principal - sum(parts)
            least = max(ceil(left * Fraction(terms["minimum_share"])), terms["minimum_minor"])
            parts.append(left if len(parts) == n - grace - 1 else min(left, least))
        return [0] * grace + parts
    plain = "instalment_minor" not in terms and terms.get("instalment_multiple_minor", 1) == 1
    if plain and terms.get("remainder", "SPREAD") == "SPREAD" and not any(f):
        return [0] * grace + shared(principal, [1] * (n - grace))
    return None


def flat_interest(terms: Case, principal: int, f: list[Fraction]) -> list[int]:
    if terms.get("accrual") == "PER_PERIOD":
        return [round(principal * part) for part in f]
    charged = [i for i, part in enumerate(f) if part]
    parts = equal(terms, round(principal * sum(f)), len(charged)) if charged else []
    return [parts[charged.index(i)] if i in charged else 0 for i in range(len(f))]


def level_instalment(terms: Case, principal: int, f: list[Fraction], flat: list[int]) -> int:
    if terms.get("instalment_minor") is not None:
        return int(terms["instalment_minor"])
    discount, annuity = Fraction(1), Fraction(0)
    for f_i in f:
        discount /= 1 + f_i
        annuity += discount
    exact: Fraction = principal / annuity
    if terms.get("interest") == "FLAT":
        exact = Fraction(principal + sum(flat), len(f))
    return rounded_level(terms, exact)


def rounded_level(terms: Case, exact: Fraction) -> int:
    multiple = terms.get("instalment_multiple_minor", 1)
    rounding: Callable[[Fraction], int] = ceil if terms.get("instalment_rounding") == "UP" else round
    level: int = rounding(exact / multiple) * multiple or round(exact)
    return level
