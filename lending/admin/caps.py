"""The caps of a limit as bars, the binding one marked."""

from collections.abc import Mapping

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Bar, Cell, Column, Heading, Part, Row, Table, Text
from config.office.words import money
from lending.admin.words import CAPS
from lending.domain.origination.limit import Cap

SCALE = 3
"""Bars end at so many times the binding cap: the product's maximum would make every other one a hair."""


def caps_parts(
    caps: Mapping[str, int | None], binding: str, currency: str, *, granted_minor: int | None = None
) -> list[Part]:
    """List the caps that apply, the least first, and what is granted where that is kept.

    It follows the limit with hysteresis (`lending.domain.origination.granted_limit`), so what can be lent may be less.
    """
    applying = sorted((minor, Cap(name)) for name, minor in caps.items() if minor is not None)
    if not applying:
        return []
    widest = SCALE * max(applying[0][0], 1)
    rows = [
        Row(
            cells=[
                Cell(text=CAPS[cap], more=[Cell(text=_("binds"), tint="tl-warn")] if cap == binding else ()),
                Cell(bar=Bar(width=min(100, minor * 100 / widest), marked=cap == binding)),
                money(minor, currency),
            ]
        )
        for minor, cap in applying
    ]
    if granted_minor is not None:
        note = _t("follows the limit: cut at once, raised after some nights")
        bar = Bar(width=min(100, granted_minor * 100 / widest))
        rows.append(
            Row(cells=[Cell(text=_("Granted in all"), note=note), Cell(bar=bar), money(granted_minor, currency)])
        )
    columns = [
        Column(label=_("Cap")),
        Column(label="", style="tl-bar-cell"),
        Column(label=currency, number=True),
    ]
    parts: list[Part] = [Heading(_("Limit, with every cap")), Table(columns=columns, rows=rows)]
    without = [str(CAPS[Cap(name)]) for name, minor in caps.items() if minor is None]
    if without:
        parts.append(Text(_t("Do not apply: %(caps)s.") % {"caps": ", ".join(without)}, "tl-note"))
    return parts
