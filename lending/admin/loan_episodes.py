"""How late a loan was, on its page."""

from datetime import date

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Cell, Column, Table, Text
from config.office.words import money
from lending.admin.delinquency_words import bucket_words
from lending.admin.words import LOAN_STATUSES
from lending.domain.books.delinquency import Episode, episodes_of
from lending.domain.books.delinquency_policy import DelinquencyPolicy
from lending.domain.books.loan import LoanStatus
from lending.models import Loan
from lending.queries.servicing import Servicing


def episodes_card(servicing: Servicing, loan: Loan, policy: DelinquencyPolicy) -> Card:
    """List the times in which a loan was late, the latest first."""
    on = servicing.as_of
    columns = [
        Column(label=_("Past due from"), style="tl-nowrap"),
        Column(label=_("Due date then unpaid"), style="tl-nowrap"),
        Column(label=_("Until"), style="tl-nowrap"),
        Column(label=_("Days past due, at most"), number=True),
        Column(label=_("Worst bucket")),
        Column(label=_("Arrears, at most"), number=True),
    ]
    found = episodes_of(policy, servicing.spells, servicing.standstills, on=on)
    rows = [
        [
            one.began,
            one.late_since,
            _until(one, servicing, loan),
            one.worst_dpd,
            bucket_words(policy, one.bucket),
            money(one.most_minor, loan.currency),
        ]
        for one in found
    ]
    table = Table(columns=columns, rows=rows, empty=_("Nothing was ever past due."))
    note = _("As what is booked by now has it: a payment that was booked late has healed the days since its date.")
    return Card(title=_("Arrears over time"), parts=[table, Text(note, "tl-note")], aside=_on_any_day(loan, on))


def _until(one: Episode, servicing: Servicing, loan: Loan) -> object:
    if one.until is None:
        return _("still past due")
    ended = one.until == servicing.spells[-1].until  # it did not run any more
    note = LOAN_STATUSES[LoanStatus(loan.status)][0] if ended else _("cured")
    return Cell(text=one.until.isoformat(), note=note)


def _on_any_day(loan: Loan, on: date) -> Cell:
    asked = urlencode({"on": str(on), "loan": str(loan)})
    return Cell(text=_t("as of a day"), link=f"{reverse('admin:lending_loanspell_loans')}?{asked}")
