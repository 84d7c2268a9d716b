"""Enter the policy of early warning."""

from lending.domain.watch.policy import DAY_ONE_WATCH
from lending.management.policies import EnterPolicyCommand
from lending.operations.policies import enter_watch_policy


class Command(EnterPolicyCommand):
    help = (
        "Enter the policy of early warning (default: the one that comes with Tradeline): merchants are judged by it "
        "from the next night on. docs/algorithms/warnings.md explains its figures."
    )
    comes_with = DAY_ONE_WATCH
    enter = staticmethod(enter_watch_policy)
