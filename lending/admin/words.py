"""Lending's states and reasons in the words of the office: one table each, complete by test."""

from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

from config.office.words import Words
from lending.domain.books.booking import BACK_DATED_AT_MOST, MOST_PERIODS, BookingRefusal
from lending.domain.books.day_close import EXPOSURE, CloseRefusal, CloseState, OpeningRefusal
from lending.domain.books.instalment import InstalmentState
from lending.domain.books.ledger import ACCRUAL, OPENING, PROVISION, RESOLUTION, STATEMENT, Account, AccountKind
from lending.domain.books.loan import LoanStatus
from lending.domain.books.month_close import MonthRefusal
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.assessment import NoOffer
from lending.domain.origination.decision import DecisionRefusal
from lending.domain.origination.eligibility import Ineligible
from lending.domain.origination.kinds.kind import Opening
from lending.domain.origination.limit import Cap
from lending.domain.origination.line import DrawRefusal, LineEventType, LineRefusal, LineState
from lending.domain.origination.no_offer import Measure
from lending.domain.origination.offer import AcceptanceRefusal, OfferState
from lending.domain.origination.product import Band, Months, ProductKind
from lending.domain.origination.review import ReviewRefusal
from lending.domain.origination.rules import Ground, Outcome
from lending.operations.products import EntryRefusal
from lending.queries.portfolio import Lateness
from scoring.domain.policy import NotScored
from scoring.domain.run import SingleRefusal

VERIFIED_THE_ACCOUNT: Final = _(
    "You verified the merchant's payout account, or approved that: someone else has to enter what it applies for."
)
BOOKED_MEANWHILE: Final = _("Something was booked on this loan meanwhile. Please look at the effects again.")

LOAN_STATUSES: Final = {
    LoanStatus.APPROVED: (_("Approved, not yet paid out"), "tl-warn"),
    LoanStatus.ACTIVE: (_("Active"), "tl-ok"),
    LoanStatus.CLOSED: (_("Repaid"), ""),
    LoanStatus.WRITTEN_OFF: (_("Written off"), "tl-bad"),
    LoanStatus.CANCELLED: (_("Cancelled"), ""),
}
LATE: Final = (_("Past due"), "tl-bad")
LATENESS: Final = {Lateness.ANY: _("1 or more"), Lateness.DELINQUENT: _("30 or more")}
INSTALMENT_STATES: Final = {
    InstalmentState.AHEAD: (_("Not due"), ""),
    InstalmentState.DUE: (_("Due today"), "tl-warn"),
    InstalmentState.LATE: (_("Past due"), "tl-bad"),
    InstalmentState.PAID: (_("Paid"), "tl-ok"),
    InstalmentState.WRITTEN_OFF: (_("Written off"), ""),
}
EVENT_TYPES: Final = {
    EventType.DISBURSEMENT: _("Paid out"),
    EventType.REPAYMENT: _("Repayment"),
    EventType.CHARGE: _("Fee charged"),
    EventType.RATE_CHANGE: _("Rate changed"),
    EventType.REVERSAL: _("Reversal"),
    EventType.APPLY_CREDIT: _("Paid from credit"),
    EventType.REFUND_CREDIT: _("Credit paid back"),
    EventType.BOUNCE: _("Payment bounced"),
    EventType.PAUSE: _("Payments paused"),
    EventType.EXTEND: _("Term extended"),
    EventType.RE_AMORTISE: _("Re-amortised"),
    EventType.RE_AGE: _("Re-aged"),
    EventType.WAIVE_INTEREST: _("Interest waived"),
    EventType.WAIVE_PENALTY: _("Penalty waived"),
    EventType.WAIVE_FEE: _("Fee waived"),
    EventType.SETTLEMENT: _("Settled for less"),
    EventType.WRITE_OFF: _("Written off"),
}
BOOKING_REFUSALS: Final[dict[BookingRefusal, Words]] = {
    BookingRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    BookingRefusal.NOT_DISBURSED: _("The loan has not been paid out."),
    BookingRefusal.IN_THE_FUTURE: _("This date is after the business date."),
    BookingRefusal.TOO_FAR_BACK: format_lazy(
        _("This date is more than {days} days back."), days=BACK_DATED_AT_MOST.days
    ),
    BookingRefusal.NOT_BACK_DATED: _("This takes effect on the business date, and on no earlier one."),
    BookingRefusal.BEFORE_THE_LOAN: _("The loan was paid out after this date."),
    BookingRefusal.REASON_MISSING: _("Please give a reason."),
    BookingRefusal.REFERENCE_USED: _("This reference was used for another payment."),
    BookingRefusal.AMOUNT_IMPLAUSIBLE: _("This is far above what the loan owes: look at the amount again."),
    BookingRefusal.BOOKED_MEANWHILE: BOOKED_MEANWHILE,
    BookingRefusal.WRITTEN_OFF: _("The loan is written off: it can be paid, settled, or the write-off reversed."),
    BookingRefusal.MORE_THAN_IS_OPEN: _("Less than this is open as of that date."),
    BookingRefusal.NOTHING_LEFT_TO_SETTLE: _("This pays all that is owed: book it as a repayment."),
    BookingRefusal.NOTHING_TO_WRITE_OFF: _("Nothing is owed as of that date."),
    BookingRefusal.NOTHING_TO_REDRAW: _("Nothing would change: there is nothing as of that date to be drawn anew."),
    BookingRefusal.RATE_UNCHANGED: _("This is the loan's rate as of that date."),
    BookingRefusal.TOO_MANY_PERIODS: format_lazy(_("At most {most} instalments."), most=MOST_PERIODS),
    BookingRefusal.NOT_THIS_VERB: _("A payout is taken back by “Take the payout back”."),
}
LOAN_REFUSALS: Final = {
    LoanRefusal.BAD_TERMS: _("The terms are not valid."),
    LoanRefusal.BAD_EVENT: _("The loan's terms do not allow this, or not with this figure."),
    LoanRefusal.AMOUNT_NOT_POSITIVE: _("The amount must be above 0."),
    LoanRefusal.UNKNOWN_EVENT: _("There is no such event on this loan."),
    LoanRefusal.ALREADY_REVERSED: _("This event is reversed already."),
    LoanRefusal.NOT_REVERSIBLE: _("A reversal cannot be reversed: book its event again."),
    LoanRefusal.BEFORE_DISBURSEMENT: _("Reverse later events first: they depend on this payout."),
    LoanRefusal.ALREADY_DISBURSED: _("The loan is paid out already."),
    LoanRefusal.AMOUNT_NOT_PRINCIPAL: _("A loan is paid out in full."),
    LoanRefusal.CREDIT_TOO_SMALL: _("The loan does not hold that much credit, or later events have spent it."),
}
ACCOUNTS: Final = {
    Account.PRINCIPAL: _("Principal outstanding"),
    Account.INTEREST_RECEIVABLE: _("Interest receivable"),
    Account.PENALTY_RECEIVABLE: _("Penalty receivable"),
    Account.FEE_RECEIVABLE: _("Fees receivable"),
    Account.COLLECTION_CLEARING: _("Collection clearing"),
    Account.PAYOUT_CLEARING: _("Payout clearing"),
    Account.MERCHANT_CREDIT: _("Credit of merchants"),
    Account.MERCHANT_RECEIVABLE: _("Refunds owed back"),
    Account.INTEREST_INCOME: _("Interest income"),
    Account.PENALTY_INCOME: _("Penalty income"),
    Account.FEE_INCOME: _("Fee income"),
    Account.WAIVERS: _("Waivers"),
    Account.WRITE_OFFS: _("Write-offs"),
    Account.RECOVERIES: _("Recoveries"),
    Account.BANK: _("Bank accounts"),
    Account.SUSPENSE: _("Suspense"),
    Account.BANK_CHARGES: _("Bank charges"),
    Account.FUNDING: _("Funding"),
    Account.PROVISION: _("Provisions for credit losses"),
    Account.PROVISION_EXPENSE: _("Provision expense"),
}
ENTRY_CODE_WORDS: Final = {
    ACCRUAL: _("Earned"),
    OPENING: _("Taken over with the loan book"),
    STATEMENT: _("Bank statement"),
    RESOLUTION: _("Line in suspense explained"),
    PROVISION: _("Provided"),
    **{kind.name: words for kind, words in EVENT_TYPES.items()},
}
ACCOUNT_KINDS: Final = {
    AccountKind.ASSET: _("Assets"),
    AccountKind.LIABILITY: _("Liabilities"),
    AccountKind.INCOME: _("Income"),
    AccountKind.EXPENSE: _("Expenses"),
}
PROOF_LINES: Final = {EXPOSURE: _("Sums by product, category and status")} | {
    str(one): words for one, words in ACCOUNTS.items()
}
CLOSE_STATES: Final = {
    CloseState.WORKING: (_("In progress"), "tl-warn"),
    CloseState.PROVEN: (_("Books proven"), "tl-ok"),
    CloseState.BROKEN: (_("Proof failed"), "tl-bad"),
}
MONTH_REFUSALS: Final = {
    MonthRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    MonthRefusal.CLOSED_ALREADY: _("This month is closed already."),
    MonthRefusal.MONTH_NOT_OVER: _("The month is not over: a later business day has to be open."),
    MonthRefusal.DAYS_NOT_PROVEN: _("The books of its last day are not proven yet."),
    MonthRefusal.PROVISIONS_NOT_BOOKED: _("No provisions are booked for this month: enter a policy before its end."),
    MonthRefusal.EARLIER_MONTH_OPEN: _("An earlier month is still open: close that first."),
}
CLOSE_REFUSALS: Final = {
    CloseRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    CloseRefusal.ANOTHER_WORKS: _("Another day is being closed."),
    CloseRefusal.NOTHING_TO_CLOSE: _("Every day before the open one is closed, or no loan was ever paid out."),
    CloseRefusal.NOT_THE_DAY_SHOWN: _("Another day is next by now: look at it first."),
}
ENTRY_REFUSALS: Final = {
    EntryRefusal.CALENDAR_UNKNOWN: _("The calendar that it names is not entered: use manage.py enter_calendar."),
    EntryRefusal.VERSION_USED: _("This version of the product is entered with another content."),
}
OPENING_REFUSALS: Final = {
    OpeningRefusal.OPEN_ALREADY: _("A business day is open already."),
    OpeningRefusal.FAR_AWAY: _("This day is more than ten years away."),
    OpeningRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    OpeningRefusal.BY_CALENDAR: _("Days open by the calendar here."),
    OpeningRefusal.CLOSE_UNDER_WAY: _("A day is being closed: let it finish."),
    OpeningRefusal.NOT_THE_DAY_SHOWN: _("Another day is open by now: look at what the next one brings again."),
}
OFFER_STATES: Final = {
    OfferState.MADE: (_("Open"), "tl-ok"),
    OfferState.DELIVERED: (_("Open, seen"), "tl-ok"),
    OfferState.ACCEPTED: (_("Accepted"), ""),
    OfferState.DECLINED: (_("Declined by the merchant"), ""),
    OfferState.EXPIRED: (_("Expired"), ""),
    OfferState.REPLACED: (_("Replaced by a later one"), ""),
    OfferState.WITHDRAWN: (_("Withdrawn"), ""),
}
ACCEPTANCE_REFUSALS: Final = {
    AcceptanceRefusal.NOT_OPEN: _("The offer is no longer open."),
    AcceptanceRefusal.EXPIRED: _("The offer has expired."),
    AcceptanceRefusal.MONTHS_OUT_OF_RANGE: _("The offer does not include this term."),
    AcceptanceRefusal.AMOUNT_BELOW_MINIMUM: _("This is below the product minimum."),
    AcceptanceRefusal.AMOUNT_ABOVE_LIMIT: _("This is more than the offer."),
    AcceptanceRefusal.INSTALMENTS_TOO_LARGE: _("Over so short a term the instalments would be too large."),
    AcceptanceRefusal.EVIDENCE_MISSING: _("The evidence that the terms were signed is missing."),
    AcceptanceRefusal.EVIDENCE_MALFORMED: _(
        "The evidence is incomplete: who signed, the SHA-256 of the document, the address."
    ),
    AcceptanceRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: _("The merchant has no verified payout account."),
    AcceptanceRefusal.VERIFIED_THE_ACCOUNT: VERIFIED_THE_ACCOUNT,
    AcceptanceRefusal.LINE_OPEN: _("The merchant has a credit line already: draw on it."),
}
LINE_STATES: Final = {
    LineState.ACTIVE: (_("Active"), "tl-ok"),
    LineState.FROZEN: (_("Frozen"), "tl-warn"),
    LineState.CLOSED: (_("Closed"), ""),
}
LINE_EVENTS: Final = {
    LineEventType.OPENED: _("Opened"),
    LineEventType.DRAWN: _("Drawn"),
    LineEventType.RAISED: _("Limit raised"),
    LineEventType.CUT: _("Limit cut"),
    LineEventType.FROZEN: _("Frozen"),
    LineEventType.UNFROZEN: _("Unfrozen"),
    LineEventType.CLOSED: _("Closed"),
}
DRAW_REFUSALS: Final = {
    DrawRefusal.LINE_CLOSED: _("The line is closed."),
    DrawRefusal.LINE_FROZEN: _("The line is frozen: nothing new is drawn on it."),
    DrawRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: _("The merchant has no verified payout account."),
    DrawRefusal.VERIFIED_THE_ACCOUNT: VERIFIED_THE_ACCOUNT,
    DrawRefusal.NOTHING_LEFT: _("The amount left is below the minimum draw."),
    DrawRefusal.MONTHS_NOT_OFFERED: _("The line has no such term."),
    DrawRefusal.AMOUNT_BELOW_MINIMUM: _("This is below the minimum draw."),
    DrawRefusal.AMOUNT_ABOVE_FREE: _("This is more than is left of the line."),
    DrawRefusal.EVIDENCE_MALFORMED: _(
        "The evidence is incomplete: who signed, the SHA-256 of the document, the address."
    ),
}
LINE_REFUSALS: Final = {
    LineRefusal.NOT_ACTIVE: _("The line is not active."),
    LineRefusal.NOT_FROZEN: _("The line is not frozen."),
    LineRefusal.CLOSED: _("The line is closed."),
    LineRefusal.STILL_DRAWN: _("Loans under the line are not repaid yet."),
    LineRefusal.DRAW_WAITS: _("A draw waits for a person's decision."),
    LineRefusal.REASON_MISSING: _("Please give a reason."),
}
APPLICATION_REFUSALS: Final = {
    ApplicationRefusal.NO_BUSINESS_DATE: _("No business day is open."),
    ApplicationRefusal.SCORES_OUTDATED: _(
        "The published scores were made before the present rules, which read more: wait for the next run."
    ),
    ApplicationRefusal.FEED_RED: _(
        "The partner's feed looks abnormal: its offers are held until it is back to normal."
    ),
    ApplicationRefusal.REFERENCE_USED: _("This reference was used for another application."),
}
SINGLE_REFUSALS: Final = {
    SingleRefusal.NOTHING_PUBLISHED: _("No scores are published yet: the merchant cannot be scored."),
    SingleRefusal.FEATURE_SET_GONE: _(
        "The published scores were made by a version of the characteristics that is gone: wait for the next run."
    ),
}
APPLICATION_STATES: Final = {
    ApplicationState.REFERRED: (_("Waits for a decision"), "tl-warn"),
    ApplicationState.APPROVED: (_("Approved"), "tl-ok"),
    ApplicationState.DECLINED: (_("Declined"), ""),
}
APPLIED: Final = {
    ApplicationState.REFERRED: _("The application is entered, and referred to a person for decision."),
    ApplicationState.APPROVED: _("The application is approved."),
    ApplicationState.DECLINED: _("The application is entered, and declined by the rules."),
}
OUTCOMES: Final = {
    Outcome.APPROVE: _("Approved"),
    Outcome.REFER: _("Referred to a person"),
    Outcome.DECLINE: _("Declined"),
}
NO_OFFERS: Final = {
    NoOffer.NOT_SCORED: _("The merchant has no score."),
    NoOffer.SCORE_TOO_OLD: _("The score is too old."),
    NoOffer.GATE_FAILED: _("A hard rule fails."),
    NoOffer.GRADE_TOO_LOW: _("The grade is below the cut-off."),
    NoOffer.NOT_ELIGIBLE: _("The product is not for this merchant."),
    NoOffer.PAST_DUE: _("A loan of the merchant is past due."),
    NoOffer.DRAWS_HELD: _("A warning about the merchant's trade holds back new credit and draws."),
    NoOffer.CREDIT_HELD: _("A warning about the merchant's trade holds back new credit."),
    NoOffer.CALENDAR_ENDS: _("The product's calendar does not know the years in which instalments would fall due."),
    NoOffer.LIMIT_BELOW_MINIMUM: _("The limit is below the product minimum."),
    NoOffer.RAISE_PENDING: _("The limit is high enough, but not yet for enough nights."),
    NoOffer.NO_ROOM_LEFT: _("Active loans use up what is granted."),
}
MEASURES: Final = {
    Measure.ORDERS: _("orders: %(have)s, %(need)s required"),
    Measure.RECENT_SALES: _("recent sales: %(have)s, %(need)s required"),
    Measure.DAYS_SINCE_FIRST_SALE: _("days since the first sale: %(have)s, %(need)s required"),
    Measure.DAYS_SINCE_LAST_SALE: _("days since the last sale: %(have)s, %(need)s at most"),
    Measure.TENURE_MONTHS: _("months on the platform: %(have)s, %(need)s required"),
    Measure.DISPUTES_BPS: _("disputed orders in 10,000: %(have)s, %(need)s at most"),
    Measure.SCORE_AGE_DAYS: _("days since the score: %(have)s, %(need)s at most"),
    Measure.SCORE: _("score: %(have)s, %(need)s required"),
    Measure.DAYS_PAST_DUE: _("days past due: %(have)s, %(need)s at most"),
    Measure.AMOUNT_MINOR: _("available: %(have)s, the minimum is %(need)s"),
    Measure.NIGHTS: _("nights in a row: %(have)s, %(need)s required"),
}
NOT_SCORED_OFFER: Final = {
    NotScored.FEW_ORDERS: _("The merchant has no score: too few orders."),
    NotScored.NO_RECENT_SALE: _("The merchant has no score: no recent sale."),
    NotScored.TOO_YOUNG: _("The merchant has no score: too short a history."),
}
GROUNDS: Final = {
    **{Ground(reason.value): words for reason, words in NO_OFFERS.items()},
    Ground.TERM_BEYOND_CALENDAR: _("An instalment would fall due in a year that the product's calendar does not know."),
    Ground.MONTHS_OUT_OF_RANGE: _("The term is not offered to this grade."),
    Ground.AMOUNT_BELOW_MINIMUM: _("The amount is below the product minimum."),
    Ground.AMOUNT_ABOVE_LIMIT: _("The amount is above what the limit leaves."),
    Ground.DEBT_SERVICE: _("The instalments would take too much of a month's sales."),
    Ground.FLAGGED_SALES: _("Many sales look fabricated: a person should review them."),
    Ground.LARGE_AMOUNT: _("The amount is too large for automatic approval."),
    Ground.OWNER_PAST_DUE: _("Another merchant of the same owner is past due."),
}
REVIEW_REFUSALS: Final = {
    ReviewRefusal.NOT_REFERRED: _("The application is decided."),
    ReviewRefusal.VERSION_GONE: _(
        "This program no longer has the rules by which the application was referred, or what made its score."
    ),
    ReviewRefusal.SAME_PERSON: _("You entered this application: someone else has to decide it."),
    ReviewRefusal.VERIFIED_THE_ACCOUNT: _(
        "You verified the merchant's payout account, or approved that: someone else has to decide it."
    ),
    ReviewRefusal.NO_BAND: _("Your role may not decide applications."),
    ReviewRefusal.ABOVE_BAND: _("The amount is above what your role may decide."),
    ReviewRefusal.REASON_MISSING: _("Please give a reason."),
    ReviewRefusal.PAYOUT_ACCOUNT_NOT_VERIFIED: _("The merchant has no verified payout account."),
    ReviewRefusal.APPLICANT_VERIFIED_THE_ACCOUNT: _(
        "Whoever entered this application also verified the payout account, or approved that: decline it, and have "
        "somebody else apply."
    ),
    ReviewRefusal.LINE_NOT_ACTIVE: _("The line that is drawn on is frozen or closed."),
    ReviewRefusal.LINE_OPEN: _("The merchant has a credit line already."),
}
UNPROVEN: Final = {
    DecisionRefusal.OTHER_PRODUCT: _("The snapshot is of another product version: what was decided cannot be proven."),
    DecisionRefusal.OTHER_CALENDAR: _("The snapshot is of another calendar: what was decided cannot be proven."),
    DecisionRefusal.RULES_GONE: _(
        "This decision cannot be replayed: this program no longer has the version of the rules that made it."
    ),
}
INELIGIBLE: Final = {
    Ineligible.CURRENCY: _("another currency"),
    Ineligible.PARTNER: _("another partner"),
    Ineligible.REGION: _("another region"),
    Ineligible.CATEGORY: _("another category"),
    Ineligible.MEMBERSHIP: _("another membership"),
    Ineligible.TENURE: _("not long enough on the platform"),
    Ineligible.SCORE: _("the score is too low"),
}
METHODS: Final = {
    Method.EQUAL_INSTALMENTS: _("Equal instalments"),
    Method.EQUAL_PRINCIPAL: _("Instalments of equal principal"),
    Method.INTEREST_ONLY: _("Interest in instalments, principal at the end"),
    Method.BULLET: _("All at the end"),
    Method.MINIMUM_PAYMENT: _("Minimum payments"),
}
PERIODS: Final = {
    PeriodUnit.DAY: ngettext_lazy("day", "%(n)s days", "n"),
    PeriodUnit.WEEK: ngettext_lazy("week", "%(n)s weeks", "n"),
    PeriodUnit.MONTH: ngettext_lazy("month", "%(n)s months", "n"),
}
PREPAYMENTS: Final = {
    Prepayment.NEXT: _("the next instalments"),
    Prepayment.LAST: _("the last instalments"),
    Prepayment.PRO_RATA: _("all instalments alike"),
}
PRODUCT_KINDS: Final = {ProductKind.TERM: _("Term loan"), ProductKind.LINE: _("Credit line")}
OPENS: Final = {
    Opening.LOAN: _("If the rules approve, the payout is ordered."),
    Opening.LINE: _("If the rules approve, the line is open; no money moves until it is drawn on."),
}
BANDS: Final = {Band.UNDERWRITER: _("Underwriters decide"), Band.RISK_MANAGER: _("Risk managers decide")}
CAPS: Final = {
    Cap.GRADE_MULTIPLE: _("Multiple of a month's sales"),
    Cap.AFFORDABILITY: _("What sales can repay"),
    Cap.DEBT_SERVICE: _("Instalments against a month's sales"),
    Cap.YEARLY_SALES: _("Share of yearly sales"),
    Cap.WORST_MONTH: _("Multiple of the worst month"),
    Cap.LADDER: _("Ladder from earlier loans"),
    Cap.PRODUCT_MAXIMUM: _("Product's maximum"),
    Cap.PORTFOLIO_ROOM: _("Room left in the portfolio"),
    Cap.CATEGORY_ROOM: _("Room left in the category"),
    Cap.OWNER_ROOM: _("Room the owner's other merchants leave"),
}


def months_words(months: Months) -> Words:
    """Return a term in words: of none, that it is open."""
    if months is None:
        return _("open-ended")
    return ngettext("%(n)s month", "%(n)s months", months) % {"n": months}


def loan_chip(status: LoanStatus, dpd: int) -> tuple[Words, str]:
    """Return the words and colour of a loan's state: past due where an active one is."""
    return LATE if dpd and status is LoanStatus.ACTIVE else LOAN_STATUSES[status]


def late_words(dpd: int) -> str:
    """Return how late a loan is, as a sentence."""
    return ngettext("%(days)s day past due.", "%(days)s days past due.", dpd) % {"days": dpd}
