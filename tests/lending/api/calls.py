"""Call the API of lending, and make what it needs by hand."""

import json
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection

from config.office.actors import SYSTEM
from lending.domain.origination.offer import OfferState
from lending.domain.origination.rules import Outcome
from lending.models import Decision, Loan, Offer
from tests.conftest import NOW
from tests.lending.loans import application_of, make_loan
from tests.partners import Api

EVIDENCE = {
    "signatory": "The owner",
    "signed_at": "2026-03-01T09:30:00+08:00",
    "document_sha256": "a" * 64,
    "address": "192.0.2.1",
}
APPS = {"merchants", "scoring", "lending", "office"}


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def post(api: Api, path: str, body: object, *, key: str | None = "key-1") -> tuple[int, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.send(path, json.dumps(body).encode(), "application/json", **headers)


def everything() -> list[tuple[str, str]]:
    """Read every row of ours, as a text beside its table: in one question, which the connection plans once."""
    with connection.cursor() as cursor:
        cursor.execute(_question())
        rows: list[tuple[str, str]] = cursor.fetchall()
    return rows


@cache
def _question() -> str:
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label in APPS]
    return " UNION ALL ".join(f"SELECT '{table}', t::text FROM {table} t" for table in tables) + " ORDER BY 1, 2"


def decide(loan: Loan) -> Loan:
    """Write the decision that a loan made by hand lacks."""
    Decision.objects.create(
        application=application_of(loan),
        outcome=Outcome.APPROVE,
        ground="",
        snapshot="{}",
        snapshot_sha256="a" * 64,
        result="{}",
        actor=str(SYSTEM),
        reason="",
        booked_at=NOW,
    )
    return loan


def open_offer(loan: Loan | None = None) -> Offer:
    """Make an open offer to a merchant that has a loan: 1,000 to 500,000 yuan, over 1 to 12 months."""
    offer = application_of(loan or make_loan()).offer
    offer.pk = None
    offer.state, offer.closed_at = OfferState.MADE, None
    offer.save(force_insert=True)
    return offer
