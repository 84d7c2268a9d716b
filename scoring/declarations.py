"""Declare the app's permissions, problems, links, scopes and due work."""

from django.utils.translation import gettext_lazy as _

from config.declarations import EVERYONE, Declaration, Link, Role, Section

DECLARED = Declaration(
    rights={
        "scoring.add_calibrationversion": frozenset({Role.RISK_MANAGER}),
        "scoring.add_scorecardversion": frozenset({Role.RISK_MANAGER}),
        "scoring.abandon_scorerun": frozenset({Role.RISK_MANAGER}),
        "scoring.approve_scorerun": frozenset({Role.CREDIT_ANALYST}),
        "scoring.publish_anyway_scorerun": frozenset({Role.RISK_MANAGER}),
        "scoring.replay_score": frozenset({Role.CREDIT_ANALYST, Role.UNDERWRITER, Role.RISK_MANAGER}),
        "scoring.start_scorerun": frozenset({Role.RISK_MANAGER}),
        "scoring.view_calibrationversion": EVERYONE,
        "scoring.view_scorecardversion": EVERYONE,
        "scoring.view_scorerun": EVERYONE,
    },
    approvals={"scoring.publish_anyway_scorerun": "scoring.approve_scorerun"},
    problems={
        "no_score_yet": "The merchant came after the last published run: ask again after the next night.",
    },
    links=[
        Link(section=Section.SCORING, title=_("Runs"), icon="speed", app="scoring", model="scorerun"),
        Link(
            section=Section.SCORING, title=_("Scorecards"), icon="table_rows", app="scoring", model="scorecardversion"
        ),
        Link(section=Section.SCORING, title=_("Calibrations"), icon="tune", app="scoring", model="calibrationversion"),
    ],
    scopes={"scores:read": "Read scores, grades and reasons"},
    due=["scoring.start_due_run"],
    queues=["scoring.admin.queues.QUEUES"],
)
