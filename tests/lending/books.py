"""Make loan books as another system would hand them out: what the contract engine says of loans, as texts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from config.kernel.money import format_minor
from lending.domain.books.book_rows import (
    BALANCE_NAMES,
    EVENT_COLUMNS,
    LOAN_COLUMNS,
    SCHEDULE_REQUIRED,
    Balances,
)
from lending.domain.books.projection import project
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.replay import replay
from lending.domain.contract.terms import parse_terms, write_terms
from lending.domain.origination.product import LENDABLE, terms_of
from lending.domain.origination.product_document import DAY_ONE_PRODUCT, canonical_product, parse_product
from merchants.gateways.feed_files import write_feed_file

CUT_OVER: Final = date(2026, 3, 1)
LENT_ON: Final = date(2025, 11, 20)
Cells = dict[str, str]
Event = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Written:
    """One loan of a book, as its three files say it."""

    loan: Cells
    schedule: list[Cells]
    events: list[Cells]


@cache
def standard_terms() -> dict[str, Any]:
    """Return what loans of the first product have in common."""
    product = parse_product(*canonical_product(DAY_ONE_PRODUCT.read_text()))
    return write_terms(terms_of(product, grade=LENDABLE[0], principal_minor=1, months=1))


def written_loan(
    number: str,
    *history: Event,
    merchant: str,
    principal_minor: int = 1_200_000,
    rate: str = "0.146",
    method: str = "EQUAL_INSTALMENTS",
    periods: int = 6,
    lent_on: date = LENT_ON,
    cut_over: date = CUT_OVER,
    terms: Mapping[str, Any] | None = None,
) -> Written:
    """Write a loan with what happened after its disbursement, each as the fields of a `LoanEvent` and a `ref`."""
    currency = "CNY"
    own = {"principal_minor": principal_minor, "currency": currency, "rate": rate, "method": method, "periods": periods}
    parsed = parse_terms({**standard_terms(), **(terms or {}), **own})
    paid_out = {"on": lent_on, "type": EventType.DISBURSEMENT, "amount_minor": principal_minor}
    happened = [dict(one) for one in (paid_out, *history)]
    references = [one.pop("ref", "") for one in happened]
    events = [LoanEvent(id=str(place), **one) for place, one in enumerate(happened, 1)]
    replayed = replay(parsed, events)
    projection = project(replayed, as_of=cut_over)
    balances = Balances.of(projection.position)
    return Written(
        loan={
            "loan": number,
            "partner": "bazaar",
            "merchant": merchant,
            "currency": currency,
            "principal": format_minor(principal_minor, currency),
            "rate": rate,
            "method": method,
            "periods": str(periods),
            "disbursed_on": str(lent_on),
            "grade": "B1",
            "terms": json.dumps(terms) if terms else "",
            "days_past_due": str(projection.dpd),
            **{name: format_minor(getattr(balances, name), currency) for name in BALANCE_NAMES},
        },
        schedule=[
            {
                "loan": number,
                "no": str(row.no),
                "due": str(row.due),
                "principal": format_minor(row.principal_minor, currency),
                "interest": format_minor(row.interest_minor, currency),
            }
            for row in replayed.schedule
        ],
        events=[
            {
                "loan": number,
                "on": str(event.on),
                "type": event.type.value,
                "amount": "" if event.amount_minor is None else format_minor(event.amount_minor, currency),
                "rate": "" if event.rate is None else format(event.rate, "f"),
                "periods": str(event.periods or ""),
                "of": event.of or "",
                "external_ref": reference,
            }
            for event, reference in zip(events, references, strict=True)
        ],
    )


def pays(on: date, minor: int, ref: str = "") -> Event:
    """Return a repayment."""
    return {"on": on, "type": EventType.REPAYMENT, "amount_minor": minor, "ref": ref}


def happens(on: date, kind: EventType, **figure: object) -> Event:
    """Return another event."""
    return {"on": on, "type": kind, **figure}


def some_history(number: int) -> list[Event]:
    """Return one of the histories that loans of a real book have, by its number."""
    month = timedelta(days=30)
    first = LENT_ON + month
    histories: list[list[Event]] = [
        [],
        [pays(first, 209_000, f"pay-{number}-1"), pays(first + month, 209_000, f"pay-{number}-2")],
        [pays(first + timedelta(days=9), 100_000), happens(first + month, EventType.CHARGE, amount_minor=5_000)],
        [pays(first, 5_000_000)],  # repaid, and more: the rest is credit
        [pays(first, 400_000), happens(first + month, EventType.RATE_CHANGE, rate=Decimal("0.12"))],
        [pays(first, 100_000), happens(first, EventType.REVERSAL, of="2"), pays(first, 300_000)],
        [happens(first + 2 * month, EventType.WRITE_OFF), pays(first + 2 * month + timedelta(days=5), 50_000)],
        [pays(first, 300_000), happens(first + timedelta(days=2), EventType.RE_AMORTISE, periods=4)],
        [pays(first, 209_000), pays(first + month, 209_000), pays(first + 2 * month + timedelta(days=3), 220_000)],
    ]
    return histories[number % len(histories)]


def control_of(loans: Sequence[Written], *, cut_over: date = CUT_OVER) -> dict[str, Any]:
    """Return the control totals that a book's own rows come to."""
    sums = {
        name: format_minor(sum(int(one.loan[name].replace(".", "")) for one in loans), "CNY") for name in BALANCE_NAMES
    }
    return {"cut_over": str(cut_over), "loans": len(loans), "totals": {"CNY": sums}}


def write_book(
    folder: Path, loans: Sequence[Written], *, ending: str = "csv", control: Mapping[str, Any] | None = None
) -> Path:
    """Write the files of a book, and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "loans": (LOAN_COLUMNS, [one.loan for one in loans]),
        "schedule": (SCHEDULE_REQUIRED, [row for one in loans for row in one.schedule]),
        "events": (EVENT_COLUMNS, [row for one in loans for row in one.events]),
    }
    for name, (columns, rows) in files.items():
        texts = ([row.get(column, "") for column in columns] for row in rows)
        write_feed_file(folder / f"{name}.{ending}", columns, texts)
    (folder / "control.json").write_text(json.dumps(control or control_of(loans)))
    return folder
