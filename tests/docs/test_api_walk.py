"""The walk through the API runs as it is written: every line in a shell, every reply of the fields shown."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from lending.domain.books.loan import LoanStatus
from lending.models import Loan
from lending.queries.books import prove_accounts
from merchants.models import Partner
from merchants.operations.clients import create_partner_client
from tests.conftest import CLERK, NOW, ROOT, Enqueued
from tests.lending.lines import sell_lines
from tests.lending.market import make_round, publish, sell, verify_accounts
from tests.workers import worker

BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n```json\n(.*?)```)?", re.DOTALL)


def shape(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Keep what the fields are called; of a list, one element is as good as many."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value[:1]]
    return None


@pytest.mark.django_db(transaction=True)
def test_the_walk(live_server: LiveServer, tmp_path: Path, enqueued: Enqueued, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(40)
    sell()
    sell_lines()
    verify_accounts()
    make_round()
    enqueued()
    monkeypatch.setenv("LOOPBACK_DIR", str(tmp_path / "bank"))
    credentials = create_partner_client(partner_id=Partner.objects.get().pk, actor=CLERK, now=NOW)
    blocks = BLOCK.findall((ROOT / "docs" / "api.md").read_text())
    assert len(blocks) >= 16
    mark = "--- end of block ---"
    script = f"\necho '{mark}'\n".join(["set -euo pipefail", *(commands for commands, _ in blocks), ""])
    environment = os.environ | {
        "TRADELINE": live_server.url,
        "CLIENT_ID": credentials.client_id,
        "CLIENT_SECRET": credentials.client_secret,
        "no_proxy": "localhost",
    }
    with worker(tmp_path / "worker.log"):
        walked = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert walked.returncode == 0, walked.stderr
    replies = walked.stdout.split(mark)[1:]
    for (commands, shown), reply in zip(blocks, replies, strict=False):
        if shown:
            assert shape(json.loads(reply)) == shape(json.loads(shown)), f"{commands}\n{reply}"
    loan, draw = Loan.objects.order_by("pk")
    assert draw.line is not None
    # Paid in full, and the payment bounced.
    assert (loan.status, loan.principal_minor, loan.credit_minor) == (LoanStatus.ACTIVE, loan.amount_minor, 0)
    assert all(balance.holds for balance in prove_accounts())
