from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import lists
from config.office.actors import SYSTEM
from config.office.display import Page
from config.office.lists import Listing
from config.office.models import OperationEvent
from config.office.words import money
from lending.admin.merchant import OUTCOMES, find_lending, find_merchants
from lending.admin.merchant_page import PERIODS, SPANS
from lending.admin.score_pages import COLUMNS
from merchants.domain.payout_account import PayoutAccountState
from merchants.domain.transaction import TransactionKind
from merchants.models import Merchant, Transaction
from merchants.operations.payout_accounts import enter_payout_account
from merchants.queries.histories import PAGE
from merchants.queries.labels import ACCOUNT_STATES, KINDS
from scoring.domain.features.characteristics import CHARACTERISTIC_NAMES
from scoring.domain.features.sets import DAY_ONE
from scoring.models import Score, ScoreRun
from scoring.operations.single import score_merchant
from scoring.queries.explanations import characteristics_of, explain_score
from scoring.queries.merchants import Outcome
from scoring.queries.sales import Period, sales_of
from scoring.queries.scores import ROW_FIELDS, get_live_run
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
    with django_assert_num_queries(15):
        page = client.get(reverse(LIST))
    assertContains(page, 'title="shop-', count=rows)


def walk(client: Client, query: str | None) -> Listing:
    assert query is not None
    return client.get(reverse(LIST) + query).context["listing"]  # type: ignore[no-any-return]


def names(listing: Listing) -> list[str]:
    return [merchant.name for merchant in listing.rows]


def test_pages_follow_one_another_by_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_merchants(make_partner(), *[f"shop-{number}" for number in range(5)])
    monkeypatch.setattr(lists, "A_PAGE", 2)
    client.force_login(staff(Role.VIEWER))
    first = walk(client, "")
    assert (names(first), first.previous) == (["shop-0", "shop-1"], None)
    second = walk(client, first.next)
    assert names(second) == ["shop-2", "shop-3"]
    third = walk(client, second.next)
    assert (names(third), third.next) == (["shop-4"], None)
    assert names(walk(client, third.previous)) == ["shop-2", "shop-3"]


@pytest.mark.parametrize("sort", ["name", "-name", "live_score", "-live_score"])
def test_sorted_pages_meet_every_row_once_forwards_and_back(
    client: Client, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """Red if a page began after the sorted value alone: rows of one value, or of none, would be skipped."""
    publish_market()
    monkeypatch.setattr(lists, "A_PAGE", 3)
    client.force_login(staff(Role.VIEWER))
    listing = walk(client, f"?sort={sort}")
    pages = [names(listing)]
    while listing.next:
        listing = walk(client, listing.next)
        pages.append(names(listing))
    everybody = [name for page in pages for name in page]
    assert sorted(everybody) == sorted(Merchant.objects.values_list("name", flat=True))
    while listing.previous:
        pages.pop()
        listing = walk(client, listing.previous)
        assert names(listing) == pages[-1]
    assert len(pages) == 1
    if sort == "-name":
        assert everybody == list(Merchant.objects.order_by("-name", "-pk").values_list("name", flat=True))
    if sort == "-live_score":
        found = [Score.objects.filter(run=get_live_run(), merchant__name=name).first() for name in everybody]
        scores = [score.score for score in found if score is not None and score.not_scored is None]
        assert scores == sorted(scores, reverse=True)
        assert all(score is None or score.not_scored is not None for score in found[len(scores) :])


@pytest.mark.parametrize(
    "query", ["late=7", "grade=Z", "outcome=x", "sort=currency", "sort=-secret", "after=x", "after=1~2", "page=2"]
)
def test_what_a_list_does_not_know_is_told(client: Client, query: str) -> None:
    """Red if an unknown filter or value were ignored: the whole list would pass for its answer."""
    client.force_login(staff(Role.VIEWER))
    found = client.get(f"{reverse(LIST)}?{query}", follow=True)
    assert found.redirect_chain == [(reverse(LIST), 302)]
    assertContains(found, "This list does not know")


def test_search_finds_parts_of_names_and_ids_whatever_the_case(client: Client) -> None:
    make_merchants(make_partner(), "Blue Kiln", "Red Kiln", "Ox")
    client.force_login(staff(Role.VIEWER))
    assert names(walk(client, "?q=blue")) == ["Blue Kiln"]
    assert names(walk(client, "?q=KILN")) == ["Blue Kiln", "Red Kiln"]
    assert names(walk(client, "?q=ox")) == ["Ox"]
    assert names(walk(client, "?q=iln")) == ["Blue Kiln", "Red Kiln"]
    assert names(walk(client, "?q=il")) == [], "two letters are looked for at the beginning alone"
    request = client.get(reverse(LIST)).wsgi_request
    assert [found.title for found in find_merchants(request, "red")] == ["Red Kiln"]
    assert find_lending(request, "red") == []


def test_the_palette_says_that_it_finds_nothing(client: Client) -> None:
    client.force_login(staff(Role.VIEWER))
    found = client.get(reverse("admin:search"), {"s": "nothing like it", "extended": "1"})
    assertContains(found, 'id="command-results-list"')
    assertContains(found, "Nothing has this number")


def test_a_scored_merchant_is_explained(client: Client) -> None:
    publish_market()
    score = Score.objects.filter(not_scored__isnull=True, grade__isnull=False).latest("pk")
    client.force_login(staff(Role.CREDIT_ANALYST))
    page = client.get(page_of(Merchant.objects.get(pk=score.merchant_id)))
    assertContains(page, f"tl-grade-{score.grade}")
    assertContains(page, "Points by characteristic")
    assertContains(page, replay_url(score))
    explanation = explain_score(score)
    points = sum(part.points for part in explanation.contributions)
    assert explanation.base + points + sum(explanation.floors.values()) + explanation.clipped == score.score


@pytest.mark.parametrize("by", [*Period, "century"])
def test_sales_are_shown_by_period(client: Client, by: str) -> None:
    publish_market()
    client.force_login(staff(Role.VIEWER))
    page = client.get(page_of(Merchant.objects.get(name="shop-0")), {"by": by})
    sizes = {"week": 26, "month": 24}
    assert len(sales_card(page.context["page"]).parts[-1].rows) == sizes.get(by, 90)


def sales_card(page: Page) -> Any:  # noqa: ANN401 - a card of any parts
    return next(card for card in page.cards if card.anchor == "sales")


def test_sales_of_the_chart_are_those_that_the_score_counts(client: Client) -> None:
    """Red if an order that was cancelled, or not settled yet, counted as sold."""
    publish_market()
    merchant = Merchant.objects.get(name="shop-0")
    client.force_login(staff(Role.VIEWER))
    page = client.get(page_of(merchant), {"by": "day"}).context["page"]
    chart = sales_card(page).parts[1].data
    sold, returned = (sum(value or 0 for value in series["values"]) for series in chart["series"])
    score = Score.objects.get(run=get_live_run(), merchant=merchant)
    counted = characteristics_of(score)["sales_90"]
    assert counted is not None
    assert round((sold + returned) * 100) == counted
    assert money(counted, merchant.currency) in {str(figure.value) for figure in page.figures}


@pytest.mark.parametrize(("version", "returned"), [("2", 3_000), (DAY_ONE.version, 0)])
def test_sales_are_counted_by_the_rule_of_the_live_scores(version: str, returned: int) -> None:
    """Red if the page took the newest rule: it would not add up to scores that an older one made."""
    run = publish_market()
    partner = make_partner("in-escrow")
    make_merchants(partner, "kiln")
    early, later = {"occurred_at": "2026-02-10T12:00Z"}, {"occurred_at": "2026-02-20T12:00Z"}
    order = {"order_ref": "o1", "amount": "100.00"}
    receive(
        partner,
        [
            sale("k1", **order, **early),
            sale("k2", **order | {"amount": "30.00"}, kind="REFUND", **early),
            sale("k3", **order, kind="SETTLEMENT", **later),
        ],
    )
    ScoreRun.objects.filter(pk=run.pk).update(feature_set=version)
    found = sales_of(merchant_id=Merchant.objects.get(name="kiln").pk, period=Period.DAY, until=date(2026, 3, 1))
    assert (sum(part.sold for part in found), sum(part.returned for part in found)) == (10_000, returned)


def test_a_cancelled_order_in_escrow_is_no_sale() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    day = {"occurred_at": "2026-02-20T12:00Z"}
    receive(
        partner,
        [
            sale("s1", order_ref="o1", amount="70.00", **day),
            sale("s2", order_ref="o1", kind="SETTLEMENT", amount="70.00", **day),
            sale("s3", order_ref="o2", amount="900.00", **day),
            sale("s4", order_ref="o2", kind="CANCEL", amount="900.00", **day),
        ],
    )
    [kiln] = Merchant.objects.all()
    found = sales_of(merchant_id=kiln.pk, period=Period.DAY, until=date(2026, 3, 1))
    assert sum(part.sold for part in found) == 7_000


@pytest.mark.parametrize(
    ("name", "words"), [("sleeper", "10 orders"), ("newcomer", "No score yet"), (XSS, "10 orders")]
)
def test_a_merchant_without_a_score_says_why(client: Client, name: str, words: str) -> None:
    publish_market()
    client.force_login(staff(Role.VIEWER))
    page = client.get(page_of(Merchant.objects.get(name=name)))
    assertContains(page, words)
    assertContains(page, "Nothing counted as sold")
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


@pytest.mark.parametrize("rows", [1, 3])
def test_transactions_need_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    """Red if the batch of each row were read by itself."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    for row in range(rows):
        receive(partner, [sale(f"s{row}", "kiln")])
    client.force_login(staff(Role.VIEWER))
    with django_assert_num_queries(9):
        client.get(page_of(Merchant.objects.get(), page="transactions"))


def test_transactions_are_paged_by_key_and_filtered(client: Client) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    # All at one moment: the id alone tells them apart.
    receive(partner, [sale(f"s{number}") for number in range(PAGE + 5)] + [sale("r", kind="REFUND")])
    merchant = Merchant.objects.get()
    client.force_login(staff(Role.VIEWER))
    address = page_of(merchant, page="transactions")
    first = shown(client.get(address))
    assert [button.label for button in first.buttons] == ["Older"]
    second = shown(client.get(address + first.buttons[0].url))
    assert [button.label for button in second.buttons] == ["Newer"]
    ids = [[row.cells[5] for row in card.parts[0].rows] for card in (first, second)]
    assert [len(found) for found in ids] == [PAGE, 6]
    assert len({*ids[0], *ids[1]}) == Transaction.objects.count()
    assert shown(client.get(address + second.buttons[0].url)).parts == first.parts
    assert len(shown(client.get(address, {"kind": "REFUND"})).parts[0].rows) == 1
    assert client.get(address, {"kind": "x"}).status_code == client.get(address, {"older": "x"}).status_code == 404


def shown(found: Any) -> Any:  # noqa: ANN401 - a reply, and a card of any parts
    [card] = found.context["page"].cards
    return card


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
    assertContains(page, "Equal in every column")


def test_a_replay_after_rows_were_corrected_is_equal_and_a_new_score_differs(client: Client) -> None:
    """Red if a superseded row were gone from what was known before its correction, or stayed in what is known since."""
    publish_market()
    score = Score.objects.filter(run__state="PUBLISHED", not_scored__isnull=True).latest("pk")
    merchant = Merchant.objects.get(pk=score.merchant_id)
    sold = Transaction.objects.filter(merchant=merchant, kind="SALE").order_by("-day")[:20]
    rows = [
        sale(
            f"{row.external_id}-fix",
            merchant.external_id,
            amount="0.01",
            order_ref=row.order_ref,
            corrects=row.external_id,
        )
        | {"occurred_at": row.occurred_at.isoformat()}
        for row in sold
    ]
    assert receive(merchant.partner, rows).accepted == len(rows) == 20
    client.force_login(staff(Role.CREDIT_ANALYST))
    assertContains(client.get(replay_url(score)), "Equal in every column")
    fresh = score_merchant(merchant_id=merchant.pk, actor=SYSTEM, now=NOW)
    before, after = (
        dict(zip(CHARACTERISTIC_NAMES, found.characteristics, strict=True))["sales_90"] for found in (score, fresh)
    )
    assert (before or 0) > (after or 0)
    page = client.get(reverse("admin:merchants_merchant_transactions", args=[merchant.pk]))
    assertContains(page, f"corrects {sold[0].external_id}")
    assertContains(page, "Replaced by a later batch")


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
    assert {row[0] for row in shown(page).parts[0].rows} >= {COLUMNS["score"]}
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
    assertContains(client.get(page_of(Merchant.objects.get(pk=score.merchant_id))), "Your role may not do this")
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
