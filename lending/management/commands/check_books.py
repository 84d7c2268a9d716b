"""Prove the books."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from config.db.transactions import operation
from config.kernel.money import format_minor
from lending.models import Loan
from lending.operations.bookings import lock_books
from lending.queries.books import booked_loans, drifted_loans, prove_accounts
from lending.queries.ledger import days_apart
from lending.queries.month_closes import closed_months_apart
from lending.queries.provision_proof import months_apart, provisions_apart

APART: Final = {
    "days": "the sums of {} days are not those of their postings, the first {}",
    "closed_months": "the trial balances of {} closed months are not those of their postings, the first {}",
    "provision_months": "the account of provisions is not their sum at {} month ends, the first {}",
    "provisions": "{} provisions are not what their policy makes, the first {}",
}


class Command(BaseCommand):
    """Compares every account with the loans, and every loan with its events; exits 1 if anything differs."""

    help = (
        "Prove the books: every account is the sum over all loans of what replaying their events gives, and of what is "
        "provided for them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the figures in minor units")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        with operation():
            lock_books(exclusive=False)  # no night is booked between what is read of the closes, and of the loans
            balances = prove_accounts()
        suspects = [loan for chunk in booked_loans() for loan in drifted_loans(chunk)]
        # Checked again: a payment between the reading of a row and of its events is not drift.
        drifted = drifted_loans(list(Loan.objects.filter(pk__any_of=suspects)))
        apart: dict[str, list[str] | list[int]] = {
            "days": list(map(str, days_apart())),
            "closed_months": [f"{month:%Y-%m}" for month in closed_months_apart()],
            "provision_months": list(map(str, months_apart())),
            "provisions": provisions_apart(),
            "drifted": drifted,
        }
        wrong = [balance for balance in balances if not balance.holds]
        if options["json"]:
            lines = [asdict(balance) for balance in balances]
            proven = not wrong and not any(apart.values())
            self.stdout.write(json.dumps({"accounts": lines, **apart, "proven": proven}))
        else:
            self.stdout.write(f"{'account':25}{'in the ledger':>22}{'by the loans':>22}")
            for balance in balances:
                ledger, loans = (
                    format_minor(minor, balance.currency, grouped=True)
                    for minor in (balance.ledger_minor, balance.loans_minor)
                )
                mark = "" if balance.holds else "   differs"
                self.stdout.write(f"{balance.account:22}{balance.currency}{ledger:>22}{loans:>22}{mark}")
        if wrong or any(apart.values()):
            message = f"{len(wrong)} accounts differ, {len(drifted)} loans drifted: {drifted[:20]}"
            told = [words.format(len(apart[name]), apart[name][0]) for name, words in APART.items() if apart[name]]
            raise CommandError("; ".join([message, *told]))
        if not options["json"]:
            self.stdout.write(
                "The books are proven: every account is what the loans say, and every loan what its events say."
            )
