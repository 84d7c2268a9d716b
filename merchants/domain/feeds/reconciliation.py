"""Reconcile what the records of a file add up to with the payouts that the file shows."""

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter

from merchants.domain.feeds.format import Balance, Mapped, Side, Unused

Sums = Counter[tuple[str, str, Side]]  # minor units by currency, payout and side


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One currency, in minor units; `payouts` are positive here.

    net: all sides but payouts. settled: the part of it in payouts that the files show; `payouts` are these, and
    `matched` says how many.
    unmatched: payouts without any record here. differing: name, sum of records and payout, where they differ.
    """

    currency: str
    sides: dict[Side, int]
    net: int
    matched: int
    settled: int
    payouts: int
    unmatched: int
    differing: tuple[tuple[str, int, int], ...]

    @property
    def difference(self) -> int:
        """What the records of the payouts add up to, less the payouts."""
        return self.settled - self.payouts


@dataclass(slots=True)
class Tally:
    """What became of the records so far: rows by kind, parts not used by reason, and the sums.

    again: lines of records that an earlier file has too. files: the file that each record was first in, by the hash of
    its name. open: those that no payout has paid yet.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    unused: Counter[Unused] = field(default_factory=Counter)
    sums: Sums = field(default_factory=Counter)
    again: int = 0
    files: dict[int, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def add(self, mapped: Mapped, file: int | None = None) -> None:
        """Count one record, unless an earlier file has it.

        file: the number of its file, if there are several: what each has is kept only then.
        """
        if file is not None and mapped.name:
            name = hash(mapped.name)
            if self.files.setdefault(name, file) != file:
                self.again += mapped.lines
                self._pay(name, mapped)
                return
            if not any(entry.payout for entry in mapped.entries):
                self.open.add(name)
        self.kinds.update(row["kind"] for row in mapped.rows if not isinstance(row, str))
        self.unused.update(mapped.unused)
        for entry in mapped.entries:
            self.sums[entry.currency, entry.payout, entry.side] += entry.minor

    def _pay(self, name: int, mapped: Mapped) -> None:
        """Move a record into the payout that this file names, where an earlier one, made before it, names none."""
        paid = [entry for entry in mapped.entries if entry.payout]
        if paid and name in self.open:
            self.open.remove(name)
            for entry in paid:
                self.sums[entry.currency, "", entry.side] -= entry.minor
                self.sums[entry.currency, entry.payout, entry.side] += entry.minor


def add_payout(paid: dict[str, tuple[str, int]], mapped: Mapped, file: str) -> str | None:
    """Note what a payout pays by its name, and in which file; return an earlier file that has another amount of it.

    So it is where the lines of a payout are in several files: none has its amount.
    """
    minor = [entry.minor for entry in mapped.entries if entry.side is Side.PAYOUTS]
    if not minor or not mapped.name:
        return None
    other, before = paid.setdefault(mapped.name, (file, sum(minor)))
    return other if other != file and before != sum(minor) else None


@dataclass(slots=True)
class BalanceCheck:
    """The balances that a file shows in one currency: before its earliest record, what was added, after its latest."""

    first: Balance
    last: Balance
    added: int = 0

    @property
    def opening(self) -> int:
        """The balance before the earliest record."""
        earliest = min(self.first, self.last, key=attrgetter("at"))  # a file may begin with the latest
        return earliest.after - earliest.added

    @property
    def closing(self) -> int:
        """The balance after the latest record."""
        return (self.first if self.first.at > self.last.at else self.last).after

    @property
    def difference(self) -> int:
        """What the balance grew by, less what the records add up to."""
        return self.closing - self.opening - self.added


def add_balance(checks: dict[str, BalanceCheck], balance: Balance | None) -> None:
    """Add the balance of a file's next record to the check of its currency."""
    if balance is not None:
        check = checks.setdefault(balance.currency, BalanceCheck(balance, balance))
        check.last = balance
        check.added += balance.added


def reconcile(sums: Sums) -> list[Reconciliation]:
    """Reconcile each currency, in order of its code."""
    return [_reconcile(currency, sums) for currency in sorted({currency for currency, _, _ in sums})]


def _reconcile(currency: str, sums: Sums) -> Reconciliation:
    sides = dict.fromkeys(Side, 0)
    nets: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for (code, payout, side), minor in sums.items():
        if code != currency:
            continue
        sides[side] += minor
        if side is Side.PAYOUTS:
            paid[payout] -= minor
        else:
            nets[payout] += minor
    both = {payout for payout in paid if payout and payout in nets}
    return Reconciliation(
        currency=currency,
        sides=sides,
        net=sum(nets.values()),
        matched=len(both),
        settled=sum(nets[payout] for payout in both),
        payouts=sum(paid[payout] for payout in both),
        unmatched=sum(minor for payout, minor in paid.items() if payout not in both),
        differing=tuple(
            (payout, nets[payout], paid[payout]) for payout in sorted(both) if nets[payout] != paid[payout]
        ),
    )
