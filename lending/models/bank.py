"""Accounts at banks, the files that are exchanged with them, and what their statements say."""

from hashlib import sha256
from typing import Any, Final, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN, Money
from lending.domain.books.bank_lines import LineReason, Resolution
from lending.domain.books.bank_messages import AnswerHold, AnswerState, Outcome
from lending.domain.books.ledger import Account
from merchants.models.payout_account import account_keys


class Bank(models.Model):
    """How an account of the lender at a bank is used, as canonical JSON. Append-only: the last of a name counts."""

    name = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    content = models.TextField()
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("bank account")
        constraints = [
            models.CheckConstraint(name="lending_bank_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return self.name


class BankFileQuerySet(LockingQuerySet["BankFile"]):
    def to_deliver(self) -> Self:
        return self.filter(is_ours=True, delivered_at__isnull=True)

    def set_aside(self) -> Self:
        return self.exclude(problem="").filter(dismissed_by="")


class BankFile(models.Model):
    """A file that went to a bank (is_ours) or came from it, byte for byte, and encrypted: it names accounts.

    sha256: of the file.

    kind: the message with its version, as far as it is known. message_id: its own; the orders of a file carry it too.
    problem: why a file of the bank was set aside whole, and nothing of it counts. dismissed_by, dismissed_why: who said
    that nothing is to be done about it.
    """

    bank = models.CharField(max_length=20)
    is_ours = models.BooleanField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    message_id = models.CharField(max_length=70)
    # The file, readable as `content`: encrypted, and under which key.
    sealed_content = models.BinaryField()
    content_key = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500)
    dismissed_by = models.CharField(max_length=40)
    dismissed_why = models.CharField(max_length=500)

    objects = BankFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("bank file")
        permissions = [("read_bankfile", "Can download a bank file, and have one read again")]
        constraints = [
            models.UniqueConstraint(name="lending_bankfile_once", fields=["bank", "is_ours", "sha256"]),
            models.CheckConstraint(name="lending_bankfile_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="lending_bankfile_delivered_ours",
                condition=Q(is_ours=True, problem="") | Q(is_ours=False, delivered_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["bank"],
                name="lending_bankfile_to_deliver",
                condition=Q(is_ours=True, delivered_at__isnull=True),
            ),
            models.Index(fields=["message_id"], name="lending_bankfile_message", condition=Q(is_ours=True)),
            models.Index(fields=["-id"], name="lending_bankfile_set_aside", condition=~Q(problem="")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def content(self) -> bytes:
        """The file. Raises KeyMissing, TextUnreadable."""
        return account_keys().open(self.content_key, bytes(self.sealed_content), owner=f"file {self.sha256}")


def sealed_file(content: bytes) -> dict[str, Any]:
    """Return the columns of a file's content, and of its hash."""
    digest, keys = sha256(content).hexdigest(), account_keys()
    return {
        "sha256": digest, "content_key": keys.current, "sealed_content": keys.seal(content, owner=f"file {digest}"),
    }  # fmt: skip


class BankAnswerQuerySet(LockingQuerySet["BankAnswer"]):
    def open(self) -> Self:
        return self.filter(state=AnswerState.NEW)

    def held(self) -> Self:
        return self.filter(state=AnswerState.HELD)


class BankAnswer(models.Model):
    """What a bank said of one order, outside statements; debits of the account are negative.

    hold, note: why it is left to a person. Until it is acted on it is NEW.
    """

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="answers", db_index=False)
    place = models.IntegerField()
    transfer = models.ForeignKey("lending.Transfer", on_delete=models.PROTECT, related_name="answers", null=True)
    outcome = models.CharField(max_length=8, choices=choices(Outcome))
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    on = models.DateField(null=True)
    code = models.CharField(max_length=35)
    words = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=choices(AnswerState))
    hold = models.CharField(max_length=14, choices=choices(AnswerHold))
    note = models.CharField(max_length=200)

    objects = BankAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer of a bank")
        verbose_name_plural = _("answers of banks")
        permissions = [("settle_bankanswer", "Can say that an answer of a bank is dealt with")]
        constraints = [
            models.UniqueConstraint(name="lending_bankanswer_once", fields=["file", "place"]),
            known("outcome", Outcome, name="lending_bankanswer_outcome_known"),
            known("state", AnswerState, name="lending_bankanswer_state_known"),
        ]
        indexes = [
            models.Index(fields=["id"], name="lending_bankanswer_open", condition=Q(state__in=["HELD", "NEW"])),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}".strip()


class BankStatement(models.Model):
    """The statement of an account over a period, in minor units. It is booked once the one before it is.

    booked_no: its place among the booked statements of its bank; none of one that came after it was booked without.
    """

    bank = models.CharField(max_length=20)
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="statements")
    statement_id = models.CharField(max_length=35)
    number = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    opening_minor = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    closed_on = models.DateField()
    booked_at = models.DateTimeField(null=True)
    booked_no = models.IntegerField(null=True)

    class Meta:
        verbose_name = _("bank statement")
        permissions = [("book_bankstatement", "Can book a statement whose predecessor is missing")]
        constraints = [
            models.UniqueConstraint(name="lending_bankstatement_once", fields=["bank", "statement_id"]),
            models.UniqueConstraint(name="lending_bankstatement_one_a_place", fields=["bank", "booked_no"]),
            models.CheckConstraint(
                name="lending_bankstatement_booked_when",
                condition=Q(booked_at__isnull=False) | Q(booked_no__isnull=True),
            ),
            models.CheckConstraint(
                name="lending_bankstatement_currency", condition=Q(currency__regex=CURRENCY_PATTERN)
            ),
        ]
        indexes = [
            models.Index(fields=["bank"], name="lending_bankstatement_waiting", condition=Q(booked_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.statement_id


IS_NO_MORE: Final = Q(amount_minor=0, part__gt=0)
"""Of a part of a line that was split, and is whole again."""


class StatementLineQuerySet(LockingQuerySet["StatementLine"]):
    def in_suspense(self) -> Self:
        return self.filter(contra=Account.SUSPENSE).exclude(amount_minor=0)


class StatementLine(models.Model):
    """An amount on a statement; debits of the account are negative.

    contra: the account that has its other side, from when the statement is booked; transfer, back: the order whose
    money went out, or came back, by it; reason: why it is or was in suspense; resolution: what a person said it is.
    An amount that a bank booked for a whole file is one line an order: `part` tells them apart. What a statement lacks
    that was booked without those before it is a line before its first; what those show later is taken off it. A part
    that a line was split into, and is no more, has no amount left.
    """

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines", db_index=False)
    place = models.IntegerField()
    part = models.IntegerField(default=0)
    amount_minor = models.BigIntegerField()
    booked_on = models.DateField()
    value_on = models.DateField()
    key = models.UUIDField(null=True)
    batch = models.CharField(max_length=35)
    reference = models.CharField(max_length=35)
    bank_reference = models.CharField(max_length=35)
    # The number of the other side's account, readable as `number`: encrypted, under which key, and its hash under that
    # key, by which it is compared with that of an order; empty without one.
    sealed_number = models.BinaryField()
    number_key = models.CharField(max_length=20)
    number_index = models.BinaryField(db_default=b"")
    name = models.CharField(max_length=140)
    code = models.CharField(max_length=35)
    words = models.CharField(max_length=500)
    contra = models.ForeignKey(
        "lending.LedgerAccount", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    transfer = models.ForeignKey(
        "lending.Transfer", on_delete=models.PROTECT, related_name="lines", null=True, db_index=False
    )
    back = models.BooleanField(default=False)
    reason = models.CharField(max_length=14, choices=choices(LineReason))
    resolution = models.CharField(max_length=17, choices=choices(Resolution))
    resolved_by = models.CharField(max_length=40)
    resolved_at = models.DateTimeField(null=True)
    resolved_why = models.CharField(max_length=500)

    objects = StatementLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement line")
        permissions = [
            ("resolve_statementline", "Can say what a line in suspense is"),
            ("approve_statementline", "Can approve what a line in suspense is said to be"),
        ]
        constraints = [
            models.UniqueConstraint(name="lending_statementline_once", fields=["statement", "place", "part"]),
            models.UniqueConstraint(name="lending_statementline_one_an_order", fields=["transfer", "back"]),
            models.CheckConstraint(
                name="lending_statementline_amount", condition=~Q(amount_minor=0) | Q(place=-1) | Q(part__gt=0)
            ),
            models.CheckConstraint(
                name="lending_statementline_suspended_why", condition=~Q(contra=Account.SUSPENSE.value) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="lending_statementline_resolved_by_whom_and_when",
                condition=Q(resolution="", resolved_by="", resolved_at__isnull=True)
                | (~Q(resolution="") & ~Q(resolved_by="") & Q(resolved_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="lending_statementline_suspense", condition=Q(contra=Account.SUSPENSE.value)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on}: {Money(self.amount_minor, self.statement.currency)}"

    @property
    def number(self) -> str:
        """The number of the other side's account; "" without one. Raises KeyMissing, TextUnreadable."""
        if not self.number_key:
            return ""
        owner = f"statement {self.statement_id}"
        return account_keys().decrypt(self.number_key, bytes(self.sealed_number), owner=owner)


def sealed_line(number: str, *, statement_id: int) -> dict[str, Any]:
    """Return the columns of an account's number on a line of a statement."""
    if not number:
        return {"number_key": "", "sealed_number": b"", "number_index": b""}
    kept = account_keys().encrypt(number, owner=f"statement {statement_id}")
    return {"number_key": kept.key, "sealed_number": kept.sealed, "number_index": kept.index}
