"""Read the rows of a loan book: what another system says of each of its loans at a cut-over date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from json import dumps
from typing import Any, Final

from config.kernel.documents import Unfit, choice_of, date_of, decimal_of, load, shown, text_of, unfit, written
from config.kernel.money import BadAmount, is_currency, parse_minor
from lending.domain.books.ledger import Position
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import Method
from scoring.domain.calibration import Grade

Cells = Mapping[str, str]
Row = tuple[int, Cells]
"""A row with its line, counted from 1 after the header."""

BALANCES: Final = ("open_principal", "open_interest", "open_penalty", "open_fees", "credit")
RARE_BALANCES: Final = ("claim", "owed_back")
"""Of written-off loans, and of payments that bounced after they were refunded: 0 where the column is missing."""
LOAN_REQUIRED: Final = (
    *("loan", "partner", "merchant", "currency", "principal", "rate", "method", "periods", "disbursed_on"),
    *BALANCES,
    "days_past_due",
)
LOAN_COLUMNS: Final = (*LOAN_REQUIRED, "product", "version", "grade", "first_due", "terms", *RARE_BALANCES)
SCHEDULE_REQUIRED: Final = ("loan", "no", "due", "principal", "interest")
EVENT_REQUIRED: Final = ("loan", "on", "type")
EVENT_COLUMNS: Final = (*EVENT_REQUIRED, "amount", "rate", "periods", "of", "external_ref")

STANDARD: Final = frozenset(
    {"day_count", "every", "unit", "grace_days", "tolerance_minor", "penalty_multiple_extra", "prepayment", "waterfall"}
)
SCHEDULE_ONLY: Final = frozenset(
    {
        *("instalment_minor", "instalment_multiple_minor", "instalment_rounding", "remainder", "principal_grace"),
        *("month_end", "last_due", "down_payment", "business_days", "calendar", "minimum_share", "minimum_minor"),
        "broken_period",
    }
)
"""Further terms that change what falls due when, and not how interest accrues: a night knows loans that have them."""
LONGEST_TEXT: Final = 100
HIGHEST_DPD: Final = 36_500


class BookRefusal(StrEnum):
    """Why a loan of a book is not taken over; the first that applies counts."""

    UNREADABLE = "UNREADABLE"
    NUMBER_TWICE = "NUMBER_TWICE"
    IMPORTED_OTHERWISE = "IMPORTED_OTHERWISE"
    UNKNOWN_MERCHANT = "UNKNOWN_MERCHANT"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    REFERENCE_USED = "REFERENCE_USED"
    BAD_TERMS = "BAD_TERMS"
    NOT_BEFORE_CUT_OVER = "NOT_BEFORE_CUT_OVER"
    NOT_DISBURSED = "NOT_DISBURSED"
    DISBURSED_OTHERWISE = "DISBURSED_OTHERWISE"
    EVENTS_MAKE_NO_LOAN = "EVENTS_MAKE_NO_LOAN"
    SCHEDULE_DIFFERS = "SCHEDULE_DIFFERS"
    BALANCE_DIFFERS = "BALANCE_DIFFERS"
    DAYS_PAST_DUE_DIFFER = "DAYS_PAST_DUE_DIFFER"


class NotTaken(Exception):
    """A loan of a book is not taken over; the message says what is wrong, and where."""

    def __init__(self, reason: BookRefusal, message: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What is open of a loan, in minor units: the columns of the book by these names."""

    open_principal: int = 0
    open_interest: int = 0
    open_penalty: int = 0
    open_fees: int = 0
    credit: int = 0
    claim: int = 0
    owed_back: int = 0

    @classmethod
    def of(cls, position: Position) -> "Balances":
        """Tell them from a position in our books."""
        return cls(
            open_principal=position.principal_minor,
            open_interest=position.interest_open_minor,
            open_penalty=position.penalty_open_minor,
            open_fees=position.fees_open_minor,
            credit=position.credit_minor,
            claim=position.lost_minor - position.recovered_minor,
            owed_back=position.receivable_minor,
        )


BALANCE_NAMES: Final = tuple(field.name for field in fields(Balances))


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLoan:
    """What the files hold of one loan: its row, or what is wrong with it, and those of its schedule and history.

    number: as far as it can be told. is_twice: another row has it, too. shared: references that stand twice among the
    events of its partner's loans.
    """

    line: int
    number: str
    is_twice: bool
    shared: Sequence[str]
    row: Cells | str
    schedule: Sequence[Row]
    events: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookHead:
    """What a loan's own row says. rate: yearly. product, grade: "" where the row does not say."""

    loan: str
    partner: str
    merchant: str
    product: str
    version: int | None
    grade: str
    currency: str
    principal_minor: int
    rate: Decimal
    method: Method
    periods: int
    first_due: date | None
    disbursed_on: date
    terms: Mapping[str, Any]
    balances: Balances
    days_past_due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLoan:
    """A loan of a book: its row, its schedule, and its events in the order of booking, each with a reference or ""."""

    head: BookHead
    schedule: tuple[Instalment, ...]
    events: tuple[LoanEvent, ...]
    references: tuple[str, ...]

    def digest(self, *, cut_over: date) -> str:
        """Return the SHA-256 of all that the book says of the loan: the same for CSV and Parquet."""
        schedule = tuple(row._asdict() for row in self.schedule)
        events = tuple(_said(event) for event in self.events)
        said = (self.head, schedule, events, self.references, cut_over)
        return sha256(dumps(written(said), sort_keys=True).encode()).hexdigest()


def _said(event: LoanEvent) -> dict[str, object]:
    """Return an event's fields, without those that no event of a book has: a digest outlives them."""
    return {name: value for name, value in event._asdict().items() if name not in {"due", "prepayment"}}


def read_head(raw: RawLoan) -> BookHead:
    """Read a loan's own row. Raises NotTaken (UNREADABLE)."""
    if isinstance(raw.row, str):
        raise NotTaken(BookRefusal.UNREADABLE, f"loans, row {raw.line}: {raw.row}")
    cells = {name: cell for name, cell in raw.row.items() if cell or name in LOAN_REQUIRED}
    try:
        currency = text_of(cells, "currency")
        if not is_currency(currency):
            raise unfit(currency, "currency", "a currency code")
        return BookHead(
            loan=_name(cells, "loan"),
            partner=_name(cells, "partner"),
            merchant=_name(cells, "merchant"),
            product=_name(cells, "product") if "product" in cells else "",
            version=_whole(cells, "version") if "version" in cells else None,
            grade=choice_of(cells, "grade", Grade) if "grade" in cells else "",
            currency=currency,
            principal_minor=_amount(cells, "principal", currency),
            rate=_rate(cells, "rate"),
            method=choice_of(cells, "method", Method),
            periods=_whole(cells, "periods"),
            first_due=date_of(cells, "first_due") if "first_due" in cells else None,
            disbursed_on=date_of(cells, "disbursed_on"),
            terms=_terms(cells.get("terms", "{}")),
            balances=Balances(**{name: _amount(cells, name, currency) for name in BALANCE_NAMES if name in cells}),
            days_past_due=_whole(cells, "days_past_due"),
        )
    except Unfit as error:
        raise NotTaken(BookRefusal.UNREADABLE, f"loans, row {raw.line}: {error}") from error


def read_loan(raw: RawLoan, head: BookHead) -> BookLoan:
    """Read a loan's schedule and history beside its row. Raises NotTaken (UNREADABLE, EVENTS_MAKE_NO_LOAN)."""
    schedule = []
    for line, cells in raw.schedule:
        try:
            row = Instalment(
                no=_whole(cells, "no"),
                due=date_of(cells, "due"),
                principal_minor=_amount(cells, "principal", head.currency),
                interest_minor=_amount(cells, "interest", head.currency),
            )
        except Unfit as error:
            raise NotTaken(BookRefusal.UNREADABLE, f"schedule, row {line}: {error}") from error
        schedule.append(row)
    events = tuple(_event(str(place), line, cells, head.currency) for place, (line, cells) in enumerate(raw.events, 1))
    return BookLoan(
        head=head,
        schedule=tuple(sorted(schedule, key=lambda row: row.no)),
        events=events,
        references=tuple(_reference(line, cells) for line, cells in raw.events),
    )


def _event(place: str, line: int, row: Cells, currency: str) -> LoanEvent:
    cells = {name: cell for name, cell in row.items() if cell or name in EVENT_REQUIRED}
    try:
        return LoanEvent(
            id=place,
            on=date_of(cells, "on"),
            type=choice_of(cells, "type", EventType),
            amount_minor=_amount(cells, "amount", currency) if "amount" in cells else None,
            rate=_rate(cells, "rate") if "rate" in cells else None,
            periods=_whole(cells, "periods") if "periods" in cells else None,
            of=str(_whole(cells, "of")) if "of" in cells else None,
        )
    except Unfit as error:
        raise NotTaken(BookRefusal.UNREADABLE, f"events, row {line}: {error}") from error
    except LoanRefused as error:
        raise NotTaken(BookRefusal.EVENTS_MAKE_NO_LOAN, f"events, row {line}: {error.reason}: {error}") from error


def _reference(line: int, cells: Cells) -> str:
    reference = cells.get("external_ref", "")
    try:
        return _name(cells, "external_ref") if reference else ""
    except Unfit as error:
        raise NotTaken(BookRefusal.UNREADABLE, f"events, row {line}: {error}") from error


def _name(cells: Cells, name: str) -> str:
    value = text_of(cells, name)
    if len(value) > LONGEST_TEXT or not value.isprintable() or value != value.strip():
        raise unfit(value, name, f"a text of at most {LONGEST_TEXT} characters, without white space around it")
    return value


def _whole(cells: Cells, name: str) -> int:
    value = cells[name]
    if not value.isascii() or not value.isdecimal() or int(value[:6]) > HIGHEST_DPD or len(value) > len("36500"):
        raise unfit(value, name, f"a whole number of 0 to {HIGHEST_DPD:,}")
    return int(value)


def _amount(cells: Cells, name: str, currency: str) -> int:
    try:
        minor = parse_minor(cells[name], currency)
    except BadAmount as error:
        raise unfit(cells[name], name, f"an amount of {currency}") from error
    if minor < 0:
        raise unfit(cells[name], name, "an amount of 0 or more")
    return minor


def _rate(cells: Cells, name: str) -> Decimal:
    rate = decimal_of(cells, name)
    return Decimal(format(rate.normalize(), "f"))


def _terms(text: str) -> Mapping[str, Any]:
    try:
        found = load(text)
    except ValueError as error:
        message = f"terms: {error}"
        raise Unfit(message) from error
    if not isinstance(found, dict):
        raise unfit(text, "terms", "an object of named terms")
    strange = sorted(found.keys() - STANDARD - SCHEDULE_ONLY)
    if strange:
        message = f"terms: {shown(strange[0])} is not a term that a book may set"
        raise Unfit(message)
    return found
