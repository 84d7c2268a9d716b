"""The mail of a demo: a mail server in a process beside it, which keeps every letter in a folder and passes none on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from config.kernel.canonical import canonical_json
from config.kernel.documents import load
from config.office.actors import SYSTEM
from lending.domain.arrears.dunning_policy import DAY_ONE_DUNNING
from lending.management.processes import free_port, supervised
from lending.operations.policies import enter_dunning_policy


@contextmanager
def demo_mail(local: Path) -> Iterator[Path]:
    """Run a mail server, for this process and those it starts; yield the folder (Maildir) with the letters."""
    folder, port = local / "mail", free_port()
    os.environ["MAIL_SERVER"] = f"smtp://127.0.0.1:{port}"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
    with supervised([*command, "-c", "aiosmtpd.handlers.Mailbox", str(folder)], log=local / "mail.log"):
        yield folder


def enter_demo_policy() -> None:
    """Enter the dunning policy that comes with Tradeline, but for its hours: a demo lives its days at any hour."""
    policy = load(DAY_ONE_DUNNING.read_text(encoding="utf-8"))
    policy |= {"version": 2, "hours": {"from_hour": 0, "until_hour": 24}}
    enter_dunning_policy(text=canonical_json(policy), actor=SYSTEM, now=timezone.now())
