"""The words of the office for provisions: one table each, complete by test."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from lending.domain.books.provision import Cause, Left, Stage
from lending.domain.books.provision_movement import Line
from lending.domain.books.provision_policy import Basis, Category

STAGES: Final = {
    Stage.ONE: (_("Stage 1"), "tl-ok"),
    Stage.TWO: (_("Stage 2"), "tl-warn"),
    Stage.THREE: (_("Stage 3"), "tl-bad"),
}
CAUSES: Final = {
    Cause.SOUND: _("No higher risk than at origination"),
    Cause.LATE: _("Past due"),
    Cause.DEFAULTED: _("In default, or was this month"),
    Cause.CROSS_DEFAULT: _("Another loan of the borrower is in default"),
    Cause.PD_RISEN: _("Probability of default has risen"),
    Cause.RE_AGED: _("Re-aged"),
    Cause.SAME_LINE: _("A loan under the same line"),
    Cause.CURING: _("Better, not yet for long enough"),
}
CATEGORIES: Final = {
    Category.NORMAL: _("Normal"),
    Category.SPECIAL_MENTION: _("Special mention"),
    Category.SUBSTANDARD: _("Substandard"),
    Category.DOUBTFUL: _("Doubtful"),
    Category.LOSS: _("Loss"),
}
LEFTS: Final = {
    Left.REPAID: _("Repaid, closed or taken back"),
    Left.WRITTEN_OFF: _("Written off"),
}
BASES: Final = {
    Basis.IFRS9: _("The expected loss"),
    Basis.MINIMUM: _("The minimum of the category"),
    Basis.GREATER: _("The expected loss, at least the minimum of the category"),
}
MOVEMENTS: Final = {
    Line.OPENING: _("At the end of the month before"),
    Line.NEW: _("New loans and lines"),
    Line.TO_STAGE_1: _("Transfer to stage 1"),
    Line.TO_STAGE_2: _("Transfer to stage 2"),
    Line.TO_STAGE_3: _("Transfer to stage 3"),
    Line.REMEASURED: _("Remeasured"),
    Line.REPAID: _("Repaid, closed or taken back"),
    Line.WRITTEN_OFF: _("Written off"),
    Line.CLOSING: _("At the end of the month"),
}
