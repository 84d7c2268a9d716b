"""Tables of lending."""

from lending.models.application import Application, Decision
from lending.models.day_close import DayClose, ProofLine
from lending.models.ledger import Entry, LedgerAccount, Posting
from lending.models.loan import Instalment, Loan, LoanEvent, ProductExposure
from lending.models.offer import CreditLine, Offer, OfferRound
from lending.models.product import ProductVersion
from lending.models.transfer import Transfer

__all__ = [
    "Application",
    "CreditLine",
    "DayClose",
    "Decision",
    "Entry",
    "Instalment",
    "LedgerAccount",
    "Loan",
    "LoanEvent",
    "Offer",
    "OfferRound",
    "Posting",
    "ProductExposure",
    "ProductVersion",
    "ProofLine",
    "Transfer",
]
