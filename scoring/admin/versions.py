"""Office pages of scorecards and calibrations, shown as tables."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import MILLION
from config.office.display import (
    Alert,
    Card,
    Cell,
    Column,
    Figure,
    Heading,
    Page,
    Part,
    Table,
    Text,
    chip,
    grade_chip,
    linked,
    mono,
    version_card,
)
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of
from config.office.verbs import Asked, Verb
from config.office.words import HUNDREDTH, Words, percent, signed
from scoring.domain.calibration import GRADES, PD_BELOW_PPM, Calibration
from scoring.domain.features.declarations import FEATURES
from scoring.domain.scorecard import DAY_ONE_CARD, Row, Scorecard
from scoring.models import CalibrationVersion, ScorecardVersion
from scoring.operations.versions import ScorecardNotEntered, enter_scorecard
from scoring.queries.explanations import bins_of
from scoring.queries.labels import CHARACTERISTICS, FAMILIES, SCORECARD_REFUSALS, bin_in_unit
from scoring.queries.runs import active_scorecard
from scoring.queries.scores import calibration_of, card_of


def entered(version: ScorecardVersion | CalibrationVersion) -> str:
    """Format when a version was entered, and by whom."""
    said = {"at": f"{version.created_at:%Y-%m-%d %H:%M}", "who": name_of(version.created_by)}
    return _t("entered %(at)s UTC by %(who)s") % said


def _enter_refusal(_row: None, _asked: Asked) -> Words | None:
    return None if active_scorecard() is None else _("A card is in force. Another is entered from a file, by command.")


ENTER: Final = Verb(
    name="enter",
    label=_("Enter the card of day one"),
    right="scoring.add_scorecardversion",
    note=_(
        "The expert card that comes with the product: its points are judgement, not yet evidence. The last card "
        "entered is used from the next run on."
    ),
    why_not=_enter_refusal,
    offered=lambda _row: active_scorecard() is None,
    call=lambda _row, asked: enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=asked.actor, now=asked.now),
    done=_("The card is entered: the next run uses it."),
    refusals={ScorecardNotEntered: SCORECARD_REFUSALS},
    is_primary=True,
)


@admin.register(ScorecardVersion)
class ScorecardVersionAdmin(OfficeAdmin[ScorecardVersion]):
    list_verbs = (ENTER,)
    empty = _("No scorecard yet. The product comes with an expert card to begin with.")

    columns = (
        ListColumn(label=_("Name"), cell=lambda version: version.name),
        ListColumn(label="SHA-256", cell=lambda version: mono(version.sha256), style="tl-break"),
        ListColumn(label=_("Entered"), cell=lambda version: version.created_at, style="tl-nowrap"),
    )

    def page_of(self, row: ScorecardVersion, request: HttpRequest) -> Page:
        card = card_of(row)
        made = [linked(one, one.sha256[:8]) for one in row.calibrations.order_by("-pk")]
        return Page(
            title=_t("Scorecard %(name)s") % {"name": row.name},
            sub=[entered(row)],
            alerts=[
                Alert(
                    strong=_("An expert card is a start."),
                    text=_(
                        "Its points are judgement, not yet evidence: a risk owner signs them off, and outcomes of real "
                        "loans replace them. Read the ranking, not the third digit."
                    ),
                )
            ],
            figures=[
                Figure(label=_("Everyone starts from"), value=card.base),
                Figure(label=_("Scores run"), value=f"{card.lowest} – {card.highest}"),  # noqa: RUF001 - a range
                Figure(label=_("Scale"), value=_("40 points double the odds"), style="tl-plain"),
                Figure(label=_("Rows"), value=len(card.rows)),
            ],
            cards=[
                *_families(card),
                version_card(_("Version"), row.sha256, (_("Calibrations"), Cell(more=made) if made else _("none yet"))),
            ],
        )


@admin.register(CalibrationVersion)
class CalibrationVersionAdmin(OfficeAdmin[CalibrationVersion]):
    """Calibrations: the PD and grade that each gives a score."""

    columns = (
        ListColumn(label=_("Calibration"), cell=lambda version: version.sha256[:8]),
        ListColumn(label=_("Scorecard"), cell=lambda version: version.scorecard.name),
        ListColumn(label=_("Solved on the run of"), cell=lambda version: linked(version.run, str(version.run.as_of))),
        ListColumn(label=_("Entered"), cell=lambda version: version.created_at, style="tl-nowrap"),
    )
    list_related = related = ("scorecard", "run")
    empty = _("No calibration yet. It is solved on a finished run, on the page of that run.")

    def page_of(self, row: CalibrationVersion, request: HttpRequest) -> Page:
        calibration = calibration_of(row)
        figures, cards = [], []
        if calibration is not None:
            figures = [
                Figure(label=_("Mean PD aimed at"), value=percent(calibration.target_ppm, MILLION)),
                Figure(label=_("Intercept a"), value=_millionths(calibration.intercept_micro)),
                Figure(label=_("Slope b"), value=_millionths(calibration.slope_micro)),
                Figure(
                    label=_("Solved on"),
                    value=sum(calibration.population),
                    note=_("scored merchants that pass the rules"),
                ),
            ]
            cards = [Card(title=_("Grades"), parts=[grades_table(calibration)])]
        return Page(
            title=_t("Calibration %(name)s") % {"name": row.sha256[:8]},
            sub=[
                linked(row.scorecard, _t("of scorecard %(card)s") % {"card": row.scorecard.name}),
                linked(row.run, _t("solved on the run of %(date)s") % {"date": row.run.as_of}),
                entered(row),
            ],
            alerts=[
                Alert(
                    text=_(
                        "The mean PD is a judgement of a risk owner until outcomes exist: it moves every grade. "
                        "PD means 30 or more days past due within 12 months."
                    )
                )
            ],
            figures=figures,
            cards=[*cards, version_card(_("Version"), row.sha256)],
        )


def _families(card: Scorecard) -> Iterator[Card]:
    order = list(card.floors)
    rows = sorted(card.rows, key=lambda row: order.index(row.family))
    for family, members in groupby(rows, key=lambda row: row.family):
        floor = card.floors[family]
        aside = None if floor is None else chip(_t("Costs at most %(floor)s together") % {"floor": signed(floor)}, "")
        parts = [part for row in members for part in _row(row)]
        yield Card(title=FAMILIES.get(family, family), parts=parts, aside=aside)


def _row(row: Row) -> list[Part]:
    feature = FEATURES[row.reads]
    found = bins_of(row)
    columns = [*(Column(label=bin_in_unit(one, feature.unit), number=True) for one in found),
               Column(label=_("missing"), number=True)]  # fmt: skip
    points = [*(signed(one.points) for one in found), Cell(text=signed(row.missing), title=feature.null)]
    heading = Heading(CHARACTERISTICS.get(row.reads, row.reads))
    return [heading, Text(feature.meaning, "tl-note"), Table(columns=columns, rows=[points])]


def grades_table(calibration: Calibration) -> Table:
    """Return a table of grades: their bounds, their scores, and how many merchants each held when it was solved."""
    columns = [
        Column(label=_("Grade")),
        Column(label=_("PD from"), number=True),
        Column(label=_("PD below"), number=True),
        Column(label=_("Scores"), number=True),
        Column(label=_("Merchants then"), number=True),
        Column(label=_("Share"), number=True),
    ]
    return Table(columns=columns, rows=list(_grade_rows(calibration)))


def _grade_rows(calibration: Calibration) -> Iterator[list[object]]:
    table = calibration.pd_table.tolist()
    scores = range(calibration.lowest, calibration.highest + 1)
    total = sum(calibration.population)
    for place, (grade, held) in enumerate(zip(GRADES, calibration.population, strict=True)):
        above = PD_BELOW_PPM[place - 1] if place else None
        below = PD_BELOW_PPM[place] if place < len(PD_BELOW_PPM) else None
        own = [
            score
            for score, pd in zip(scores, table, strict=True)
            if (above is None or pd >= above) and (below is None or pd < below)
        ]
        yield [
            grade_chip(grade.value),
            None if above is None else percent(above, MILLION, HUNDREDTH),
            None if below is None else percent(below, MILLION, HUNDREDTH),
            f"{own[0]} – {own[-1]}" if own else None,  # noqa: RUF001 - a range
            held,
            percent(held, total),
        ]


def _millionths(number: int) -> str:
    return f"{number / MILLION:.6f}".replace("-", "\N{MINUS SIGN}")
