"""Write what reports on the portfolio rest on, in the caller's operation, under the loans' locks."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from django.db import connection

from config.db.transactions import require_transaction
from lending.domain.books.portfolio import NOT_GIVEN
from lending.domain.contract.flows import flows_of
from lending.domain.contract.replay import Replayed
from lending.models import DelinquencyFigures, Loan, PortfolioFigures

DROP: Final = """
DELETE FROM lending_loanflow f USING unnest(%s::bigint[], %s::date[]) n (loan_id, since)
WHERE f.loan_id = n.loan_id AND f."on" >= n.since
"""
ADD: Final = """
INSERT INTO lending_loanflow (loan_id, "on", disbursed_minor, received_minor, written_off_minor, recovered_minor)
SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
"""
"""In the order of a flow's fields."""
REMOVE: Final = "DELETE FROM lending_loanorigin WHERE loan_id = ANY(%s::bigint[])"
# The grade of an imported loan is what its book says; nobody estimated its PD here.
ORIGINATE: Final = f"""
INSERT INTO lending_loanorigin
    (loan_id, disbursed_on, first_due, currency, product, grade, category, region, tier, partner, borrower, pd_ppm,
    lgd_bps)
SELECT l.id, n.disbursed_on, n.first_due, l.currency, v.code,
    coalesce(nullif(coalesce(o.grade, i.grade), ''), '{NOT_GIVEN}'), coalesce(nullif(l.category, ''), '{NOT_GIVEN}'),
    coalesce(nullif(m.region, ''), '{NOT_GIVEN}'), coalesce(nullif(m.membership, ''), '{NOT_GIVEN}'), p.code,
    coalesce('owner ' || m.owner_id, 'merchant ' || m.id), s.pd_ppm, (v.content::jsonb #>> '{{costs,lgd_bps}}')::int
FROM unnest(%s::bigint[], %s::date[], %s::date[]) n (loan_id, disbursed_on, first_due)
JOIN lending_loan l ON l.id = n.loan_id JOIN lending_productversion v ON v.id = l.product_id
JOIN merchants_merchant m ON m.id = l.merchant_id JOIN merchants_partner p ON p.id = m.partner_id
LEFT JOIN lending_application a ON a.id = l.application_id LEFT JOIN lending_offer o ON o.id = a.offer_id
LEFT JOIN scoring_score s ON s.id = a.score_id LEFT JOIN lending_importedloan i ON i.loan_id = l.id
ON CONFLICT (loan_id) DO NOTHING -- a loan that has an event of its first day later stays what it was
"""  # noqa: S608 - a constant only

GRADE: Final = """
UPDATE lending_loanorigin o SET grade = i.grade FROM lending_importedloan i
WHERE i.loan_id = o.loan_id AND i.loan_id = ANY(%s::bigint[]) AND i.grade <> ''
"""


class Changed(NamedTuple):
    """A loan, its replay, and from which day on a booking changed it."""

    loan: Loan
    replayed: Replayed
    on: date


def rewrite_portfolio(changed: Sequence[Changed]) -> None:
    """Write what moved on loans anew from the days on that bookings changed, and what they were when paid out.

    Removes the figures that are kept of these days. Raises NoTransaction.
    """
    require_transaction()
    if not changed:
        return
    flows = [(one.loan.pk, *flow) for one in changed for flow in flows_of(one.replayed, since=one.on)]
    taken_back = [one.loan.pk for one in changed if not one.replayed.standing]
    origins = [
        (one.loan.pk, one.replayed.standing[0].on, one.replayed.first_due)
        for one in changed
        if one.replayed.standing and one.on <= one.replayed.standing[0].on
    ]
    drop_figures(since=min(one.on for one in changed))
    with connection.cursor() as cursor:
        cursor.execute(DROP, [[one.loan.pk for one in changed], [one.on for one in changed]])
        if flows:
            cursor.execute(ADD, list(map(list, zip(*flows, strict=True))))
        if taken_back:
            cursor.execute(REMOVE, [taken_back])
        if origins:
            cursor.execute(ORIGINATE, list(map(list, zip(*origins, strict=True))))


def take_grades(loans: Sequence[Loan]) -> None:
    """Give imported loans the grades that their book has, once that is written. Raises NoTransaction."""
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(GRADE, [[loan.pk for loan in loans]])


def drop_figures(*, since: date) -> None:
    """Remove the figures that are kept of a day and later ones, as something changed on it. Raises NoTransaction."""
    require_transaction()
    PortfolioFigures.objects.filter(on__gte=since).delete()
    DelinquencyFigures.objects.filter(on__gte=since).delete()
