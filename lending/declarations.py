"""What lending declares to the ground."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from config.declarations import EVERYONE, Declaration, Link, Role, Section
from lending.domain.books.booking import BACK_DATED_AT_MOST

DECLARED = Declaration(
    rights={
        "lending.add_productversion": frozenset({Role.RISK_MANAGER}),
        "lending.cancel_loan": frozenset({Role.RISK_MANAGER}),
        "lending.change_rate_loan": frozenset({Role.RISK_MANAGER}),
        "lending.charge_loan": frozenset({Role.FINANCE}),
        "lending.decide_any_application": frozenset({Role.RISK_MANAGER}),
        "lending.decide_application": frozenset({Role.UNDERWRITER, Role.RISK_MANAGER}),
        "lending.enter_application": frozenset({Role.UNDERWRITER}),
        "lending.pay_out_loan": frozenset({Role.FINANCE}),
        "lending.refund_loan": frozenset({Role.FINANCE}),
        "lending.repay_loan": frozenset({Role.FINANCE}),
        "lending.restructure_loan": frozenset({Role.RISK_MANAGER}),
        "lending.return_loan": frozenset({Role.FINANCE}),
        "lending.reverse_loan": frozenset({Role.FINANCE}),
        "lending.settle_loan": frozenset({Role.RISK_MANAGER}),
        "lending.start_dayclose": frozenset({Role.FINANCE}),
        "lending.view_application": EVERYONE,
        "lending.view_dayclose": EVERYONE,
        "lending.view_loan": EVERYONE,
        "lending.view_offer": EVERYONE,
        "lending.view_productversion": EVERYONE,
        "lending.view_transfer": EVERYONE,
        "lending.waive_loan": frozenset({Role.RISK_MANAGER}),
        "lending.write_off_loan": frozenset({Role.RISK_MANAGER}),
    },
    problems={
        "no_business_date": "The office has no business day open: nothing can be booked yet.",
        "nothing_published": "No scores are published yet, so nothing can be decided.",
        "feed_red": "Your feed is silent, halved or doubled against its past: offers are held until it is as usual.",
        "scores_outdated": "The published scores lack what the present rules read: ask again after the next night.",
        "offer_not_open": "The offer is no longer open: ask for the merchant's offer again.",
        "offer_expired": "The offer has expired: ask for the merchant's offer again.",
        "offer_not_moved": "The offer is no longer open, or this was said of it before: read it to see its state.",
        "months_out_of_range": "The offer has no such term: its `terms` are those to choose from.",
        "amount_below_minimum": "The amount is below the offer's `minimum`.",
        "amount_above_limit": "The amount is above the offer's `limit`.",
        "instalments_too_large": "Over so short a term the instalments would be too large: see `most` in `terms`.",
        "evidence_missing": "The evidence that the terms were signed is missing.",
        "evidence_malformed": "The evidence is not whole: signer, SHA-256 of the document in lower case, address.",
        "payout_account_not_verified": "The merchant has no verified payout account: enter one, and staff verify it.",
        "not_disbursed": "The loan's money is not out.",
        "in_the_future": "The date is after the business date.",
        "too_far_back": f"The date is more than {BACK_DATED_AT_MOST.days} days back: nothing so old is booked, "
        "neither over REST nor by the office.",
        "before_the_loan": "The loan was paid out after this date.",
        "amount_not_positive": "The amount must be above 0.",
        "amount_implausible": "The amount is above twice what the loan owes, and above twice what was lent.",
        "not_bookable": "The loan's contract does not allow this.",
    },
    links=[
        Link(section=Section.LENDING, title=_("Products"), icon="sell", app="lending", model="productversion"),
        Link(section=Section.LENDING, title=_("Offers"), icon="local_offer", app="lending", model="offer"),
        Link(section=Section.LENDING, title=_("Applications"), icon="rule", app="lending", model="application"),
        Link(section=Section.LENDING, title=_("Loans"), icon="payments", app="lending", model="loan"),
        Link(
            section=Section.LENDING,
            title=_("Payouts and collections"),
            icon="sync_alt",
            app="lending",
            model="transfer",
        ),
        Link(section=Section.LENDING, title=_("Day closes"), icon="event_available", app="lending", model="dayclose"),
    ],
    scopes={
        "offers:read": "Read offers, quotes and applications",
        "offers:write": "Accept and decline offers, mark them as delivered",
        "loans:read": "Read loans",
        "loans:write": "Report repayments",
    },
    beat={
        "lending.settle_transfers": timedelta(minutes=1),
        "lending.write_off_late_loans": timedelta(hours=1),
    },
    due=["lending.close_due_day", "lending.start_due_round"],
    search=["lending.admin.merchant.find_merchants", "lending.admin.merchant.find_lending"],
    dashboard="lending.admin.dashboard.fill_dashboard",
)
