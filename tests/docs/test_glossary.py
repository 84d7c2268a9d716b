import re

from tests.conftest import ROOT

APPS = ("config", "merchants", "scoring", "lending")


def test_every_word_of_the_glossary_is_used() -> None:
    """Red if a word was renamed in the source and kept its old name here."""
    words = re.findall(r"^\| ([a-z ]+) \| [a-z]", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    source = "\n".join(path.read_text().lower() for app in APPS for path in (ROOT / app).rglob("*.py"))
    assert len(words) > 30
    words = words[1:]  # the head of the table
    assert words == sorted(words)
    assert [word for word in words if not re.search(rf"(\b|_){word.replace(' ', '[ _]?')}", source)] == []
