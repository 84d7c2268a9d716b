"""Scoring's refusals in the words of the office: one table each, complete by test."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from scoring.domain.run import AbandonRefusal, PublishRefusal, StartRefusal

SAY_WHY: Final = _("Please give a reason.")
START_REFUSALS: Final = {
    StartRefusal.NO_BUSINESS_DATE: _("No business day is open yet."),
    StartRefusal.NO_SCORECARD: _("There is no scorecard: enter one first, under Scorecards."),
    StartRefusal.NO_MERCHANTS: _("There are no merchants to score: import a marketplace first."),
    StartRefusal.ANOTHER_RUNS: _("Another run is in progress: wait until it has finished."),
}
PUBLISH_REFUSALS: Final = {
    PublishRefusal.NOT_HELD: _("Only a run that its checks hold back is published by hand."),
    PublishRefusal.OLDER_THAN_PUBLISHED: _("Newer scores are live: an older run does not replace them."),
    PublishRefusal.NO_REASON: SAY_WHY,
}
ABANDON_REFUSALS: Final = {
    AbandonRefusal.NOT_WORKING: _("Only a run in progress can be abandoned; this one has finished."),
    AbandonRefusal.NO_REASON: SAY_WHY,
}
