"""Look at a market slowly, by what docs/algorithms/integrity.md says; it shares no formula with the product."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

MarketRow = tuple[int, int, int, int, str, str | None, str, int, int | None]
"""merchant_id, market, d, known_d, kind, order_ref, external_id, amount_minor, buyer: in the order of MARKET_SCHEMA."""


@dataclass(frozen=True)
class Fact:
    shop: int
    market: int
    d: int
    known: int
    kind: str
    ref: str | None
    id: str
    amount: int
    buyer: int | None

    @property
    def order(self) -> str:
        return self.ref or self.id


@dataclass
class Verdict:
    measures: dict[str, int]
    fired: set[str]
    flagged: dict[str, set[str]] = field(default_factory=dict)
    first_known_d: int | None = None


class MarketOracle:
    def __init__(self, rows: Iterable[MarketRow]) -> None:
        self.facts = [Fact(*row) for row in rows]
        self.of_shop: dict[int, list[Fact]] = defaultdict(list)
        for fact in self.facts:
            self.of_shop[fact.shop].append(fact)
        self.market_of = {fact.shop: fact.market for fact in self.facts}
        self.late = self.late_facts()
        self.orders = {shop: self.find_orders(shop) for shop in self.of_shop}
        self.shops_of: dict[tuple[int, int], dict[int, set[str]]] = defaultdict(dict)
        for shop in self.of_shop:
            for buyer, orders in self.orders[shop].items():
                recent = {order for order, d in orders.items() if d < 180}
                if recent:
                    self.shops_of[self.market_of[shop], buyer][shop] = recent

    def sales(self, shop: int) -> list[Fact]:
        return [fact for fact in self.of_shop[shop] if fact.kind == "SALE"]

    def find_orders(self, shop: int) -> dict[int, dict[str, int]]:
        """Each named buyer's orders, with their age."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for sale in self.sales(shop):
            if sale.buyer is not None:
                found[sale.buyer][sale.order] = max(found[sale.buyer].get(sale.order, 0), sale.d)
        return found

    def late_facts(self) -> set[Fact]:
        behind = [fact for fact in self.facts if fact.d - fact.known > 14]
        told: dict[tuple[int, int], set[int]] = defaultdict(set)
        for fact in behind:
            told[fact.market, fact.known].add(fact.shop)
        size = Counter(self.market_of.values())
        own = {fact for fact in behind if len(told[fact.market, fact.known]) * 10 < size[fact.market]}
        shops = {shop for shop in self.of_shop if self.is_late(shop, own)}
        markets = Counter(self.market_of[shop] for shop in shops)
        return {fact for fact in own if markets[fact.market] * 10 < size[fact.market]}

    def is_late(self, shop: int, late: set[Fact]) -> bool:
        for days in (180, 365):
            rows = [fact for fact in self.of_shop[shop] if fact.d < days]
            if rows and any(fact in late for fact in rows):
                share = Fraction(sum(fact in late for fact in rows), len(rows))
                if share >= Fraction(1, 5):
                    return True
        return False

    def captives(self, shop: int) -> dict[int, int]:
        found = {}
        for buyer, orders in self.orders[shop].items():
            if max(orders.values()) < 180 and len(orders) > 1 and len(self.shops_of[self.market_of[shop], buyer]) == 1:
                found[buyer] = len(orders)
        return found

    def captives_before(self, shop: int) -> dict[int, int]:
        found = {}
        for buyer, orders in self.orders[shop].items():
            count = sum(180 <= d < 360 for d in orders.values())
            if 180 <= max(orders.values()) < 360 and count > 1:
                found[buyer] = count
        return found

    def ring(self, shop: int) -> dict[int, set[int]]:
        """The other shops, with the buyers they share."""
        shared: dict[int, set[int]] = defaultdict(set)
        for (market, buyer), shops in self.shops_of.items():
            bought = sum(map(len, shops.values()))
            is_own = market == self.market_of[shop] and shop in shops
            if is_own and 2 <= len(shops) <= 6 and bought >= max(4, 2 * len(shops)):
                for other in shops.keys() - {shop}:
                    shared[other].add(buyer)
        return {other: buyers for other, buyers in shared.items() if len(buyers) >= 2}

    def paid_back(self, shop: int) -> set[int]:
        found = {
            fact.buyer
            for fact in self.of_shop[shop]
            if fact.kind in {"PAYOUT", "DEPOSIT"} and fact.buyer is not None and fact.d < 365
        }
        for refund in self.of_shop[shop]:
            if refund.kind == "REFUND" and refund.ref and refund.d < 365:
                for buyer, orders in self.orders[shop].items():
                    if refund.ref in orders and orders[refund.ref] - refund.d >= 45:
                        found.add(buyer)
        return found

    def follows(self, shop: int, d: int) -> bool:
        return any(fact.kind == "PAYOUT" and 0 <= fact.d - d <= 2 and fact.d <= 181 for fact in self.of_shop[shop])

    def echoes(self, shop: int) -> set[int]:
        found = set()
        for buyer, orders in self.orders[shop].items():
            covered: dict[str, bool] = defaultdict(bool)
            for sale in self.sales(shop):
                if sale.buyer == buyer and sale.d < 180:
                    covered[sale.order] |= self.follows(shop, sale.d)
            if max(orders.values()) < 180 and len(orders) >= 3 and all(covered.values()):
                found.add(buyer)
        return found

    def bursts(self, shop: int) -> set[int]:
        days = {
            d: len({sale.order for sale in self.sales(shop) if sale.d == d}) for d in {s.d for s in self.sales(shop)}
        }
        if not days or max(days) < 180:
            return set()
        before = [count for d, count in days.items() if 90 <= d < 365]
        return {
            d
            for d, count in days.items()
            if d < 90 and count >= max(6, 2 * max(before, default=0)) and count * 275 >= 6 * sum(before)
        }

    def verdict(self, shop: int) -> Verdict:
        sales = self.sales(shop)
        half = [sale for sale in sales if sale.d < 180]
        quarter = [sale for sale in sales if sale.d < 90]
        earlier = [sale for sale in sales if 90 <= sale.d < 365]
        captives, ring, back = self.captives(shop), self.ring(shop), self.paid_back(shop)
        ringed = {buyer for buyers in ring.values() for buyer in buyers}
        echoes, bursts = self.echoes(shop), self.bursts(shop)
        came = {buyer: max(orders.values()) for buyer, orders in self.orders[shop].items()}
        marked = {
            "LATE": [sale for sale in sales if sale in self.late],
            "CAPTIVE": [sale for sale in half if sale.buyer in captives],
            "RING": [sale for sale in half if sale.buyer in ringed],
            "PAID_BACK": [sale for sale in sales if sale.buyer in back and sale.d < 365],
            "ECHO": [sale for sale in half if sale.buyer in echoes],
            "BURST": [
                sale for sale in sales if sale.d in bursts and (sale.buyer is None or came[sale.buyer] <= sale.d + 1)
            ],
            "ROUND": [sale for sale in sales if sale.d < 365 and not str(sale.amount)[2:].strip("0")],
        }
        sold_90, sold_180 = worth(quarter), worth(half)
        in_half = {name: worth(sale for sale in found if sale.d < 180) for name, found in marked.items()}
        in_quarter = {name: worth(sale for sale in found if sale.d < 90) for name, found in marked.items()}
        rounds = [sum(sale in marked["ROUND"] for sale in part) for part in (quarter, earlier)]
        spike = bp(3 * worth(s for s in sales if s.d < 30), worth(s for s in sales if 30 <= s.d < 120))
        covered = sum(self.follows(shop, sale.d) for sale in half)
        fires = {
            "LATE": self.is_late(shop, self.late),
            "CAPTIVE": self.captive_fires(shop, captives, half),
            "RING": share(in_quarter["RING"], sold_90) >= Fraction(3, 100),
            "PAID_BACK": share(in_half["PAID_BACK"], sold_180) >= Fraction(3, 100),
            "ECHO": share(in_half["ECHO"], sold_180) >= Fraction(5, 100)
            and len(echoes) >= 2
            and Fraction(covered) <= Fraction(3_333 * len(half), 10_000),
            "BURST": share(in_quarter["BURST"], sold_90) >= Fraction(1, 10),
            "ROUND": len(quarter) >= 20
            and len(earlier) >= 50
            and Fraction(rounds[0], len(quarter)) - Fraction(rounds[1], len(earlier)) >= Fraction(4, 10)
            and share(3 * worth(s for s in sales if s.d < 30), worth(s for s in sales if 30 <= s.d < 120))
            >= Fraction(3, 2),
        }
        fired = {name for name, holds in fires.items() if holds and marked[name]}
        marks_of_order: dict[str, set[str]] = defaultdict(set)
        for name in fired:
            for sale in marked[name]:
                marks_of_order[sale.order].add(name)
        flagged = {sale.id: marks_of_order[sale.order] for sale in sales if sale.order in marks_of_order}
        rows = [fact for fact in self.of_shop[shop] if fact.d < 180]
        ages = [max(fact.known, 0) if fact in self.late else fact.d for fact in sales]
        return Verdict(
            measures={
                "flagged_share_90": bp(worth(sale for sale in quarter if sale.id in flagged), sold_90),
                "cycle_180": bp(worth(sale for sale in half if sale.buyer in back | echoes), sold_180),
                "captive_180": bp(in_half["CAPTIVE"], sold_180),
                "overlap_90": bp(in_quarter["RING"], sold_90),
                "burst_90": bp(in_quarter["BURST"], sold_90),
                "round_value_90": bp(rounds[0], len(quarter)),
                "spike_30": spike,
                "late_history_180": bp(sum(fact in self.late for fact in rows), len(rows)),
            },
            fired={name for name, holds in fires.items() if holds},
            flagged=flagged,
            first_known_d=max(ages, default=None),
        )

    def captive_fires(self, shop: int, captives: dict[int, int], half: list[Fact]) -> bool:
        first = max((sale.d for sale in self.sales(shop)), default=-1)
        before = self.captives_before(shop)
        ages: dict[str, int] = {}
        for sale in self.sales(shop):
            ages[sale.order] = max(ages.get(sale.order, 0), sale.d)
        now, then = (sum(low <= d < low + 180 for d in ages.values()) for low in (0, 180))
        for orders, buyers, least, days in ((2, 2, 35, 360), (2, 3, 15, 360), (3, 2, 8, 270), (3, 3, 30, 180)):
            chosen = {buyer: count for buyer, count in captives.items() if count >= orders}
            chosen_before = sum(count for count in before.values() if count >= orders)
            bought = worth(sale for sale in half if sale.buyer in chosen)
            is_case = first >= days and len(chosen) >= buyers
            is_large = share(bought, worth(half)) >= Fraction(least, 100)
            if then and is_case and is_large and sum(chosen.values()) * then >= 2 * chosen_before * now:
                return True
        return False


def worth(sales: Iterable[Fact]) -> int:
    return sum(sale.amount for sale in sales)


def share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole and part else Fraction(-1)


def bp(part: int, whole: int) -> int:
    return round(Fraction(part, whole) * 10_000) if whole else 0
