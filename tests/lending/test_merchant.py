from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.admin import KeysetChangeList
from config.office.models import OperationEvent
from lending.admin.merchant import OUTCOMES, MerchantAdmin, find_merchants
from lending.admin.portrait import ACCOUNT_STATES, COLUMNS, KINDS, PERIODS, SPANS
from merchants.domain.payout_account import PayoutAccountState
from merchants.domain.transaction import TransactionKind
from merchants.models import Merchant, Transaction
from merchants.operations.payout_accounts import enter_payout_account
from merchants.queries.histories import PAGE, Period
from scoring.models import Score
from scoring.queries.merchants import Outcome
from scoring.queries.scores import ROW_FIELDS
from tests.conftest import CLERK, NOW, owner_connection
from tests.lending.office import XSS, publish_market, staff
from tests.markets import make_merchants, make_partner, receive, sale

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:merchants_merchant_changelist"


def page_of(merchant: Merchant, *, page: str = "change") -> str:
    return reverse(f"admin:merchants_merchant_{page}", args=[merchant.pk])


def replay_url(score: Score) -> str:
    return reverse("admin:merchants_merchant_replay", args=[score.merchant_id, score.pk])


@pytest.mark.parametrize("rows", [1, 3])
def test_list_needs_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    make_merchants(make_partner(), *[f"shop-{number}" for number in range(rows)])
    client.force_login(staff(Role.VIEWER))
    with django_assert_num_queries(13):
        page = client.get(reverse(LIST))
    assertContains(page, 'title="shop-', count=rows)


def test_pages_follow_one_another_by_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_merchants(make_partner(), *[f"shop-{number}" for number in range(5)])
    monkeypatch.setattr(MerchantAdmin, "list_per_page", 2)
    client.force_login(staff(Role.VIEWER))

    def walk(query: str | None) -> KeysetChangeList:
        assert query is not None
        return client.get(reverse(LIST) + query).context["cl"]  # type: ignore[no-any-return]

    names: Callable[[KeysetChangeList], list[str]] = lambda cl: [merchant.name for merchant in cl.result_list]  # noqa: E731
    first = walk("")
    assert (names(first), first.paginator.previous) == (["shop-0", "shop-1"], None)
    second = walk(first.paginator.next)
    assert names(second) == ["shop-2", "shop-3"]
    third = walk(second.paginator.next)
    assert (names(third), third.paginator.next) == (["shop-4"], None)
    assert names(walk(third.paginator.previous)) == ["shop-2", "shop-3"]
    assert client.get(reverse(LIST) + "?after=x").status_code == 302


def test_search_finds_beginnings_only(client: Client) -> None:
    make_merchants(make_partner(), "Blue Kiln", "Red Kiln")
    client.force_login(staff(Role.VIEWER))
    assertContains(client.get(reverse(LIST), {"q": "blue"}), 'title="Blue Kiln"')
    assertNotContains(client.get(reverse(LIST), {"q": "Kiln"}), 'title="Blue Kiln"')
    request = client.get(reverse(LIST)).wsgi_request
    assert [found.title for found in find_merchants(request, "red")] == ["Red Kiln"]


def test_a_scored_merchant_is_explained(client: Client) -> None:
    publish_market()
    score = Score.objects.filter(not_scored__isnull=True, grade__isnull=False).latest("pk")
    client.force_login(staff(Role.CREDIT_ANALYST))
    page = client.get(page_of(Merchant.objects.get(pk=score.merchant_id)))
    assertContains(page, f"tl-grade-{score.grade}")
    assertContains(page, "Points by characteristic")
    assertContains(page, replay_url(score))
    explanation = page.context["explanation"]
    points = sum(part.points for part in explanation.contributions)
    assert explanation.base + points + sum(explanation.floors.values()) + explanation.clipped == score.score


@pytest.mark.parametrize("by", [*Period, "century"])
def test_sales_are_shown_by_period(client: Client, by: str) -> None:
    publish_market()
    client.force_login(staff(Role.VIEWER))
    page = client.get(page_of(Merchant.objects.get(name="shop-0")), {"by": by})
    sizes = {"week": 26, "month": 24}
    assert len(page.context["sales_rows"]) == sizes.get(by, 90)


def test_sales_of_the_chart_are_the_transactions_of_the_merchant(client: Client) -> None:
    publish_market()
    merchant = Merchant.objects.get(name="shop-0")
    client.force_login(staff(Role.VIEWER))
    chart = client.get(page_of(merchant), {"by": "month"}).context["sales_chart"]
    rows = Transaction.objects.filter(merchant=merchant).values_list("kind", "amount_minor")
    sold, returned = (sum(value or 0 for value in series["values"]) for series in chart["series"])
    assert round(sold * 100) == sum(amount for kind, amount in rows if kind == "SALE")
    assert round(-returned * 100) == sum(amount for kind, amount in rows if kind == "REFUND")


@pytest.mark.parametrize(
    ("name", "words"), [("sleeper", "ten orders"), ("newcomer", "No score yet"), (XSS, "ten orders")]
)
def test_a_merchant_without_a_score_says_why(client: Client, name: str, words: str) -> None:
    publish_market()
    client.force_login(staff(Role.VIEWER))
    page = client.get(page_of(Merchant.objects.get(name=name)))
    assertContains(page, words)
    assertContains(page, "Nothing was sold")
    assertNotContains(page, XSS)


def test_names_are_escaped_in_the_list(client: Client) -> None:
    publish_market()
    client.force_login(staff(Role.VIEWER))
    assertNotContains(client.get(reverse(LIST)), XSS)


def test_payout_accounts_are_masked_and_only_for_those_who_may(client: Client) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    enter_payout_account(
        partner_id=partner.pk,
        external_id="kiln",
        number="GB82WEST12345698765432",
        holder="Kiln Ltd",
        actor=CLERK,
        now=NOW,
    )
    merchant = Merchant.objects.get()
    client.force_login(staff(Role.FINANCE))
    page = client.get(page_of(merchant))
    assertContains(page, "**** 5432")
    assertNotContains(page, "GB82WEST")
    client.force_login(staff(Role.VIEWER))
    assertNotContains(client.get(page_of(merchant)), "Kiln Ltd")


def test_transactions_are_paged_by_key_and_filtered(client: Client) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    # All at one moment: the id alone tells them apart.
    receive(partner, [sale(f"s{number}") for number in range(PAGE + 5)] + [sale("r", kind="REFUND")])
    merchant = Merchant.objects.get()
    client.force_login(staff(Role.VIEWER))
    address = page_of(merchant, page="transactions")
    first = client.get(address)
    assert (len(first.context["rows"]), first.context["newer"]) == (PAGE, None)
    second = client.get(address + first.context["older"])
    assert (len(second.context["rows"]), second.context["older"]) == (6, None)
    shown = {part["row"].pk for part in (*first.context["rows"], *second.context["rows"])}
    assert shown == set(Transaction.objects.values_list("pk", flat=True))
    assert client.get(address + second.context["newer"]).context["rows"] == first.context["rows"]
    assert len(client.get(address, {"kind": "REFUND"}).context["rows"]) == 1
    assert client.get(address, {"older": "x"}).status_code == 404


def test_a_replay_after_later_and_back_dated_rows_is_equal(client: Client) -> None:
    publish_market()
    score = Score.objects.filter(run__state="PUBLISHED", not_scored__isnull=True).latest("pk")
    merchant = Merchant.objects.get(pk=score.merchant_id)
    receive(
        merchant.partner,
        [sale(f"late-{day}", merchant.name, occurred_at=f"2026-02-{day:02}T12:00Z") for day in range(1, 29)],
    )
    make_merchants(merchant.partner, merchant.name, category="coffee", region="south")
    client.force_login(staff(Role.CREDIT_ANALYST))
    page = client.get(replay_url(score))
    assert page.context["replay"].equal
    assertContains(page, "Equal in every column")


def test_a_tampered_score_is_shown_as_different(client: Client) -> None:
    """Red if the replay compared the stored row with itself."""
    publish_market()
    score = Score.objects.filter(run__state="PUBLISHED", not_scored__isnull=True).latest("pk")
    with owner_connection() as owner:
        owner.execute("ALTER TABLE scoring_score DISABLE TRIGGER scoring_score_append_only")
        owner.execute("UPDATE scoring_score SET score = 849, grade = 'A1' WHERE id = %s", [score.pk])
        owner.execute("ALTER TABLE scoring_score ENABLE TRIGGER scoring_score_append_only")
    client.force_login(staff(Role.CREDIT_ANALYST))
    page = client.get(replay_url(score))
    assertContains(page, "Not equal")
    assert {part.column for part in page.context["replay"].differences} >= {"score"}
    assertContains(page, "849")


def test_a_score_whose_pins_are_gone_is_not_called_equal(client: Client) -> None:
    publish_market()
    score = Score.objects.filter(run__state="PUBLISHED").latest("pk")
    with owner_connection() as owner:
        owner.execute("ALTER TABLE scoring_referencemerchant DISABLE TRIGGER scoring_referencemerchant_append_only")
        owner.execute("DELETE FROM scoring_referencemerchant WHERE merchant_id = %s", [score.merchant_id])
        owner.execute("ALTER TABLE scoring_referencemerchant ENABLE TRIGGER scoring_referencemerchant_append_only")
    client.force_login(staff(Role.CREDIT_ANALYST))
    assertContains(client.get(replay_url(score)), "cannot be proven")


def test_a_replay_is_a_right_of_its_own_and_of_the_merchant_s_own_scores(client: Client) -> None:
    publish_market()
    score = Score.objects.latest("pk")
    client.force_login(staff(Role.VIEWER))
    assertContains(client.get(page_of(Merchant.objects.get(pk=score.merchant_id))), "may not replay")
    assert client.get(replay_url(score)).status_code == 403
    client.force_login(staff(Role.CREDIT_ANALYST))
    other = Score.objects.exclude(merchant=score.merchant_id).latest("pk")
    assert client.get(reverse("admin:merchants_merchant_replay", args=[other.merchant_id, score.pk])).status_code == 404
    assert not OperationEvent.objects.filter(name__contains="replay").exists()


def test_every_enum_has_its_words() -> None:
    assert set(KINDS) == set(TransactionKind)
    assert set(OUTCOMES) == set(Outcome)
    assert set(PERIODS) == set(SPANS) == set(Period)
    assert set(ACCOUNT_STATES) == set(PayoutAccountState)
    assert set(COLUMNS) == set(ROW_FIELDS)
