"""Prove the books: the ledger against the loans' rows, and the rows against the events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from config.kernel.calendar import EPOCH
from config.kernel.daycount import DAILY
from config.kernel.documents import load
from lending.domain.books.at_rest import standing_by_events
from lending.domain.books.bank_lines import bank_balances
from lending.domain.books.day_close import EVERY_LOAN_WITHIN, EXPOSURE, Balance
from lending.domain.books.ledger import POSITION_FIELDS, Account, Position, balances, shares_of_provisions
from lending.domain.books.plan import LoanHistory
from lending.domain.books.projection import project
from lending.domain.contract.flows import Flow, flows_of
from lending.domain.contract.refusal import LoanRefused
from lending.domain.contract.spells import Spell, spells_of
from lending.models import DayClose, Loan
from lending.queries.at_rest import fees_at, interest_at, penalty_at, places_on
from lending.queries.closes import last_event_before, last_night, latest_close
from lending.queries.loans import contracts_of, resting_of
from lending.queries.spells import kept_flows, kept_origins, kept_spells

LEFT: Final = """
SELECT loan_id, array_agg(left_minor ORDER BY no) FROM lending_instalment WHERE loan_id = ANY(%s::bigint[])
GROUP BY loan_id
"""
PAID_OUT: Final = """
SELECT loan_id, sum(minor) FROM (
    SELECT loan_id, moved_minor AS minor FROM lending_transfer
    WHERE loan_id = ANY(%(loans)s::bigint[]) AND kind = 'PAYOUT' AND state = 'DONE'
    UNION ALL
    SELECT loan_id, disbursed_minor FROM lending_importedloan WHERE loan_id = ANY(%(loans)s::bigint[])
) paid GROUP BY loan_id
"""
CHUNK: Final = 500
# What the ledger has of each loan: up to its last event, or to the end of the last night that was accrued for it.
PLACE: Final = "greatest(l.place, CASE WHEN l.id <= %(accrued_loans)s THEN c.after ELSE c.before END)"
REACHED: Final = "CASE WHEN l.id <= %(accrued_loans)s THEN %(morning)s::date ELSE %(day)s::date END"
AT_REST: Final = {
    "interest_minor": interest_at(PLACE),
    "penalty_minor": penalty_at(PLACE),
    "fees_minor": fees_at(REACHED),
}
# One statement, so one moment: what is booked meanwhile is in both or in neither. Of provisions, the last month's rows.
PROVE: Final = f"""
WITH ledger AS (
    SELECT account, currency, sum(amount) AS minor FROM (
        SELECT debit_id AS account, currency, amount_minor AS amount FROM lending_posting
        UNION ALL SELECT credit_id, currency, -amount_minor FROM lending_posting
    ) postings GROUP BY account, currency
), loans AS (
    SELECT l.currency, {", ".join(f"sum({AT_REST.get(name, f'l.{name}')}) AS {name}" for name in POSITION_FIELDS)}
    FROM lending_loan l
    LEFT JOIN unnest(%(day_counts)s::text[], %(before)s::bigint[], %(after)s::bigint[]) c (day_count, before, after)
        ON c.day_count = l.day_count
    GROUP BY l.currency
), lines AS (
    SELECT s.currency, l.contra_id, sum(l.amount_minor) AS minor
    FROM lending_statementline l JOIN lending_bankstatement s ON s.id = l.statement_id AND s.booked_at IS NOT NULL
    GROUP BY s.currency, l.contra_id
), closed AS (
    SELECT DISTINCT ON (bank) currency, closing_minor FROM lending_bankstatement WHERE booked_no IS NOT NULL
    ORDER BY bank, booked_no DESC
), provided AS (
    SELECT currency, sum(provision_minor)::bigint AS minor FROM lending_loanprovision
    WHERE month_id = (SELECT id FROM lending_provisionmonth WHERE booked_at IS NOT NULL ORDER BY month DESC LIMIT 1)
    GROUP BY currency
)
SELECT currency, {", ".join(f"coalesce(loans.{name}, 0)" for name in POSITION_FIELDS)}, coalesce(provided.minor, 0),
    (SELECT jsonb_object_agg(ledger.account, ledger.minor) FROM ledger WHERE ledger.currency = all_of.currency),
    (SELECT jsonb_object_agg(lines.contra_id, lines.minor) FROM lines WHERE lines.currency = all_of.currency),
    (SELECT coalesce(sum(closing_minor), 0) FROM closed WHERE closed.currency = all_of.currency)
FROM (SELECT currency FROM ledger UNION SELECT currency FROM loans) all_of LEFT JOIN loans USING (currency)
LEFT JOIN provided USING (currency) ORDER BY currency
"""  # noqa: S608 - constants only
ACCRUED: Final = f"""
SELECT l.id, {interest_at("greatest(l.place, c.place)")}, {penalty_at("greatest(l.place, c.place)")}, {fees_at("%s")}
FROM lending_loan l JOIN unnest(%s::text[], %s::bigint[]) c (day_count, place) ON c.day_count = l.day_count
WHERE l.id = ANY(%s)
"""  # noqa: S608 - constants only
# What was written since the last night, had an event since, or should have turned; each other loan once in some nights,
# as many with neighbouring ids at a time as fill pages of each table.
TO_VERIFY: Final = """
SELECT id FROM lending_loan
WHERE id >= %(first)s AND id < %(stop)s AND booked_to IS NOT NULL
    AND (booked_to > %(day)s OR turns_on <= %(day)s + 1 OR id / 1024 %% %(nights)s = %(night)s
        OR id IN (SELECT loan_id FROM lending_loanevent WHERE id > %(last_event)s))
ORDER BY id
"""
# What differs is added up without its sign, so that two wrong sums never cancel out.
EXPOSURES: Final = """
WITH found AS (
    SELECT p.code, l.currency, l.category, l.status, count(*) AS loans,
        sum(CASE l.status WHEN 'APPROVED' THEN l.amount_minor ELSE l.principal_minor END) AS minor,
        sum(l.disbursed_minor) AS disbursed_minor, sum(l.repaid_minor) AS repaid_minor
    FROM lending_loan l JOIN lending_productversion p ON p.id = l.product_id
    GROUP BY p.code, l.currency, l.category, l.status
)
SELECT currency, sum(coalesce(k.minor, 0)), sum(abs(coalesce(k.loans, 0) - coalesce(found.loans, 0))
    + abs(coalesce(k.minor, 0) - coalesce(CASE WHEN status IN ('APPROVED', 'ACTIVE') THEN found.minor END, 0))
    + abs(coalesce(k.disbursed_minor, 0) - coalesce(found.disbursed_minor, 0))
    + abs(coalesce(k.repaid_minor, 0) - coalesce(found.repaid_minor, 0)))
FROM lending_productexposure k FULL JOIN found USING (code, currency, category, status)
GROUP BY currency ORDER BY currency
"""


def prove_accounts() -> list[Balance]:
    """Compare the loans with every account in every currency, and with the sums that are kept of them."""
    close = latest_close()
    day = EPOCH if close is None else close.day
    nights: dict[str, Any] = {
        "accrued_loans": 0 if close is None else close.accrued_loans,
        "day_counts": list(DAILY),
        "day": day,
        "morning": day + timedelta(days=1),
        "before": places_on(day),
        "after": places_on(day + timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        cursor.execute(PROVE, nights)
        accounts = cursor.fetchall()
        cursor.execute(EXPOSURES)
        exposures = cursor.fetchall()
    return [
        *(
            Balance(account=account, currency=currency, ledger_minor=booked, loans_minor=share)
            for currency, *sums, provided, ledger, lines, closed in accounts
            for account, booked, share in _compared(
                sums,
                load(ledger or "{}"),
                shares_of_provisions(provided),
                bank_balances(load(lines or "{}"), closed_minor=int(closed)),
            )
        ),
        *(
            Balance(account=EXPOSURE, currency=currency, ledger_minor=int(kept), loans_minor=int(kept + gap))
            for currency, kept, gap in exposures
        ),
    ]


def _compared(
    sums: Sequence[int], ledger: Mapping[str, int], *others: Mapping[Account, int]
) -> Iterator[tuple[Account, int, int]]:
    loans = balances(Position(**dict(zip(POSITION_FIELDS, map(int, sums), strict=True))))
    for account in Account:
        yield account, int(ledger.get(account, 0)), sum(shares.get(account, 0) for shares in (loans, *others))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What rows beside the loans' own say of them, by loan.

    to: the end of the last night that was accrued for all. left: what is left of each instalment. spells: how late it
    was over time; flows, origins: what moved on it, and when it began. accrued: interest, penalty and fees to that
    night, in SQL.
    """

    to: date | None
    left: Mapping[int, tuple[int, ...]]
    spells: Mapping[int, list[Spell]]
    flows: Mapping[int, list[Flow]]
    origins: Mapping[int, tuple[date, date]]
    paid_out: Mapping[int, int]
    accrued: Mapping[int, tuple[int, int, int]]


def drifted_loans(loans: Sequence[Loan], *, have_turned: bool = False) -> list[int]:
    """List the loans whose rows are not what a replay of their events gives as of the date they are booked to.

    Compared are status, dates, position, what is due and late, what carries the loan on, what is left of each
    instalment, how late it was and what moved on it over time, that the payouts made are what was disbursed, and how
    the loan stands after the last night that was accrued for it, by the row in Python and in SQL. A loan that cannot be
    replayed at all has drifted, too.
    have_turned: those that turn in that night have; else what falls due or turns late then is not expected of rows yet.
    """
    to = last_night()
    rows = _Rows(
        to=to,
        left=_left(loans),
        spells=kept_spells(loans),
        flows=kept_flows(loans),
        origins=kept_origins(loans),
        paid_out=_paid_out(loans),
        accrued=_accrued(loans, to),
    )
    contracts = contracts_of(loans)
    return [
        loan.pk
        for loan in loans
        if loan.booked_to is not None and not _agrees(loan, contracts[loan.pk], rows, have_turned=have_turned)
    ]


def booked_loans() -> Iterator[list[Loan]]:
    """Yield all booked loans, in order of keys, some hundred at a time."""
    after = 0
    while True:
        chunk = list(Loan.objects.filter(booked_to__isnull=False, pk__gt=after).order_by("pk")[:CHUNK])
        if not chunk:
            return
        yield chunk
        after = chunk[-1].pk


def loans_to_verify(close: DayClose, ids: range) -> Iterator[list[Loan]]:
    """Yield those of a range of loans that a close compares with their events, some hundred at a time."""
    asked: dict[str, Any] = {
        "first": ids.start,
        "stop": ids.stop,
        "day": close.day,
        "nights": EVERY_LOAN_WITHIN,
        "night": close.day.toordinal() % EVERY_LOAN_WITHIN,
        "last_event": last_event_before(close),
    }
    with connection.cursor() as cursor:
        cursor.execute(TO_VERIFY, asked)
        found = [pk for (pk,) in cursor.fetchall()]
    for start in range(0, len(found), CHUNK):
        yield list(Loan.objects.filter(pk__any_of=found[start : start + CHUNK]).order_by("pk"))


def _agrees(loan: Loan, contract: LoanHistory, rows: _Rows, *, have_turned: bool) -> bool:
    pk, resting = loan.pk, resting_of(loan)
    if resting is None:
        return False
    reached = resting.booked_to if rows.to is None else max(rows.to, resting.booked_to)
    later = resting.as_of(reached)
    try:
        replayed = contract.replayed()
        projection = project(replayed, as_of=resting.booked_to)
        then = standing_by_events(replayed, on=reached)
    except LoanRefused:
        return False
    row = {
        "status": loan.status,
        "position": resting.position,
        "due_minor": loan.due_minor,
        "late_since": loan.late_since,
        "worst_dpd": loan.worst_dpd,
        "turns_on": loan.turns_on,
        "turn_fee_minor": loan.turn_fee_minor,
        "next_due": loan.next_due,
        "disbursed_on": loan.disbursed_on,
        "closed_on": loan.closed_on,
        "left_minor": rows.left.get(pk, ()),
        "carry": resting.carry,
    }
    if any(getattr(projection, name) != value for name, value in row.items()):
        return False
    kept = rows.paid_out.get(pk, 0), rows.spells.get(pk, []), rows.flows.get(pk, [])
    begun = [replayed.standing[0].on, replayed.first_due] if replayed.standing else []
    expected = projection.position.disbursed_minor, spells_of(replayed, to=resting.booked_to), flows_of(replayed)
    if kept != expected or begun != [*rows.origins.get(pk, ())]:
        return False
    accrued = (then.position.interest_minor, then.position.penalty_minor, then.position.fees_minor)
    if later.position != then.position or rows.accrued.get(pk, accrued) != accrued:
        return False
    still_turns = loan.turns_on == reached and not have_turned
    return still_turns or (later.due_minor, later.dpd, later.worst_dpd) == (then.due_minor, then.dpd, then.worst_dpd)


def _accrued(loans: Sequence[Loan], to: date | None) -> dict[int, tuple[int, int, int]]:
    """Compute interest, penalty and fees of loans to a date in SQL, or to the date that each is booked to if later."""
    if to is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ACCRUED, [to, list(DAILY), places_on(to), [loan.pk for loan in loans]])
        return {pk: (interest, penalty, fees) for pk, interest, penalty, fees in cursor.fetchall()}


def _left(loans: Sequence[Loan]) -> dict[int, tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT, [[loan.pk for loan in loans]])
        return {loan_id: tuple(found) for loan_id, found in cursor.fetchall()}


def _paid_out(loans: Sequence[Loan]) -> dict[int, int]:
    """Sum the payouts of loans that were made, and of imported ones also what was paid out before the cut-over."""
    with connection.cursor() as cursor:
        cursor.execute(PAID_OUT, {"loans": [loan.pk for loan in loans]})
        return {loan_id: int(minor) for loan_id, minor in cursor.fetchall()}
