import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lending.domain.contract.files import replay_case
from lending.domain.contract.terms import write_terms
from tests.conftest import ROOT
from tests.lending.domain.loans import terms_of

TERMS = write_terms(terms_of(periods=2))
OUT = {"id": "e1", "on": "2024-01-31", "type": "disbursement", "amount_minor": 1_200_000}
PAID = {"id": "e2", "on": "2024-03-05", "type": "repayment", "amount_minor": 700_000}
CASES: list[dict[str, Any]] = [
    {"id": "late", "terms": TERMS, "events": [OUT, PAID], "as_of": ["2024-03-05"]},
    {"id": "bad \ud800", "terms": TERMS, "events": [PAID], "as_of": []},
    {
        "id": "let go",
        "terms": TERMS,
        "events": [
            OUT,
            PAID,
            {"id": "e3", "on": "2024-03-10", "type": "write_off"},
            {**PAID, "id": "e4", "on": "2024-04-01"},
        ],
        "as_of": ["2024-03-09", "2024-04-02"],
    },
    {"id": "idle", "terms": TERMS, "events": [], "as_of": []},
]


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": CASES}))
    return path


def test_replay_prints_json(file: Path) -> None:
    assert json.loads(run("replay", str(file), "--json")) == {"results": [replay_case(case) for case in CASES]}


def test_replay_prints_tables(file: Path) -> None:
    lines = [line.rstrip() for line in run("replay", str(file)).splitlines()]
    assert lines[:4] == [
        "late, in CNY",
        "schedule",
        "  no         due  principal  interest     total",
        "   1  2024-02-29   5,975.81    104.40  6,080.21",
    ]
    assert "  event  penalty   fee  interest  principal  credit" in lines
    assert lines[lines.index("bad ?, refused") + 1].startswith("  BEFORE_DISBURSEMENT: e2: nothing is disbursed")
    assert lines[-4:] == ["idle, in CNY", "schedule: none", "allocations: none", "states: none"]


def test_replay_reads_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(file.read_bytes())))
    assert len(json.loads(run("replay", "-", "--json"))["results"]) == len(CASES)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"cases": 1}', b"\xff\xfe", b'{"cases": ['])
@pytest.mark.parametrize("command", ["replay", "quote"])
def test_a_malformed_file_is_refused(command: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        run(command, str(path), "--json")


@pytest.mark.parametrize("command", ["replay", "quote"])
def test_a_file_that_is_not_there_is_refused(command: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(command, str(tmp_path / "none.json"))


def test_quote(tmp_path: Path) -> None:
    path = tmp_path / "terms.json"
    path.write_text(json.dumps({"terms": TERMS, "on": "2024-01-31"}))
    found = json.loads(run("quote", str(path), "--json"))
    assert found["apr"] == "11.22"
    assert run("quote", str(path)).splitlines()[-3:] == ["total interest 160.42", "total cost 160.42", "apr 11.22 %"]


def test_quote_of_bad_terms_says_its_code_twice(tmp_path: Path) -> None:
    """For programs as JSON, for people and the exit code as an error."""
    path = tmp_path / "terms.json"
    path.write_text(json.dumps({"terms": {**TERMS, "periods": 0}, "on": "2024-01-31"}))
    output = io.StringIO()
    with pytest.raises(CommandError, match="BAD_TERMS: terms: periods"):
        call_command("quote", str(path), "--json", stdout=output)
    assert json.loads(output.getvalue())["refused"] == "BAD_TERMS"


@pytest.mark.parametrize(("command", "shown"), [("quote", "total_cost"), ("replay", "written off")])
def test_the_files_of_the_documents_are_read(command: str, shown: str, tmp_path: Path) -> None:
    """Red if a stranger who copies the file of docs/algorithms/loans.md is refused."""
    page = (ROOT / "docs" / "algorithms" / "loans.md").read_text()
    text = page.split(f"```json {command}\n")[1].split("```")[0]
    file = tmp_path / "file.json"
    file.write_text(text)
    assert shown in run(command, str(file)).replace("total cost", "total_cost")
    assert "refused" not in run(command, str(file), "--json")


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "tables"])
def test_a_key_that_nobody_reads_is_named(form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Red if a misspelt rule were left out in silence; other keys stay allowed, as files carry notes."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"cases": [{**CASES[0], "delinquincy": {}}]}))
    call_command("replay", str(path), *form)
    assert "Not read: 'delinquincy'" in capsys.readouterr().err
    path.write_text(json.dumps({"on": "2024-01-31", "terms": TERMS, "apr_rul": "US"}))
    call_command("quote", str(path), *form)
    assert "Not read: 'apr_rul'" in capsys.readouterr().err


def test_a_state_says_what_of_its_payoff_is_not_due_yet() -> None:
    """Red if a payoff were more than its parts."""
    charge = {"id": "e3", "on": "2024-02-02", "type": "charge", "amount_minor": 500, "due": "2024-03-05"}
    terms = {**TERMS, "interest_charged": "AS_SCHEDULED"}
    case = {"id": "x", "terms": terms, "events": [OUT, charge], "as_of": ["2024-02-02", "2024-03-31"]}
    states: Any = replay_case(case)["states"]
    before, after = states
    parts = ("principal_minor", "interest_to_date_minor", "interest_ahead_minor", "fees_ahead_minor")
    assert before["payoff_minor"] == sum(before[part] for part in parts)
    assert before["fees_ahead_minor"] == 500
    assert not {"fees_ahead_minor", "interest_ahead_minor"} & after.keys()
