"""Create the first administrator."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.office.actors import SYSTEM
from config.office.staff import NameTaken, create_administrator


class Command(BaseCommand):
    help = "Create an administrator: the one who makes the accounts of all others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--password-from-stdin", action="store_true", help="read the password's line from there")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        password = input() if options["password_from_stdin"] else getpass("Password: ")
        try:
            validate_password(password)
            create_administrator(name=options["name"], password=password, actor=SYSTEM, now=timezone.now())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except NameTaken as error:
            message = f"There is an account named {options['name']} already."
            raise CommandError(message) from error
        self.stdout.write(f"{options['name']} may now sign in and make other accounts.")
