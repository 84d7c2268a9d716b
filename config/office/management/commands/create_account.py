"""Create an account of staff."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.staff import NameTaken, create_account


class Command(BaseCommand):
    help = (
        "Create an account with a role. The first administrator and the first controller are made so: each role that "
        "is given in the office needs both."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=[role.value for role in Role], default=Role.ADMINISTRATOR.value)
        parser.add_argument("--password-from-stdin", action="store_true", help="read the password's line from there")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        password = input() if options["password_from_stdin"] else getpass("Password: ")
        name, role = options["name"], Role(options["role"])
        try:
            validate_password(password)
            create_account(name=name, password=password, role=role, actor=SYSTEM, now=timezone.now())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except NameTaken as error:
            message = f"There is an account named {name} already."
            raise CommandError(message) from error
        self.stdout.write(f"{name} may now sign in, as: {role}.")
