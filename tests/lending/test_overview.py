import re
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from merchants.models import Merchant
from scoring.domain.run import RunState
from scoring.models import Score, ScoreRun
from scoring.queries import merchants
from scoring.queries.figures import count_figures, figures_of
from scoring.queries.scores import get_live_run
from tests.conftest import NOW, make_user
from tests.lending.office import publish_market, staff
from tests.markets import make_merchants, make_partner
from tests.scoring.market import AS_OF

pytestmark = pytest.mark.django_db(transaction=True)
FIGURE = re.compile(r'<a href="([^"]+)" data-figure="([^"]+)">\s*([\d,]+)<')
COUNT = re.compile(r'class="tl-pages-count">\s*([\d,]+) ')


def signed_in(client: Client, role: Role = Role.RISK_MANAGER) -> Client:
    client.force_login(staff(role))
    return client


def test_every_figure_equals_the_list_behind_it(client: Client) -> None:
    """Red if the grade filter forgot that a merchant without a score has a grade too."""
    run = publish_market()
    page = signed_in(client).get(reverse("admin:overview")).content.decode()
    figures = [
        (link.replace("&amp;", "&"), name, int(number.replace(",", ""))) for link, name, number in FIGURE.findall(page)
    ]
    names = [name for _, name, _ in figures]
    assert {"merchants", "scored", "not_scored", "good", "reason", "B1", "D"} <= set(names)
    for link, name, number in figures:
        found = COUNT.search(client.get(link).content.decode())
        assert found is not None, link
        assert int(found[1].replace(",", "")) == number, (name, link)
    by_name = {name: number for _, name, number in figures}
    assert by_name["scored"] == run.scored
    assert by_name["not_scored"] == run.not_scored
    assert by_name["merchants"] == Merchant.objects.count() == run.scored + run.not_scored + 1
    assert sum(number for _, name, number in figures if name == "reason") == run.not_scored


@pytest.mark.parametrize(("few", "newest"), [(0, 0), (merchants.FEW, 0), (merchants.FEW, merchants.NEWEST)])
def test_merchants_newer_than_the_run_are_all_found(
    client: Client, monkeypatch: pytest.MonkeyPatch, few: int, newest: int
) -> None:
    """Red if only the newest were looked at: one has a lower number than some that are scored."""
    publish_market()
    monkeypatch.setattr(merchants, "FEW", few)
    monkeypatch.setattr(merchants, "NEWEST", newest)
    known = Merchant.objects.latest("pk")
    make_merchants(known.partner, "a-later", "b-later")
    early = Merchant(pk=Merchant.objects.earliest("pk").pk - 1, partner=known.partner, external_id="c-early")
    early.name, early.currency = "c-early", known.currency
    early.save(force_insert=True)
    scored = Score.objects.filter(run=get_live_run()).values("merchant")
    expected = list(Merchant.objects.exclude(pk__in=scored).order_by("pk").values_list("name", flat=True))
    assert {"a-later", "b-later", "c-early"} < set(expected)

    def listed(**asked: str) -> list[str]:
        page = client.get(reverse("admin:merchants_merchant_changelist"), {"outcome": "unknown"} | asked)
        return [merchant.name for merchant in page.context["listing"].rows]

    signed_in(client)
    assert listed() == expected
    assert listed(q="later") == ["a-later", "b-later"]
    assert listed(sort="-name") == sorted(expected, reverse=True)
    assert merchants.count_newer() == len(expected)


def test_a_held_run_is_told(client: Client) -> None:
    publish_market()
    newest = ScoreRun.objects.latest("pk")
    ScoreRun.objects.filter(pk=newest.pk).update(state=RunState.HELD)
    assertContains(signed_in(client).get(reverse("admin:overview")), "is held by its checks")


def test_without_a_role_there_are_no_figures(client: Client) -> None:
    publish_market()
    client.force_login(make_user("nobody"))
    page = client.get(reverse("admin:index"))
    assertContains(page, "You have no role")
    assertNotContains(page, "data-figure")
    assert client.get(reverse("admin:overview")).status_code == 403


def test_no_look_counts_a_run(client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """Red if the figures of a run were not kept with it, or were not what its scores give."""
    run = publish_market()
    run.refresh_from_db()
    assert run.figures is not None
    assert figures_of(run) == count_figures(run)
    signed_in(client)
    with django_assert_max_num_queries(22):
        client.get(reverse("admin:overview"))


def test_the_migration_counts_as_a_run_does() -> None:
    """Red if a reason or grade is left out, or a quartile taken otherwise."""
    run = publish_market()
    ScoreRun.objects.update(figures=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("scoring.migrations.0010_fill_figures").FILL)
    run.refresh_from_db()
    assert run.figures is not None
    assert figures_of(run) == count_figures(run)


def test_the_office_without_a_published_run_shows_its_day(client: Client) -> None:
    open_day(on=AS_OF, actor=SYSTEM, now=NOW)
    make_merchants(make_partner(), "one")
    assertContains(signed_in(client).get(reverse("admin:overview")), AS_OF.isoformat())
