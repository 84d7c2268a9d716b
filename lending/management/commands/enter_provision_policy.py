"""Enter the policy of provisions."""

from lending.domain.books.provision_policy import DAY_ONE_POLICY
from lending.management.policies import EnterPolicyCommand
from lending.operations.policies import enter_policy


class Command(EnterPolicyCommand):
    help = (
        "Enter the policy of provisions (default: the one that comes with Tradeline): it counts from the next month end"
        " on. docs/algorithms/provisions.md explains its figures."
    )
    comes_with = DAY_ONE_POLICY
    enter = staticmethod(enter_policy)
