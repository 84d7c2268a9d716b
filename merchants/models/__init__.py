"""Tables of the registry and of the history."""

from merchants.models.batch import Batch, BatchIssue, StagedRow
from merchants.models.contact_detail import ContactDetail
from merchants.models.feed_day import FeedDay
from merchants.models.kept_request import KeptRequest
from merchants.models.merchant import FormerOwnership, Merchant, Owner
from merchants.models.partner import Partner, PartnerClient
from merchants.models.payout_account import PayoutAccount
from merchants.models.transaction import Transaction
from merchants.models.upload import FeedUpload

__all__ = [
    "Batch",
    "BatchIssue",
    "ContactDetail",
    "FeedDay",
    "FeedUpload",
    "FormerOwnership",
    "KeptRequest",
    "Merchant",
    "Owner",
    "Partner",
    "PartnerClient",
    "PayoutAccount",
    "StagedRow",
    "Transaction",
]
