"""Compute the characteristics of one merchant slowly, row by row, written apart from the product.

Integers and fractions; the slope of logs in 60-digit decimals. It shares no formula with scoring.domain.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt
from statistics import median

from tests.scoring.domain.markets import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    d: int
    kind: str
    ref: str | None
    key: str
    amount: int
    buyer: int | None
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the references say: cuts (none: no cell), the category's mean rating, kinds carried, BUYER too."""

    cuts: Sequence[int] | None
    mean: Fraction | None
    carried: frozenset[str]


def facts_of(rows: Iterable[Row]) -> list[Fact]:
    return [
        Fact(d=d, kind=kind, ref=ref, key=ref or external, amount=amount, buyer=buyer, value=value)
        for _, _, d, kind, ref, external, amount, buyer, value in rows
    ]


class Oracle:
    def __init__(self, facts: list[Fact], around: Surroundings, *, escrow: bool) -> None:
        self.facts, self.around, self.escrow = facts, around, escrow
        self.sales = self.of("SALE")
        self.counted = self.of("SETTLEMENT") if escrow else self.sales
        self.first = max((fact.d for fact in self.sales), default=None)
        self.age = {key: max(f.d for f in self.sales if f.key == key) for key in {f.key for f in self.sales}}
        self.reversed = self.excess() + [
            replace(fact, d=day, amount=fact.amount * (-1 if fact.kind == "CHARGEBACK_WON" else 1))
            for fact in self.of("REFUND", "CHARGEBACK", "CHARGEBACK_WON")
            if (day := (self.given_on if fact.kind == "CHARGEBACK_WON" else self.counted_on)(fact)) is not None
        ]

    def of(self, *kinds: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind in kinds]

    def counted_on(self, fact: Fact) -> int | None:
        """Give the day on which a reversal enters s: the first by which all that it rests on is there."""
        if fact.ref is None:
            return fact.d
        order = [row for row in self.facts if row.key == fact.ref]
        counted = max((row.d for row in order if row in self.counted), default=None)
        sold = any(row.kind == "SALE" for row in order)
        if counted is None and (sold or self.first is None or fact.d <= self.first - 180):
            return None
        return fact.d if counted is None or counted >= fact.d else None

    def given_on(self, fact: Fact) -> int | None:
        """Give the day on which a win enters s: its own, unless its chargeback or order came later; if that counts."""
        if fact.ref is None:
            return fact.d
        order = [row for row in self.facts if row.key == fact.ref]
        disputes = sorted((row for row in order if row.kind == "CHARGEBACK"), key=lambda row: row.d)
        if not disputes:
            return None
        counted = [row.d for row in order if row in self.counted]
        paid = sum(row.amount for row in order if row.kind == "SALE")
        first = replace(disputes[-1], ref=fact.ref)
        if self.counted_on(first) is None and not (counted and paid):
            return None
        return min([fact.d, first.d, *([max(counted)] if counted else [])])

    def excess(self) -> list[Fact]:
        """Give what each order counted above what was paid and not taken back before, as one more refund."""
        found = []
        for key in sorted({fact.key for fact in self.sales}):
            counted = [fact for fact in self.counted if fact.key == key]
            if counted:
                first = max(fact.d for fact in counted)
                early = [fact for fact in self.of("REFUND", "CHARGEBACK") if fact.ref == key and fact.d > first]
                paid = sum(fact.amount for fact in self.sales if fact.key == key)
                above = sum(fact.amount for fact in [*counted, *early]) - paid
                if above > 0:
                    found.append(replace(counted[0], d=min(fact.d for fact in counted), amount=above))
        return found

    def s(self, first: int, last: int) -> int:
        """Net sales of the days first to last, both included."""
        inside = range(first, last + 1)
        gained = sum(fact.amount for fact in self.counted if fact.d in inside)
        return gained - sum(fact.amount for fact in self.reversed if fact.d in inside)

    def blocks(self, days: int, most: int) -> list[int]:
        """Whole blocks after the day of the first sale, newest first."""
        if self.first is None:
            return []
        starts = [days * number for number in range(most) if days * number + days - 1 < self.first]
        return [self.s(start, start + days - 1) for start in starts]

    def age_of(self, fact: Fact) -> int | None:
        return fact.d if fact.ref is None else self.age.get(fact.ref)

    def matured(self, kind: str, first: int, last: int) -> list[Fact]:
        return [fact for fact in self.of(kind) if (age := self.age_of(fact)) is not None and first <= age <= last]

    def orders(self, first: int, last: int) -> set[str]:
        return {key for key, age in self.age.items() if first <= age <= last}

    def characteristics(self) -> dict[str, int | None]:
        """Give every characteristic; what leaves 64 bits stays at their bound."""
        bound = 2**63 - 1
        found = self.unbounded()
        return {name: None if value is None else min(max(value, -bound), bound) for name, value in found.items()}

    def unbounded(self) -> dict[str, int | None]:
        recent = [fact for fact in self.sales if fact.d < 90]
        sales = self.s(0, 89)
        tenure = None if self.first is None else self.first // 30
        cuts = self.around.cuts
        return {
            "tenure_m": tenure,
            "sales_90": sales,
            "sales_90_percentile": None if cuts is None else sum(cut <= sales for cut in cuts),
            **self.monthly(),
            "orders_90": len({fact.key for fact in recent}),
            "active_days_90": len({fact.d for fact in recent}),
            "growth_90": self.growth(),
            **self.weekly(),
            **self.refunds(),
            "dispute_180m": self.disputes(),
            "cancel_late": self.cancel_late(),
            "rating_180": self.rating(),
            **self.buyers(),
            "recency_d": min((fact.d for fact in self.sales), default=None),
            "min_cover_90": self.cover(),
            "season": self.season(tenure),
        }

    def monthly(self) -> dict[str, int | None]:
        months = self.blocks(30, 12)
        if len(months) < 6:
            return dict.fromkeys(("med_month_12", "resilience", "trend_12"))
        middle = median([Fraction(month) for month in months])
        return {
            "med_month_12": round(middle),
            "resilience": bp(min(months), middle),
            "trend_12": slope([max(Fraction(month), middle / 20) for month in reversed(months)])
            if middle > 0
            else None,
        }

    def growth(self) -> int | None:
        before = self.s(90, 179)
        if self.first is None or self.first < 180 or before <= 0:
            return None
        return round((Fraction(self.s(0, 89), before) - 1) * 10_000)

    def weekly(self) -> dict[str, int | None]:
        weeks = self.blocks(7, 26)
        if len(weeks) < 6:
            return dict.fromkeys(("cv_week_180", "zero_weeks_180"))
        mean = Fraction(sum(weeks), len(weeks))
        cv = None
        if mean > 0:
            variance = sum(((week - mean) ** 2 for week in weeks), start=Fraction(0)) / len(weeks)
            cv = root(variance / mean**2 * 10**8)
        sold = {fact.d // 7 for fact in self.sales}
        return {"cv_week_180": cv, "zero_weeks_180": sum(week not in sold for week in range(len(weeks)))}

    def refunds(self) -> dict[str, int | None]:
        if "REFUND" not in self.around.carried:
            return dict.fromkeys(("refund_value_90m", "refund_delta"))
        shares: list[int | None] = []
        for first, last in ((14, 103), (104, 193)):
            keys = self.orders(first, last)
            sold = sum(fact.amount for fact in self.sales if fact.key in keys)
            shares.append(bp(sum(fact.amount for fact in self.matured("REFUND", first, last)), sold))
        now, before = shares
        return {"refund_value_90m": now, "refund_delta": None if now is None or before is None else now - before}

    def disputes(self) -> int | None:
        if "CHARGEBACK" not in self.around.carried:
            return None
        disputes = Counter(fact.ref for fact in self.matured("CHARGEBACK", 45, 224))
        won = Counter(fact.ref for fact in self.matured("CHARGEBACK_WON", 45, 224) if self.given_on(fact) is not None)
        return bp((disputes - won).total(), len(self.orders(45, 224)))

    def cancel_late(self) -> int | None:
        terms: list[Fraction] = []
        orders = {fact.key for fact in self.sales if fact.d < 90}
        if "CANCEL" in self.around.carried and orders:
            terms.append(Fraction(len({fact.key for fact in self.of("CANCEL") if fact.d < 90}), len(orders)))
        sent = [fact for fact in self.of("DISPATCH") if fact.d < 90]
        if "DISPATCH" in self.around.carried and sent:
            terms.append(Fraction(sum((fact.value or 0) > 0 for fact in sent), len(sent)))
        return round(sum(terms) * 10_000) if terms else None

    def rating(self) -> int | None:
        mean = self.around.mean
        if "REVIEW" not in self.around.carried or mean is None:
            return None
        ratings = [fact.value or 0 for fact in self.of("REVIEW") if fact.d < 180]
        return round(((sum(ratings) + 20 * mean) / (len(ratings) + 20) - mean) * 100)

    def buyers(self) -> dict[str, int | None]:
        if "BUYER" not in self.around.carried:
            return dict.fromkeys(("top5_180", "repeat_180", "buyers_90"))
        named = [fact for fact in self.sales if fact.d < 180 and fact.buyer is not None]
        spent: defaultdict[int | None, int] = defaultdict(int)
        came: defaultdict[int | None, set[str]] = defaultdict(set)
        for fact in named:
            spent[fact.buyer] += fact.amount
            came[fact.buyer].add(fact.key)
        pairs = sum(map(len, came.values()))
        top = sum(sorted(spent.values(), reverse=True)[:5])
        return {
            "top5_180": bp(top, sum(spent.values())) if len({fact.key for fact in named}) >= 30 else None,
            "repeat_180": bp(sum(len(keys) for keys in came.values() if len(keys) >= 2), pairs),
            "buyers_90": len({fact.buyer for fact in named if fact.d < 90}),
        }

    def cover(self) -> int | None:
        paid = sum(fact.amount for fact in self.of("PAYOUT") if fact.d < 90)
        if "PAYOUT" not in self.around.carried or not paid:
            return None
        moves = [(fact.d, fact.amount) for fact in [*self.counted, *self.of("DEPOSIT", "FEE_RETURNED")]]
        moves += [(fact.d, -fact.amount) for fact in [*self.reversed, *self.of("FEE", "PAYOUT")]]
        opened = max(d for d, _ in moves)
        balances = [sum(amount for d, amount in moves if d >= day) for day in range(min(opened, 89) + 1)]
        return round(Fraction(min(balances)) / Fraction(paid, 90))

    def season(self, tenure: int | None) -> int:
        year = self.s(0, 364)
        if tenure is None or tenure < 15 or year <= 0:
            return 10_000
        index = round(Fraction(self.s(275, 364), 3) / Fraction(year, 12) * 10_000)
        return min(max(index, 7_000), 11_000)


def bp(part: int | Fraction, whole: int | Fraction) -> int | None:
    return round(Fraction(part) / Fraction(whole) * 10_000) if whole > 0 else None


def root(square: Fraction) -> int:
    """Round the root half to even."""
    below = isqrt(square.numerator // square.denominator)
    half = (below + Fraction(1, 2)) ** 2
    return below + (below % 2 if square == half else square > half)


def slope(months: list[Fraction]) -> int:
    with localcontext(prec=60):
        logs = [Decimal(month.numerator).ln() - Decimal(month.denominator).ln() for month in months]
        times = [Decimal(number) for number in range(len(months))]
        middle, mean = sum(times, start=Decimal(0)) / len(times), sum(logs, start=Decimal(0)) / len(logs)
        rise = sum(((time - middle) * (log - mean) for time, log in zip(times, logs, strict=True)), start=Decimal(0))
        found = rise / sum(((time - middle) ** 2 for time in times), start=Decimal(0)) * 10_000
        return round(Decimal(0) if abs(found) < Decimal("1e-40") else found)
