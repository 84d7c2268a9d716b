"""The books: accounts, entries, and postings that have both sides in one row."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.books.ledger import ACCRUAL, ENTRY_CODES, OPENING, PROVISION, RESOLUTION, STATEMENT, AccountKind
from lending.models.bank import BankStatement
from lending.models.day_close import DayClose
from lending.models.loan import Loan, LoanEvent
from lending.models.product import ProductVersion

CLOSE_CODES = [ACCRUAL, PROVISION]
BANK_CODES = [RESOLUTION, STATEMENT]
WITHOUT_EVENT = sorted([OPENING, *CLOSE_CODES, *BANK_CODES])


class LedgerAccount(models.Model):
    """One account of the chart; it has a balance in every currency."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=choices(AccountKind))
    place = models.SmallIntegerField(unique=True)

    class Meta:
        verbose_name = _("account")
        constraints = [known("kind", AccountKind, name="lending_ledgeraccount_kind_known")]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """One thing that was booked. Append-only.

    Either a loan's own: what its `event` moved or, without one, how it stood at the cut-over date of the book that it
    came with (OPENING), or what it earned before a write ahead of the close;
    or what a day's `close` accrued for loans of a product, some thousand at a time, or provided for them in its month;
    or what a `statement` of a bank says, and what its lines in suspense turned out to be.
    """

    code = models.CharField(max_length=20, choices=[(code, code) for code in ENTRY_CODES])
    effective_date = models.DateField()
    booked_at = models.DateTimeField()
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="entries", null=True, db_index=False)
    event = models.OneToOneField(LoanEvent, on_delete=models.PROTECT, related_name="entry", null=True)
    close = models.ForeignKey(DayClose, on_delete=models.PROTECT, related_name="entries", null=True)
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    statement = models.ForeignKey(
        BankStatement, on_delete=models.PROTECT, related_name="entries", null=True, db_index=False
    )

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.CheckConstraint(name="lending_entry_code_known", condition=Q(code__in=ENTRY_CODES)),
            models.CheckConstraint(
                name="lending_entry_of_one_subject",
                condition=Q(loan__isnull=False, close__isnull=True, product__isnull=True, statement__isnull=True)
                & ~Q(code=PROVISION)
                | Q(
                    loan__isnull=True,
                    close__isnull=False,
                    product__isnull=False,
                    statement__isnull=True,
                    code__in=CLOSE_CODES,
                )
                | Q(
                    loan__isnull=True,
                    close__isnull=True,
                    product__isnull=True,
                    statement__isnull=False,
                    code__in=BANK_CODES,
                ),
            ),
            models.CheckConstraint(
                name="lending_entry_of_event",
                condition=Q(code__in=WITHOUT_EVENT, event__isnull=True)
                | (~Q(code__in=WITHOUT_EVENT) & Q(event__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["effective_date", "id"], name="lending_entry_by_date"),
            models.Index(fields=["loan", "-id"], name="lending_entry_by_loan", condition=Q(loan__isnull=False)),
            models.Index(fields=["statement"], name="lending_entry_of_statement", condition=Q(statement__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.effective_date} {self.code}"


class Posting(models.Model):
    """An amount above 0, debited to one account and credited to another. Append-only."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    debit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    credit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="lending_posting_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="lending_posting_two_accounts", condition=~Q(debit=F("credit"))),
            models.CheckConstraint(name="lending_posting_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)),
        ]

    def __str__(self) -> str:
        return f"{self.debit_id} to {self.credit_id}: {self.amount_minor} {self.currency}"


class AccountDay(models.Model):
    """What was debited and credited to an account on a proven day, in minor units: its postings, summed.

    Append-only. Written by the close that proves the day, on which nothing is booked any more; up to the last such day
    the balances of an account are sums of these rows.
    """

    day = models.DateField()
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lending_accountday_once", fields=["day", "account", "currency"]),
            models.CheckConstraint(
                name="lending_accountday_amounts", condition=Q(debit_minor__gte=0, credit_minor__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.account_id} {self.currency}"
