"""Show scorecards and calibrations as the tables that they are."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, found_by, named
from config.office.words import HUNDREDTH, NOTHING, percent, signed
from scoring.domain.calibration import GRADES, MILLION, PD_BELOW_PPM, Calibration
from scoring.domain.features.declarations import FEATURES
from scoring.domain.scorecard import Row, Scorecard
from scoring.models import CalibrationVersion, ScorecardVersion
from scoring.queries.explanations import bins_of
from scoring.queries.labels import CHARACTERISTICS, FAMILIES, bin_in_unit
from scoring.queries.scores import calibration_of, card_of


@admin.register(ScorecardVersion)
class ScorecardVersionAdmin(ReadOnlyAdmin):
    """List the scorecards, and show each as a table."""

    list_display = ("name", "sha256", "created_at")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the card: rows by family, bins and points, floors, scale."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = found_by(ScorecardVersion.objects.all(), object_id)
        card = card_of(version)
        context = self.admin_site.each_context(request) | {
            "title": version.name,
            "opts": self.opts,
            "original": version,
            "version": version,
            "card": card,
            "families": list(_families(card)),
            "calibrations": version.calibrations.order_by("-pk"),
            "who": named([version.created_by])[version.created_by],
        }
        return TemplateResponse(request, "scoring/scorecard.html", context)


@admin.register(CalibrationVersion)
class CalibrationVersionAdmin(ReadOnlyAdmin):
    """List the calibrations, and show what each makes of a score."""

    list_display = ("short_hash", "scorecard", "run", "created_at")
    list_select_related = ("scorecard", "run")

    @display(description=_("Calibration"))
    def short_hash(self, version: CalibrationVersion) -> str:
        """Show the beginning of the hash."""
        return version.sha256[:8]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a, b, the target, and each grade's bounds, scores and population."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = found_by(CalibrationVersion.objects.select_related("scorecard", "run"), object_id)
        calibration = calibration_of(version)
        context = self.admin_site.each_context(request) | {
            "title": version.sha256[:8],
            "opts": self.opts,
            "original": version,
            "version": version,
            "calibration": calibration,
            "who": named([version.created_by])[version.created_by],
        }
        if calibration is not None:
            context |= {
                "grades": list(_grades(calibration)),
                "intercept": _millionths(calibration.intercept_micro),
                "slope": _millionths(calibration.slope_micro),
                "target": percent(calibration.target_ppm, MILLION),
                "merchants": sum(calibration.population),
            }
        return TemplateResponse(request, "scoring/calibration.html", context)


def _families(card: Scorecard) -> Iterator[dict[str, Any]]:
    order = list(card.floors)
    rows = sorted(card.rows, key=lambda row: order.index(row.family))
    for family, members in groupby(rows, key=lambda row: row.family):
        floor = card.floors[family]
        yield {
            "words": FAMILIES.get(family, family),
            "floor": None if floor is None else signed(floor),
            "rows": [_row(row) for row in members],
        }


def _row(row: Row) -> dict[str, Any]:
    feature = FEATURES[row.reads]
    return {
        "words": CHARACTERISTICS.get(row.reads, row.reads),
        "meaning": feature.meaning,
        "bins": [(bin_in_unit(found, feature.unit), signed(found.points)) for found in bins_of(row)],
        "missing": signed(row.missing),
        "null": feature.null,
    }


def _grades(calibration: Calibration) -> Iterator[dict[str, Any]]:
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
        yield {
            "grade": grade.value,
            "above": NOTHING if above is None else percent(above, MILLION, HUNDREDTH),
            "below": NOTHING if below is None else percent(below, MILLION, HUNDREDTH),
            "scores": f"{own[0]} – {own[-1]}" if own else NOTHING,  # noqa: RUF001 - a range
            "held": held,
            "share": percent(held, total),
        }


def _millionths(number: int) -> str:
    return f"{number / MILLION:.6f}".replace("-", "\N{MINUS SIGN}")
