import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from config.kernel.policies import PolicyMalformed
from lending.domain.arrears.case import Debt
from lending.domain.arrears.dunning_policy import (
    DAY_ONE_DUNNING,
    DunningPolicy,
    Figure,
    SendingHours,
    canonical_dunning,
    figures_of,
    parse_dunning,
)
from lending.domain.arrears.letter_text import Addressee, compose, date_in
from merchants.domain.contact_detail import Language
from tests.lending.letters import dunning_document

ON = date(2026, 3, 9)
SHOP = Addressee(merchant="Kiln & Co {owed}", case="case_7", currency="CNY")


def policy(**changes: Any) -> DunningPolicy:  # noqa: ANN401 - of any field
    return parse_dunning(*canonical_dunning(json.dumps(dunning_document(**changes))))


def with_text(language: str = "en", **changes: str) -> list[dict[str, Any]]:
    """Return one step whose text in a language is changed."""
    [step, *_] = dunning_document()["steps"]
    return [{**step, "texts": {**step["texts"], language: {**step["texts"][language], **changes}}}]


def test_the_policy_that_is_kept_is_the_one_that_was_entered() -> None:
    content, sha256 = canonical_dunning(DAY_ONE_DUNNING.read_text())
    assert parse_dunning(content, sha256) == policy()
    assert [step.from_days for step in policy().steps] == [3, 15, 31, 61]
    with pytest.raises(PolicyMalformed, match="is not that of the hash"):
        parse_dunning(content, "a" * 64)


STEP = dunning_document()["steps"][0]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"steps": []}, "there is none"),
        ({"days": (15, 3)}, "each begins more days past due"),
        ({"days": (3, 3)}, "each begins more days past due"),
        ({"days": (2,)}, "a whole number from 3"),
        ({"steps": [STEP, {**STEP, "from_days": 9}]}, "two have the same name"),
        ({"steps": [{**STEP, "texts": {"en": STEP["texts"]["en"]}}]}, "Reminder: there is no text in zh"),
        ({"steps": [{**STEP, "texts": {**STEP["texts"], "fr": STEP["texts"]["en"]}}]}, "fr"),
        ({"steps": with_text(body="Pay {due} by {deadline}.")}, "unknown figure {deadline}; known: {merchant}"),
        ({"steps": with_text(subject="Pay {amount}")}, "unknown figure {amount}"),
        ({"steps": with_text(body="Pay {}.")}, "unknown figure {}"),
        ({"steps": with_text(body="Pay {due.real}.")}, "unknown figure"),
        ({"steps": with_text(body="Pay {due:>9}.")}, "unknown figure"),
        ({"steps": with_text(body="Pay {due!r}.")}, "unknown figure"),
        ({"steps": with_text(body="Pay {due.")}, "braces"),
        ({"steps": with_text(body="Pay.")}, "does not say what is due"),
        ({"steps": with_text(body=" ")}, "text of 1 to"),
        ({"steps": with_text(body="Pay {due}.\r\nNow")}, "text of 1 to"),
        ({"steps": with_text(subject="Pay\nnow")}, "a line of 1 to"),
        ({"steps": with_text(subject="")}, "a line of 1 to"),
        ({"steps": with_text(body="Pay {due}.")}, "do not name the same figures"),
        ({"lender": ""}, "lender"),
        ({"hours": {"from_hour": 9, "until_hour": 9}}, "until_hour is not after from_hour"),
        ({"hours": {"from_hour": 9, "until_hour": 25}}, "hours: until_hour"),
        ({"cap": {"letters": 0, "days": 7}}, "cap: letters"),
        ({"cap": {"letters": 1, "days": 0}}, "cap: days"),
        ({"tone": "firm"}, "'tone' is an unknown field"),
    ],
)
def test_a_policy_that_would_send_nonsense_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(PolicyMalformed) as refused:
        policy(**changes)
    assert what in str(refused.value)


def test_every_figure_is_in_the_letter_as_its_language_writes_it() -> None:
    debt = Debt(late_since=date(2026, 3, 1), dpd=8, due_minor=123_456_70, owed_minor=900_000_00)
    named = "{merchant}|{lender}|{case}|{date}|{since}|{days}|{due}|{owed}"
    assert figures_of("body", named) == set(Figure)
    texts = {language: {"subject": "{days} days", "body": named} for language in Language}
    steps = [{**STEP, "texts": texts}]
    ours = policy(steps=steps, lender="Lotus Credit")
    written = compose(ours, ours.steps[0], Language.EN, SHOP, debt, on=ON)
    assert written == (
        "8 days",
        "Kiln & Co {owed}|Lotus Credit|case_7|9 March 2026|1 March 2026|8|CNY 123,456.70|CNY 900,000.00",
    )
    _, body = compose(ours, ours.steps[0], Language.ZH, SHOP, debt, on=ON)
    assert "2026年3月9日|2026年3月1日" in body


def test_a_currency_without_decimals_has_none_in_the_letter() -> None:
    debt = Debt(late_since=ON - timedelta(days=3), due_minor=5_000)
    [first, *_] = policy().steps
    to = Addressee(merchant="Kiln", case="case_7", currency="JPY")
    subject, _ = compose(policy(), first, Language.EN, to, debt, on=ON)
    assert "JPY 5,000 " in subject


def test_a_name_of_two_lines_begins_no_header() -> None:
    to = Addressee(merchant="Kiln\r\nBcc: all@example.com", case="case_7", currency="CNY")
    debt = Debt(late_since=ON - timedelta(days=3), due_minor=1)
    steps = with_text(subject="{merchant}")
    ours = policy(steps=[{**steps[0], "texts": {**steps[0]["texts"], "zh": steps[0]["texts"]["zh"]}}])
    subject, _ = compose(ours, ours.steps[0], Language.EN, to, debt, on=ON)
    assert subject == "Kiln Bcc: all@example.com"


def test_the_first_policy_says_the_same_in_both_languages_and_leaves_no_brace() -> None:
    debt = Debt(late_since=ON - timedelta(days=61), due_minor=1, owed_minor=2)
    to = Addressee(merchant="Kiln", case="case_7", currency="CNY")
    for step in policy().steps:
        for language in Language:
            for text in compose(policy(), step, language, to, debt, on=ON):
                assert "{" not in text
                assert "}" not in text


@pytest.mark.parametrize(("hour", "leaves"), [(8, False), (9, True), (18, True), (19, False), (0, False)])
def test_letters_leave_in_the_hours_of_the_policy(hour: int, leaves: bool) -> None:  # noqa: FBT001
    hours = SendingHours(from_hour=9, until_hour=19)
    assert hours.admit(datetime(2026, 3, 9, hour, 59)) is leaves  # noqa: DTZ001 - local time
    assert SendingHours(from_hour=0, until_hour=24).admit(datetime(2026, 3, 9, hour)) is True  # noqa: DTZ001


def test_every_month_has_its_name() -> None:
    assert date_in(Language.EN, date(2026, 12, 31)) == "31 December 2026"
    assert date_in(Language.EN, date(2026, 1, 1)) == "1 January 2026"
