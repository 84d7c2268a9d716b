"""Move what a merchant may owe in all by the limit computed each night: down at once, up only when it lasts."""

from dataclasses import dataclass
from datetime import date

from config.kernel.exact import BASIS_POINTS
from lending.domain.origination.product import LimitRules


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedLimit:
    """How much a merchant may owe in all (minor units), and since when it could be more.

    higher_since: the first of the nights in a row on which the computed limit was high enough to raise it;
    sustained_minor: the lowest limit computed on them. Both None while there are none.
    """

    limit_minor: int
    higher_since: date | None = None
    sustained_minor: int | None = None

    def nights(self, night: date) -> int:
        """Count the nights in a row on which more was possible, this one included."""
        return 0 if self.higher_since is None else (night - self.higher_since).days + 1


def next_limit(
    granted: GrantedLimit | None, computed_minor: int, *, night: date, rules: LimitRules
) -> GrantedLimit | None:
    """Move a granted limit by the one computed on a night: cut at once, raised when more was possible long enough.

    The first one is the first computed limit above 0. Enough more is `raise_bps`; long enough is `raise_nights` in a
    row; it is raised to the lowest limit of those nights, not to the last one's: a single good night moves nothing. A
    night without a computation counts as the one before: the scores stayed what they were. Called twice on one night,
    it gives the same.
    """
    if granted is None:
        return GrantedLimit(limit_minor=computed_minor) if computed_minor else None
    if computed_minor <= granted.limit_minor:
        return GrantedLimit(limit_minor=computed_minor)
    if computed_minor * BASIS_POINTS < granted.limit_minor * (BASIS_POINTS + rules.raise_bps):
        return GrantedLimit(limit_minor=granted.limit_minor)
    lowest = min(computed_minor, computed_minor if granted.sustained_minor is None else granted.sustained_minor)
    higher = GrantedLimit(
        limit_minor=granted.limit_minor, higher_since=granted.higher_since or night, sustained_minor=lowest
    )
    if higher.nights(night) < rules.raise_nights:
        return higher
    return next_limit(
        GrantedLimit(limit_minor=lowest), computed_minor, night=night, rules=rules
    )  # may count on from here
