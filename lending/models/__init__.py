"""Tables of lending."""

from lending.models.application import Application, Decision
from lending.models.arrears import ArrearsCase, CaseContact, PaymentPromise
from lending.models.bank import Bank, BankAnswer, BankFile, BankStatement, StatementLine
from lending.models.calendar import CalendarVersion
from lending.models.day_close import DayClose, ProofLine
from lending.models.delinquency import DelinquencyPolicy, LoanSpell
from lending.models.handover import CaseHandover
from lending.models.ledger import AccountDay, Entry, LedgerAccount, Posting
from lending.models.letters import DunningPolicy, Letter
from lending.models.line import Line, LineEvent
from lending.models.loan import Instalment, Loan, LoanEvent, ProductExposure
from lending.models.loan_book import ImportedLoan
from lending.models.month_close import MonthClose
from lending.models.offer import GrantedLimit, Offer, OfferRound
from lending.models.portfolio import DelinquencyFigures, LoanFlow, LoanOrigin, PortfolioFigures
from lending.models.product import ProductVersion
from lending.models.provision import LoanProvision, ProvisionMonth, ProvisionPolicy
from lending.models.transfer import Transfer
from lending.models.watch import EarlyWarning, PeerCell, WatchPolicy, WatchRun

__all__ = [
    "AccountDay",
    "Application",
    "ArrearsCase",
    "Bank",
    "BankAnswer",
    "BankFile",
    "BankStatement",
    "CalendarVersion",
    "CaseContact",
    "CaseHandover",
    "DayClose",
    "Decision",
    "DelinquencyFigures",
    "DelinquencyPolicy",
    "DunningPolicy",
    "EarlyWarning",
    "Entry",
    "GrantedLimit",
    "ImportedLoan",
    "Instalment",
    "LedgerAccount",
    "Letter",
    "Line",
    "LineEvent",
    "Loan",
    "LoanEvent",
    "LoanFlow",
    "LoanOrigin",
    "LoanProvision",
    "LoanSpell",
    "MonthClose",
    "Offer",
    "OfferRound",
    "PaymentPromise",
    "PeerCell",
    "PortfolioFigures",
    "Posting",
    "ProductExposure",
    "ProductVersion",
    "ProofLine",
    "ProvisionMonth",
    "ProvisionPolicy",
    "StatementLine",
    "Transfer",
    "WatchPolicy",
    "WatchRun",
]
