"""Create credentials for a partner's system."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from merchants.models import Partner
from merchants.operations.clients import create_partner_client


class Command(BaseCommand):
    help = "Create OAuth credentials of a partner's system, and print them: the secret is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("partner", help="the partner's code")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            partner = Partner.objects.get(code=options["partner"])
        except Partner.DoesNotExist as error:
            known = ", ".join(Partner.objects.order_by("code").values_list("code", flat=True)) or "none"
            message = f"There is no partner {options['partner']} (known: {known})."
            raise CommandError(message) from error
        credentials = create_partner_client(partner_id=partner.pk, actor=SYSTEM, now=timezone.now())
        self.stdout.write(f"client_id={credentials.client_id}")
        self.stdout.write(f"client_secret={credentials.client_secret}")
