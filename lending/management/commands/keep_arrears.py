"""Write how late loans were over time, of loans that were booked before it was kept."""

from typing import Any

from django.core.management.base import BaseCommand

from lending.operations.spells import keep_arrears


class Command(BaseCommand):
    help = (
        "Replay the loans of which it is not kept how late they were over time: once, after the upgrade that keeps it, "
        "and before the next close. It may be stopped and done again."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401
        self.stdout.write(f"{sum(keep_arrears()):,} loans")
