"""Enter the policy of delinquency."""

from lending.domain.books.delinquency_policy import DAY_ONE_DELINQUENCY
from lending.management.policies import EnterPolicyCommand
from lending.operations.policies import enter_delinquency_policy


class Command(EnterPolicyCommand):
    help = (
        "Enter the policy of delinquency (default: the one that comes with Tradeline): every day, past ones too, is "
        "classed by it at once. docs/algorithms/delinquency.md explains its figures."
    )
    comes_with = DAY_ONE_DELINQUENCY
    enter = staticmethod(enter_delinquency_policy)
