"""How provisions moved in a month, by stage: from what stood at its beginning to what stands at its end.

IFRS 7, 35H: a loan is transferred with what was provided for it before; what it needs in its new stage is remeasured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lending.domain.books.provision import Left, Stage


class Line(StrEnum):
    """The lines of the table, in order: the first and those between come to the last."""

    OPENING = "OPENING"
    NEW = "NEW"
    TO_STAGE_1 = "TO_STAGE_1"
    TO_STAGE_2 = "TO_STAGE_2"
    TO_STAGE_3 = "TO_STAGE_3"
    REMEASURED = "REMEASURED"
    REPAID = "REPAID"
    WRITTEN_OFF = "WRITTEN_OFF"
    CLOSING = "CLOSING"


TRANSFERS: Final = {Stage.ONE: Line.TO_STAGE_1, Stage.TWO: Line.TO_STAGE_2, Stage.THREE: Line.TO_STAGE_3}
ENDS: Final = {Left.REPAID: Line.REPAID, Left.WRITTEN_OFF: Line.WRITTEN_OFF}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What loans of one currency have in common that moved alike in a month; sums in minor units.

    before: their stage a month ago, None for those that are new. stage: None for those that left.
    """

    currency: str
    before: Stage | None
    stage: Stage | None
    left: Left | None
    before_minor: int
    provision_minor: int


@dataclass(slots=True, kw_only=True)
class MovementTable:
    """The table of one currency: minor units by line and stage."""

    currency: str
    minor: dict[tuple[Line, Stage], int] = field(default_factory=dict)

    def of(self, line: Line) -> Sequence[int]:
        """Return a line by stage, in their order."""
        return [self.minor.get((line, stage), 0) for stage in Stage]

    def _add(self, line: Line, stage: Stage, minor: int) -> None:
        self.minor[line, stage] = self.minor.get((line, stage), 0) + minor

    def add(self, moved: Moved) -> None:
        """Enter loans into each line that they are part of."""
        if moved.before is not None:
            self._add(Line.OPENING, moved.before, moved.before_minor)
        if moved.stage is not None:
            self._add(Line.CLOSING, moved.stage, moved.provision_minor)
        match moved.before, moved.stage:
            case None, Stage() as stage:
                self._add(Line.NEW, stage, moved.provision_minor)
            case Stage() as before, Stage() as stage:
                if before is not stage:
                    self._add(TRANSFERS[stage], before, -moved.before_minor)
                    self._add(TRANSFERS[stage], stage, moved.before_minor)
                self._add(Line.REMEASURED, stage, moved.provision_minor - moved.before_minor)
            case Stage() as before, None if moved.left is not None:
                self._add(ENDS[moved.left], before, -moved.before_minor)


def movement_tables(moves: Iterable[Moved]) -> list[MovementTable]:
    """Make the tables, one a currency, in their order."""
    found = dict[str, MovementTable]()
    for moved in moves:
        found.setdefault(moved.currency, MovementTable(currency=moved.currency)).add(moved)
    return [found[currency] for currency in sorted(found)]
