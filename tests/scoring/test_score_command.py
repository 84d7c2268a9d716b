"""Scores from the command line, on small markets and on the real ones."""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Count, Sum

from config.kernel.money import format_minor
from config.office.actors import SYSTEM
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, Transaction
from scoring.domain.scorecard import DAY_ONE_CARD
from scoring.models import Score, ScorecardVersion, ScoreRun
from scoring.operations.versions import enter_scorecard
from tests.conftest import NOW, SHARED
from tests.markets import make_merchants, make_partner, receive
from tests.scoring.market import AS_OF, make_market, market_rows

DATA = SHARED / "data"
pytestmark = pytest.mark.django_db(transaction=True)
LOANS = "external_id,merchant,granted_on,bad\n"


def score(**options: object) -> list[str]:
    """Run the command and give back what it says of itself."""
    said = StringIO()
    call_command("score", stderr=said, stdout=StringIO(), **options)
    return said.getvalue().splitlines()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        yield from map(json.loads, file)


def test_one_merchant_is_scored_as_among_all(tmp_path: Path) -> None:
    """Red if the references were taken from the asked-for merchant alone."""
    make_market(40)
    score(as_of=AS_OF, to=tmp_path / "all")
    said = score(as_of=AS_OF, merchant="shop-3", to=tmp_path / "one")
    [one] = lines(tmp_path / "one")
    assert one == next(line for line in lines(tmp_path / "all") if line["merchant"] == "shop-3")
    assert len(list(lines(tmp_path / "all"))) == 40
    assert sum(int(line.split()[1]) for line in said) == 1
    assert not ScoreRun.objects.exists()
    assert not Score.objects.exists()


def test_a_stranger_is_named() -> None:
    make_market(2)
    with pytest.raises(CommandError, match="no merchant nobody"):
        score(as_of=AS_OF, merchant="nobody")


def test_without_a_card_the_card_of_day_one_scores_and_is_not_entered(tmp_path: Path) -> None:
    """Red if who only imports a market could not see its scores."""
    partner = make_partner(settlement=Settlement.IMMEDIATE)
    make_merchants(partner, *[f"shop-{shop}" for shop in range(20)], category="tea", region="north")
    receive(partner, market_rows(20))
    said = score(as_of=AS_OF, to=tmp_path / "before")
    assert "card of day one" in said[0]
    assert not ScorecardVersion.objects.exists()
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    score(as_of=AS_OF, to=tmp_path / "after")
    assert list(lines(tmp_path / "before")) == list(lines(tmp_path / "after"))


def test_a_back_test_scores_each_loan_as_of_its_day_and_says_what_it_left_out(tmp_path: Path) -> None:
    make_market(6)
    loans = tmp_path / "outcomes.csv"
    loans.write_text(
        LOANS + "1,shop-1,2026-02-01,0\n2,shop-2,2026-02-01,1\n3,shop-3,2026-01-15,0\n4,nobody,2026-02-01,0\n"
        "5,shop-1,2026-02-01,maybe\n6,shop-1,someday,1\n7,shop-1\n8,shop-1,2026-02-01,\n"
    )
    said = score(outcomes=loans, to=tmp_path / "scores")
    words = "\n".join(said)
    assert [line["merchant"] for line in lines(tmp_path / "scores")] == ["shop-3", "shop-1", "shop-2"]
    assert said[:4] == [
        "outcomes.csv, row 5: bad is 0 or 1, not 'maybe'",
        "outcomes.csv, row 6: Invalid isoformat string: 'someday'",
        "outcomes.csv, row 7: 2 cells instead of 4",
        "outcomes.csv, row 8: bad is 0 or 1, not ''",
    ]
    assert "1 loans of unknown merchants left out, the first of nobody" in words
    assert re.search(r"AUC \(all\): [01]\.\d{3} \(too few to give an interval\), 3 loans, 1 bad", words)
    score(as_of=date(2026, 2, 1), to=tmp_path / "then")
    then = {line["merchant"]: line for line in lines(tmp_path / "then")}
    assert list(lines(tmp_path / "scores"))[1:] == [then["shop-1"], then["shop-2"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [("external_id,merchant,granted_on\n", "no column bad"), (None, "No such file")],
)
def test_a_file_of_loans_that_cannot_be_read_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    make_market(2)
    if content is not None:
        (tmp_path / "outcomes.csv").write_text(content)
    with pytest.raises(CommandError, match=words):
        score(outcomes=tmp_path / "outcomes.csv")


def test_loans_that_all_ended_well_have_no_auc(tmp_path: Path) -> None:
    make_market(3)
    loans = tmp_path / "outcomes.csv"
    loans.write_text(LOANS + "1,shop-1,2026-02-01,0\n")
    assert "AUC (all): needs good and bad loans" in score(outcomes=loans)


def import_real(name: str) -> dict[str, Any]:
    directory = DATA / name
    if not directory.is_dir():
        pytest.skip(f"no data set at {directory}")
    enter_scorecard(text=DAY_ONE_CARD.read_text(), actor=SYSTEM, now=NOW)
    said = StringIO()
    call_command("import_marketplace", directory, stdout=StringIO(), stderr=said)
    assert said.getvalue() == ""
    controls: dict[str, Any] = json.loads((directory / "controls.json").read_text())
    assert Merchant.objects.count() == controls["merchants"]
    [currency] = set(Merchant.objects.values_list("currency", flat=True))
    by_kind = Transaction.objects.values_list("kind").annotate(Count("pk"), Sum("amount_minor")).order_by()
    found = {kind: (count, Decimal(format_minor(total, currency))) for kind, count, total in by_kind}
    assert found == {kind: (told["count"], Decimal(told["sum"])) for kind, told in controls["kinds"].items()}
    values = dict(Transaction.objects.filter(value__isnull=False).values_list("kind").annotate(Sum("value")).order_by())
    assert values == controls.get("value_sums", {})
    return controls


@pytest.mark.real
@pytest.mark.parametrize(("name", "as_of", "scored"), [("olist", "2018-08-31", 941), ("koubei", "2016-11-01", 1_982)])
def test_a_real_market_comes_in_whole_and_as_many_as_should_be_are_scored(name: str, as_of: str, scored: int) -> None:
    controls = import_real(name)
    assert Transaction.objects.count() == controls["transactions"]
    counts = {line.split()[0]: int(line.split()[1]) for line in score(as_of=date.fromisoformat(as_of))}
    assert counts.pop("scored") == scored
    assert scored + sum(counts.values()) == controls["merchants"]


@pytest.mark.real
def test_the_card_ranks_real_loans() -> None:
    """The README quotes this line."""
    import_real("berka")
    said = score(outcomes=DATA / "berka" / "outcomes.csv.gz")
    assert "AUC (all): 0.714 [0.631, 0.797], 328 loans, 46 bad" in said
