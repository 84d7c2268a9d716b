import re
from pathlib import Path

import pytest

from tests.architecture.lines import modules
from tests.conftest import ROOT

# What only the owner of a rule does, as it is written in the source: each is found in these modules and in no other.
KNOWN_BY = {
    r"pg_(try_)?advisory": {"config/db/locking.py"},
    r"select_for_update|FOR (NO KEY )?UPDATE": {
        "config/db/locking.py",
        "config/office/job_runs.py",
        "merchants/operations/ingestion.py",
    },
    r"apply_async|send_task": {"config/jobs.py"},
    r"monthrange|relativedelta": {"config/kernel/calendar.py"},
    r"json\.loads": {"config/kernel/documents.py", "lending/domain/contract/files.py"},
    r"\bEXPONENTS\b": {"config/kernel/money.py"},
    r"JobRun\.objects\.(bulk_)?create|insert\(JobRun\(": {"config/office/job_runs.py"},
    r"OperationEvent\(\n|OperationEvent\.objects\.(bulk_)?create": {"config/office/events.py"},
    r"BusinessDate\.objects": {"config/office/business_date.py"},
    r"Heartbeat\.objects": {"config/office/heartbeat.py"},
    r"ListExport\.objects\.(bulk_)?create": {"config/office/exports.py"},
    r"SavedView\.objects\.(bulk_)?create": {"config/office/saved_views.py"},
    r"REPEATABLE READ": {"config/db/transactions.py"},
    r"FORMULA: Final": {"config/kernel/spreadsheets.py"},
    r"\.replace\(path\)": {"config/disk.py"},
    r"KeptRequest\.objects": {"merchants/operations/idempotency.py"},
    r"INSERT INTO merchants_transaction": {"merchants/operations/ingestion.py"},
    r"BehaviourFact\.objects\.(bulk_)?create|INSERT INTO scoring_behaviourfact": {"scoring/operations/behaviour.py"},
    r"PD_BELOW_PPM: Final": {"scoring/domain/calibration.py"},
    r"(EventRow|LoanEvent)\.objects\.(bulk_)?create": {"lending/operations/bookings.py"},
    r"Posting\.objects\.(bulk_)?create": {"lending/operations/bookings.py"},
    r"Loopback\(": {"lending/gateways/registry.py"},
}


@pytest.mark.parametrize("page", ["docs/rules.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_every_module_that_a_document_names_exists_and_has_what_it_names(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:config|merchants|scoring|lending|tests)/[a-z_/.0-9]*)`(?: \(`(\w+)`)?", text)
    assert len(named) > 10
    missing = [path for path, _ in named if not (ROOT / path).exists()]
    assert missing == []
    assert [(path, name) for path, name in named if name and name not in source(ROOT / path)] == []


def source(path: Path) -> str:
    return path.read_text() if path.is_file() else "\n".join(module.read_text() for module in path.rglob("*.py"))


@pytest.mark.parametrize("sign", KNOWN_BY)
def test_only_its_owner_knows_a_rule(sign: str) -> None:
    """Red where a second module does what the owner of a rule does for all."""
    found = {
        str(module)
        for module in modules("config", "merchants", "scoring", "lending")
        if re.search(sign, (ROOT / module).read_text())
    }
    assert found == KNOWN_BY[sign]
    assert all(f"`{owner}`" in (ROOT / "docs" / "rules.md").read_text() for owner in found)


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for page in ("README.md", "docs/screens.md"):
        folder = (ROOT / page).parent
        links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text())
        assert links
        assert [link for link in links if not (folder / link).exists()] == []
