"""The gateways of this office."""

from lending.gateways.protocol import Gateway
from lending.gateways.registry import set_up
from lending.queries.balances import running_balance


def get_gateways() -> dict[str, Gateway]:
    """Return the gateways of this office by name; without any, money waits."""
    return set_up(balance_of=running_balance)
