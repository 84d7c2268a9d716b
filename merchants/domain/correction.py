"""Corrections: which rows of a batch may replace the rows they name."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

RowId = tuple[int, str]
"""A merchant, and the external id of one of its rows."""


class CorrectionRefusal(StrEnum):
    """Why a correction is not stored."""

    NOTHING_TO_CORRECT = "NOTHING_TO_CORRECT"
    ALREADY_CORRECTED = "ALREADY_CORRECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A row that replaces another of the same merchant, at its line of the batch."""

    line: int
    row: RowId
    corrected: RowId


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """The lines to store, and why the others are not stored."""

    accepted: tuple[Correction, ...]
    refused: Mapping[int, CorrectionRefusal]

    @property
    def lacks_rows(self) -> bool:
        """Whether a row that one of them corrects is not here, and may come with an older batch."""
        return CorrectionRefusal.NOTHING_TO_CORRECT in self.refused.values()


def judge_corrections(corrections: Iterable[Correction], *, is_superseded: Mapping[RowId, bool]) -> Corrections:
    """Decide on a batch's corrections, in order of lines; one whose own id is taken is in neither result.

    is_superseded: the stored rows that they name or whose ids they have, the batch's own plain rows included.
    A row is corrected once; whoever has more to correct corrects the correction, in the same batch if need be, before
    or after it.
    """
    superseded = dict(is_superseded)
    accepted: list[Correction] = []
    refused: dict[int, CorrectionRefusal] = {}
    waiting: defaultdict[RowId, list[Correction]] = defaultdict(list)
    for correction in corrections:
        waiting[correction.corrected].append(correction)
    ready = deque(row for row in waiting if row in superseded)
    while ready:
        corrected = ready.popleft()
        for correction in waiting.pop(corrected, ()):
            if correction.row in superseded:
                continue
            if superseded[corrected]:
                refused[correction.line] = CorrectionRefusal.ALREADY_CORRECTED
            else:
                superseded[corrected], superseded[correction.row] = True, False
                accepted.append(correction)
                ready.append(correction.row)
    for correction in chain.from_iterable(waiting.values()):
        if correction.row not in superseded:
            refused[correction.line] = CorrectionRefusal.NOTHING_TO_CORRECT
    return Corrections(accepted=tuple(accepted), refused=refused)
