"""What of scoring waits for people."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.desk import Queue, Waiting
from config.office.display import change_url
from config.office.verbs import Asked
from scoring.queries.runs import held_run, uncalibrated_run


def _held(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    if (run := held_run()) is not None:
        yield Waiting(
            number=1,
            what=_t("scoring run held by its checks, as of %(date)s") % {"date": run.as_of},
            note=_("The scores before it stay live until someone decides."),
            link=change_url(run),
            button=_("Decide"),
            tag="held",
            since=run.finished_at,
        )


def _uncalibrated(_asked: Asked, _on: date | None) -> Iterator[Waiting]:
    if (run := uncalibrated_run()) is not None:
        yield Waiting(
            number=1,
            what=_t("scoring run without a calibration, as of %(date)s") % {"date": run.as_of},
            note=_("It is not published, and the live scores grow old."),
            link=change_url(run),
            button=_("Calibrate"),
            tag="uncalibrated",
            since=run.finished_at,
        )


QUEUES: Final = (
    Queue(rights=frozenset({"scoring.publish_anyway_scorerun"}), read=_held),
    Queue(rights=frozenset({"scoring.add_calibrationversion"}), read=_uncalibrated),
)
