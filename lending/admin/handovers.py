"""Hand-overs of a case to agencies, on its page, and the file that goes with one."""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Alert, Button, Card, Cell, Column, Table
from config.office.pages import named
from config.office.verbs import asked_by
from lending.models import ArrearsCase, CaseHandover
from lending.operations.handovers import read_handover
from lending.queries.handovers import handovers_of

DOWNLOAD: Final = "lending.hand_over_arrearscase"


def handover_answer(request: HttpRequest, case: ArrearsCase) -> HttpResponse:
    """Return the file of the last hand-over of a case. Raises PermissionDenied, Http404, KeyMissing."""
    if not request.user.has_perm(DOWNLOAD):
        raise PermissionDenied
    last = next(iter(handovers_of(case)), None)
    if last is None:
        raise Http404
    asked = asked_by(request)
    handover = read_handover(handover_id=last.pk, actor=asked.actor, now=asked.now)
    answer = HttpResponse(handover.content, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{case}-{handover.sha256[:12]}.json"'
    return answer


def handover_alerts(handovers: Sequence[CaseHandover]) -> list[Alert]:
    """Say that an agency collects a case now."""
    said = _t("%(agency)s has collected it since %(date)s: no letter is sent, and no promise recorded.")
    return [
        Alert(strong=_("At an agency:"), text=said % {"agency": one.agency, "date": one.on})
        for one in handovers
        if one.ended_on is None
    ]


def handover_cards(handovers: Sequence[CaseHandover], request: HttpRequest) -> list[Card]:
    """Show which agencies collected a case, the last first; nothing where none did."""
    if not handovers:
        return []
    names = named([actor for one in handovers for actor in (one.handed_by, one.approved_by, one.ended_by)])
    columns = [
        Column(label=_("Agency")),
        Column(label=_("Handed over"), style="tl-nowrap"),
        Column(label=_("Approved by")),
        Column(label=_("Ended"), style="tl-nowrap"),
        Column(label=_("File, SHA-256"), style="tl-code"),
    ]
    rows = [
        [
            one.agency,
            Cell(text=one.on, note=names[one.handed_by] or ""),
            names[one.approved_by],
            Cell(text=one.ended_on or "", note=one.reason),
            one.sha256[:16],
        ]
        for one in handovers
    ]
    address = reverse("admin:lending_arrearscase_file", args=[handovers[0].case_id])
    button = Button(label=_("Download the last file"), url=address, is_primary=False)
    may = request.user.has_perm(DOWNLOAD)
    table = Table(columns=columns, rows=rows)
    return [Card(title=_("At an agency"), parts=[table], buttons=[button] if may else [], span=12)]
