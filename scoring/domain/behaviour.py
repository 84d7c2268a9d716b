"""How a merchant repays, as lending reports it at the end of a day."""

from typing import NamedTuple


class Behaviour(NamedTuple):
    """How a merchant stands with its loans at the end of a day; without a loan, everything is 0.

    Amounts in minor units. dpd: days past due, the worst of its loans. scheduled_minor, repaid_minor: of the principal
    of its open loans, what was scheduled to date and what is repaid; the second ÷ the first is the pace.
    loans_repaid: loans repaid in full, ever.
    """

    merchant_id: int
    dpd: int = 0
    scheduled_minor: int = 0
    repaid_minor: int = 0
    loans_repaid: int = 0
