import re

from tests.conftest import ROOT


def test_every_owner_of_a_rule_exists() -> None:
    owners = re.findall(r"`([a-z_]+/[a-z_/.0-9]+)`", (ROOT / "docs" / "rules.md").read_text())
    assert len(owners) > 40
    assert [owner for owner in owners if not (ROOT / owner).exists()] == []


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for page in ("README.md", "docs/screens.md"):
        folder = (ROOT / page).parent
        links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text())
        assert links
        assert [link for link in links if not (folder / link).exists()] == []
