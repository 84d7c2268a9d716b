"""Loans that came with a loan book at a cut-over date."""

from django.db import models
from django.db.models import Q

from lending.models.loan import Loan


class ImportedLoan(models.Model):
    """What is kept of an imported loan beside its terms and events. Append-only.

    `number` is the lender's own of the loan, unique for ever; `grade` the one it was lent at, "" where there was none.
    `disbursed_minor`: what was paid out before the cut-over, by whoever kept the loan then. `content_sha256` is of all
    that the book says of the loan, so that the same book is known again.
    """

    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="imported")
    number = models.CharField(max_length=100, unique=True)
    grade = models.CharField(max_length=2)
    disbursed_minor = models.BigIntegerField()
    content_sha256 = models.CharField(max_length=64)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="lending_importedloan_number", condition=~Q(number="")),
            models.CheckConstraint(name="lending_importedloan_disbursed", condition=Q(disbursed_minor__gt=0)),
            models.CheckConstraint(
                name="lending_importedloan_sha256", condition=Q(content_sha256__regex="^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return self.number
