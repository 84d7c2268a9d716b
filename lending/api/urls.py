"""Routes of the lending API."""

from django.urls import path

from config.api.ids import register_ids
from lending.api.applications import AcceptView, ApplicationView
from lending.api.collections import CollectionResultView, CollectionsView
from lending.api.lines import DrawQuoteView, DrawsView, LinesView, LineView
from lending.api.loans import EventsView, LoansView, LoanView, PayoffView, ScheduleView
from lending.api.merchant_offer import MerchantOfferView
from lending.api.offers import DeclineView, DeliveredView, OffersView, OfferView, QuoteView
from lending.api.repayments import BounceView, RepaymentsView

register_ids("offer", "application", "line", "loan")

urlpatterns = [
    path("merchants/<path:external_id>/offer", MerchantOfferView.as_view(), name="merchant-offer"),
    path("offers", OffersView.as_view(), name="offers"),
    path("offers/<offer:offer_id>", OfferView.as_view(), name="offer"),
    path("offers/<offer:offer_id>/quote", QuoteView.as_view(), name="offer-quote"),
    path("offers/<offer:offer_id>/accept", AcceptView.as_view(), name="offer-accept"),
    path("offers/<offer:offer_id>/decline", DeclineView.as_view(), name="offer-decline"),
    path("offers/<offer:offer_id>/delivered", DeliveredView.as_view(), name="offer-delivered"),
    path("applications/<application:application_id>", ApplicationView.as_view(), name="application"),
    path("lines", LinesView.as_view(), name="lines"),
    path("lines/<line:line_id>", LineView.as_view(), name="line"),
    path("lines/<line:line_id>/quote", DrawQuoteView.as_view(), name="line-quote"),
    path("lines/<line:line_id>/draws", DrawsView.as_view(), name="line-draws"),
    path("collections", CollectionsView.as_view(), name="collections"),
    path("collections/<uuid:key>/result", CollectionResultView.as_view(), name="collection-result"),
    path("loans", LoansView.as_view(), name="loans"),
    path("loans/<loan:loan_id>", LoanView.as_view(), name="loan"),
    path("loans/<loan:loan_id>/schedule", ScheduleView.as_view(), name="loan-schedule"),
    path("loans/<loan:loan_id>/events", EventsView.as_view(), name="loan-events"),
    path("loans/<loan:loan_id>/payoff", PayoffView.as_view(), name="loan-payoff"),
    path("loans/<loan:loan_id>/repayments", RepaymentsView.as_view(), name="loan-repayments"),
    path("loans/<loan:loan_id>/repayments/<int:seq>/bounce", BounceView.as_view(), name="loan-bounce"),
]
