"""Say what each role may do, in one table.

The groups exist by migration; what they may do is read from here, not from rows: a right that a new verb needs
cannot be missing from a database, and no administrator can widen a role by a click.
"""

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Model


class Role(StrEnum):
    """Name the roles of staff; the values are the groups' names."""

    VIEWER = "Viewer"
    CREDIT_ANALYST = "Credit analyst"
    UNDERWRITER = "Underwriter"
    FINANCE = "Finance"
    RISK_MANAGER = "Risk manager"
    ADMINISTRATOR = "Administrator"


SEE = frozenset(
    {
        "merchants.view_merchant",
        "merchants.view_partner",
        "merchants.view_batch",
        "scoring.view_scorerun",
        "scoring.view_scorecardversion",
        "scoring.view_calibrationversion",
        "lending.view_application",
        "lending.view_offer",
        "lending.view_productversion",
        "lending.view_transfer",
        "lending.view_loan",
        "lending.view_dayclose",
        "office.view_jobrun",
    }
)
ROLES: dict[Role, frozenset[str]] = {
    Role.VIEWER: SEE,
    Role.CREDIT_ANALYST: SEE | {"merchants.view_payoutaccount", "scoring.replay_score"},
    Role.UNDERWRITER: SEE
    | {
        "merchants.view_payoutaccount",
        "merchants.verify_payoutaccount",
        "scoring.replay_score",
        "lending.enter_application",
        "lending.decide_application",
    },
    Role.FINANCE: SEE
    | {
        "merchants.view_payoutaccount",
        "merchants.verify_payoutaccount",
        "lending.repay_loan",
        "lending.charge_loan",
        "lending.refund_loan",
        "lending.reverse_loan",
        "lending.return_loan",
        "lending.pay_out_loan",
        "lending.start_dayclose",
    },
    Role.RISK_MANAGER: SEE
    | {
        "scoring.replay_score",
        "scoring.start_scorerun",
        "scoring.publish_anyway_scorerun",
        "scoring.abandon_scorerun",
        "lending.decide_application",
        "lending.decide_any_application",
        "lending.change_rate_loan",
        "lending.cancel_loan",
        "office.resume_jobrun",
        "office.view_operationevent",
    },
    Role.ADMINISTRATOR: SEE
    | {
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
        "office.resume_jobrun",
        "office.view_operationevent",
    },
}


class RoleBackend:
    """Answer Django's question for a permission from the table above."""

    def authenticate(self, _request: object, **_credentials: object) -> None:
        """Leave signing in to Django's own backend."""

    def get_user(self, _user_id: int) -> User | None:
        """Leave loading to Django's own backend."""
        return None

    def has_perm(self, user: AbstractBaseUser | AnonymousUser, perm: str, _obj: Model | None = None) -> bool:
        """Tell whether one of the user's groups may do this."""
        return perm in _rights_of(user)

    def has_module_perms(self, user: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        """Tell whether one of the user's groups may do anything in this app."""
        return any(right.startswith(f"{app_label}.") for right in _rights_of(user))


def _rights_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    rights: frozenset[str] | None = getattr(user, "_tradeline_rights", None)
    if rights is None:  # once a request: the user is loaded anew for each
        names = set(user.groups.values_list("name", flat=True))
        rights = frozenset[str]().union(*(rights for role, rights in ROLES.items() if role in names))
        user._tradeline_rights = rights  # type: ignore[attr-defined] # noqa: SLF001
    return rights
