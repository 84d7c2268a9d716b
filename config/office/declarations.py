"""Declare the office's permissions, problems, links and scheduled tasks."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from config.declarations import EVERYONE, Declaration, Link, Role, Sealed, Section

DECLARED = Declaration(
    sealed=[
        Sealed(
            model="office.document",
            key="content_key",
            sealed="sealed_content",
            owner="'document ' || sha256 || ' of ' || about",
            at_once=1,
        ),
    ],
    rights={
        "auth.add_user": frozenset({Role.ADMINISTRATOR}),
        "auth.change_user": frozenset({Role.ADMINISTRATOR}),
        "auth.view_group": frozenset({Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}),
        "auth.view_user": frozenset({Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}),
        "office.add_note": EVERYONE - {Role.VIEWER, Role.AUDITOR},
        "office.approve_role": frozenset({Role.CONTROLLER}),
        "office.decide_approvalrequest": frozenset({Role.CONTROLLER, Role.CREDIT_ANALYST, Role.FINANCE}),
        "office.export_list": EVERYONE - {Role.VIEWER},
        "office.grant_role": frozenset({Role.ADMINISTRATOR}),
        "office.manage_task": frozenset({Role.RISK_MANAGER, Role.CONTROLLER, Role.ADMINISTRATOR}),
        "office.oversee_listexport": frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
        "office.remove_savedview": frozenset({Role.ADMINISTRATOR}),
        "office.resume_jobrun": frozenset({Role.RISK_MANAGER, Role.ADMINISTRATOR}),
        "office.add_savedview": EVERYONE,
        "office.share_savedview": EVERYONE - {Role.VIEWER},
        "office.view_approvalrequest": EVERYONE,
        "office.view_auditseal": frozenset({Role.RISK_MANAGER, Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}),
        "office.view_document": EVERYONE,  # this and the two below: of a row whose page they may view
        "office.view_jobrun": EVERYONE,
        "office.view_listexport": EVERYONE - {Role.VIEWER},
        "office.view_note": EVERYONE,
        "office.view_savedview": EVERYONE,
        "office.view_operationevent": frozenset({Role.RISK_MANAGER, Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}),
        "office.view_task": EVERYONE,
        "office.view_withdrawn_document": frozenset({Role.CONTROLLER, Role.AUDITOR}),
    },
    approvals={"office.grant_role": "office.approve_role"},
    problems={
        "invalid": "Some fields are missing or wrong: `fields` says which and why.",
        "parse_error": "The body cannot be read: `detail` says what is wrong with it.",
        "not_authenticated": "No token came with the request: get one from /oauth/token/ and send it as Bearer.",
        "authentication_failed": "The token is unknown or has expired: get another from /oauth/token/.",
        "permission_denied": "The token lacks the scope that this call needs.",
        "not_found": "There is nothing of yours under this address.",
        "method_not_allowed": "This address does not take this method.",
        "not_acceptable": "Replies are JSON: accept application/json.",
        "unsupported_media_type": "The body's type or encoding is not read here.",
        "body_too_large": "The body is too large: send it in parts.",
        "account_unreadable": "The number of an account cannot be read on our side: tell us, and send it again later.",
        "contended": "Someone else is working on the same thing; nothing was written: send it again.",
    },
    links=[
        Link(section=Section.WORK, title=_("Tasks"), icon="task_alt", app="office", model="task"),
        Link(section=Section.WORK, title=_("Notes"), icon="sticky_note_2", app="office", model="note"),
        Link(section=Section.WORK, title=_("Documents"), icon="attach_file", app="office", model="document"),
        Link(
            section=Section.WORK,
            title=_("Approvals"),
            icon="how_to_reg",
            app="office",
            model="approvalrequest",
        ),
        Link(section=Section.WORK, title=_("Exports"), icon="download", app="office", model="listexport"),
        Link(section=Section.WORK, title=_("Saved views"), icon="bookmarks", app="office", model="savedview"),
        Link(section=Section.WORK, title=_("Jobs"), icon="manufacturing", app="office", model="jobrun"),
        Link(
            section=Section.ADMINISTRATION, title=_("Audit trail"), icon="history", app="office", model="operationevent"
        ),
        Link(section=Section.ADMINISTRATION, title=_("Audit seals"), icon="verified", app="office", model="auditseal"),
        Link(section=Section.ADMINISTRATION, title=_("Staff"), icon="group", app="auth", model="user"),
        Link(section=Section.ADMINISTRATION, title=_("Roles"), icon="badge", app="auth", model="group"),
    ],
    beat={
        "office.start_due_work": timedelta(seconds=30),
        "office.record_heartbeat": timedelta(seconds=30),
        "office.seal_audit": timedelta(minutes=1),
        "office.sweep_exports": timedelta(minutes=10),
    },
    due=["office.roll_business_date"],
    queues=["config.office.queues.QUEUES"],
)
