"""Enter the dunning policy."""

from lending.domain.arrears.dunning_policy import DAY_ONE_DUNNING
from lending.management.policies import EnterPolicyCommand
from lending.operations.policies import enter_dunning_policy


class Command(EnterPolicyCommand):
    help = (
        "Enter the dunning policy (default: the one that comes with Tradeline): letters to borrowers in arrears are "
        "written by it from the next close on. docs/letters.md explains its figures."
    )
    comes_with = DAY_ONE_DUNNING
    enter = staticmethod(enter_dunning_policy)
