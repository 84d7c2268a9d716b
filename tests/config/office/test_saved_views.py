"""Ways of looking at a list: saved, shared with a role, found above it, removed."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.db.locking import lock_name
from config.declarations import Role
from config.office.lists import LONGEST_QUERY
from config.office.models import OperationEvent, SavedView
from config.office.pages import OfficeAdmin
from config.office.saved_views import (
    MOST_OF_A_LIST,
    ViewNotSaved,
    ViewRefusal,
    judge_removal,
    judge_saving,
    roles_that_see,
    save_view,
)
from tests.config.office.made_lists import done, make_export, make_view
from tests.conftest import make_user
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:office_jobrun_changelist"
SAVE = "admin:office_jobrun_save_view"
SAVED: dict[str, Any] = {
    "query": "q=1",
    "role": None,
    "may_share": True,
    "seen_by": [Role.AUDITOR],
    "names": ["a"],
    "name": "b",
}


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", tmp_path)


@pytest.fixture
def analyst() -> User:
    return make_user("analyst", Role.CREDIT_ANALYST)


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, name: str, query: str = "state=PARKED", role: str = "", address: str = SAVE) -> Any:  # noqa: ANN401 - the client's own
    sent = {"view_name": name, "share_with": role}
    return client.post(f"{reverse(address)}?{query}", sent, follow=True)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, None),
        ({"role": Role.AUDITOR, "query": "x" * LONGEST_QUERY}, None),
        ({"query": ""}, ViewRefusal.NOTHING_CHOSEN),
        ({"role": Role.AUDITOR, "may_share": False}, ViewRefusal.MAY_NOT_SHARE),
        ({"may_share": False}, None),
        ({"name": "北 2"}, None),
        *(
            ({"name": name}, ViewRefusal.NAME_UNREADABLE)
            for name in ("-", "a\u200b", "a\u202eb", "a\nb", "\u2800", "...")
        ),
        ({"query": "x" * (LONGEST_QUERY + 1)}, ViewRefusal.TOO_LONG),
        ({"role": Role.VIEWER}, ViewRefusal.ROLE_SEES_NOT),
        ({"name": "a"}, ViewRefusal.NAME_TAKEN),
        ({"names": map(str, range(MOST_OF_A_LIST))}, ViewRefusal.TOO_MANY),
    ],
)
def test_a_view_is_saved_unless(changed: dict[str, Any], refusal: ViewRefusal | None) -> None:
    assert judge_saving(**SAVED | changed) is refusal


@pytest.mark.parametrize(
    ("own", "shared", "may", "refusal"),
    [
        (True, False, False, None),
        (True, True, False, None),
        (False, True, True, None),
        (False, True, False, ViewRefusal.NOT_OWN),
        (False, False, True, ViewRefusal.NOT_OWN),
    ],
)
def test_a_view_is_removed_by(own: bool, shared: bool, may: bool, refusal: ViewRefusal | None) -> None:  # noqa: FBT001
    assert judge_removal(is_own=own, is_shared=shared, may_remove_shared=may) is refusal


def test_a_view_is_saved_and_found_above_the_list(analyst: User) -> None:
    client = sign_in(analyst)
    assertNotContains(client.get(reverse(LIST)), "Save this view")
    assertContains(client.get(reverse(LIST), {"state": "PARKED"}), f'href="{reverse(SAVE)}?state=PARKED"')
    page = save(client, "Parked", "after=9&state=PARKED&job=")
    assert page.redirect_chain == [(f"{reverse(LIST)}?state=PARKED", 302)]
    view = SavedView.objects.get()
    assert (view.listed, view.name, view.query, view.shared_with) == ("office.jobrun", "Parked", "state=PARKED", "")
    [link] = page.context["views"]
    assert (link.name, link.url, link.is_current) == ("Parked", f"{reverse(LIST)}?state=PARKED", True)
    assertContains(page, 'aria-current="page"')
    assertNotContains(page, "Save this view")
    [link] = client.get(reverse(LIST)).context["views"]
    assert not link.is_current
    assert not OperationEvent.objects.filter(name="office.share_view").exists()


def test_a_view_is_shared_with_a_role_that_sees_the_list(analyst: User) -> None:
    """Red if it were shown to another role, or to those of the role for another list."""
    save(sign_in(analyst), "Parked", role=Role.FINANCE)
    make_view(owner="staff:999", listed="office.jobrun", name="Private")
    finance = sign_in(make_user("finance", Role.FINANCE))
    make_view(owner=f"staff:{User.objects.get(username='finance').pk}", listed="office.jobrun", name="Zebra")
    own, shared = finance.get(reverse(LIST)).context["views"]
    assert (own.name, own.role, shared.name, shared.role) == ("Zebra", "", "Parked", "Finance")
    assert (own.remove is None, shared.remove) == (False, None)
    assertContains(finance.get(reverse(LIST)), 'title="Shared by analyst"', count=1)
    assert sign_in(make_user("viewer", Role.VIEWER)).get(reverse(LIST)).context["views"] == []
    assert finance.get(reverse("admin:lending_loan_changelist")).context["views"] == []
    event = OperationEvent.objects.get(name="office.share_view")
    assert event.after == {"list": "office.jobrun", "role": "Finance"}


def test_a_viewer_saves_views_and_shares_none() -> None:
    viewer = sign_in(make_user("viewer", Role.VIEWER))
    assertNotContains(viewer.get(f"{reverse(SAVE)}?state=DONE"), "share_with")
    save(viewer, "Done", role=Role.FINANCE)
    assert SavedView.objects.get().shared_with == ""


def test_a_name_that_nobody_can_read_is_refused_in_words(analyst: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.office.pages.count_rows", None)  # which a view does not need
    assertContains(save(sign_in(analyst), "\u202eDone"), "needs a letter or a digit")
    assert not SavedView.objects.exists()


def test_a_view_is_shared_with_no_role_that_does_not_see_the_list() -> None:
    """Red if the form's choices alone kept it so."""
    auditor = sign_in(make_user("auditor", Role.AUDITOR))
    form = auditor.get(f"{reverse('admin:office_operationevent_save_view')}?since=2026-03-02").context["step"].form
    offered = {value for value, _words in form.fields["share_with"].choices if value}
    assert offered == {Role.RISK_MANAGER, Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR}
    page = save(auditor, "March", "since=2026-03-02", Role.VIEWER, "admin:office_operationevent_save_view")
    assertContains(page, "Viewer is not one of the available choices")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("A", "", "There is nothing to save"),
        ("A", "colour=red", "This list does not know “colour”"),
        ("A", "state=LOST", "This list does not know “state=LOST”"),
        ("", "state=DONE", "This field is required"),
        ("x" * 61, "state=DONE", "at most 60 characters"),
        ("Taken", "state=DONE", "You have a view of this list with this name"),
    ],
)
def test_what_the_list_cannot_read_is_not_saved(analyst: User, name: str, query: str, words: str) -> None:
    make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", name="Taken")
    assertContains(save(sign_in(analyst), name, query), words)
    assert SavedView.objects.count() == 1


def test_two_at_once_get_one_view_of_a_name(analyst: User) -> None:
    class Held:
        def lock(self) -> list[object]:
            lock_name("office.save_view", f"staff:{analyst.pk}")
            return []

    held: Any = Held()
    told: dict[str, Any] = {"listed": "office.jobrun", "name": "A", "query": "state=DONE", "role": None, "seen_by": []}
    one = partial(save_view, **told, user=analyst, now=timezone.now())
    outcomes = race(one, one, held=held)
    [refused] = [found for found in outcomes if isinstance(found, ViewNotSaved)]
    assert refused.reason is ViewRefusal.NAME_TAKEN


def test_its_owner_removes_a_view_and_an_administrator_a_shared_one(analyst: User) -> None:
    own = make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", name="Own")
    shared = make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", name="Shared", shared_with=Role.FINANCE)
    addresses = [reverse("admin:office_savedview_remove", args=[view.pk]) for view in (own, shared)]
    finance = sign_in(make_user("finance", Role.FINANCE))
    assert finance.post(addresses[0]).status_code == 404
    assertContains(finance.post(addresses[1]), "This view is somebody else")
    administrator = sign_in(make_user("administrator", Role.ADMINISTRATOR))
    listed = administrator.get(reverse("admin:office_savedview_changelist")).context["listing"]
    assert [view.name for view in listed.rows] == ["Shared"]
    assert administrator.post(addresses[0]).status_code == 404
    assert SavedView.objects.count() == 2

    assertContains(administrator.get(addresses[1]), "Remove the view")
    page = administrator.post(addresses[1], follow=True)
    assert page.redirect_chain == [(reverse("admin:office_savedview_changelist"), 302)]
    assert sign_in(analyst).post(addresses[0], follow=True).redirect_chain == [(reverse(LIST), 302)]
    assert not SavedView.objects.exists()
    event = OperationEvent.objects.get(name="office.remove_shared_view")
    assert event.before == {"list": "office.jobrun", "role": "Finance"}
    assert sign_in(analyst).post(addresses[0]).status_code == 404


@pytest.mark.parametrize("reads", [Role.RISK_MANAGER, Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_the_audit_trail_leads_to_a_shared_view_and_to_no_other(analyst: User, reads: Role) -> None:
    """Red if its address answered that there is no such view."""
    views = [
        make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", query="state=DONE", name=name, shared_with=role)
        for name, role in (("Shared", Role.FINANCE), ("Own", ""))
    ]  # fmt: skip
    client = sign_in(make_user("reader", reads))
    shared, own = (client.get(reverse("admin:office_savedview_change", args=[view.pk])) for view in views)
    assertContains(shared, "Open the list")
    assertContains(shared, analyst.username)
    assert own.status_code == 404


def test_what_a_view_or_an_export_asks_for_is_told_to_those_who_see_its_list() -> None:
    """Red if a search, in which a person may be named, were read by whoever may not see the list."""
    asked = {"listed": "office.operationevent", "query": "q=Mallory"}
    view = make_view(**asked, owner="staff:999", shared_with=Role.ADMINISTRATOR)
    hidden = make_view(listed="lending.arrearscase", query="q=Mallory", owner="staff:999", shared_with=Role.COLLECTOR)
    export = make_export(listed="lending.arrearscase", query="q=Mallory", requested_by="staff:999")
    administrator = sign_in(make_user("administrator", Role.ADMINISTRATOR))
    assertContains(administrator.get(reverse("admin:office_savedview_change", args=[view.pk])), "Mallory")
    for page in ("savedview_change", "savedview_remove", "listexport_change"):
        row = export if page.startswith("listexport") else hidden
        reply = administrator.get(reverse(f"admin:office_{page}", args=[row.pk]))
        assertContains(reply, "Arrears")
        assertNotContains(reply, "Mallory")
        assertNotContains(reply, reverse("admin:lending_arrearscase_changelist") + "?")
        assertNotContains(reply, "Open the list")
        assertNotContains(reply, "Download")


def test_a_view_whose_filter_is_gone_is_told_and_removed(analyst: User) -> None:
    """Red if what a list does not know any more could not be got rid of."""
    view = make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", query="colour=red")
    gone = make_view(owner=f"staff:{analyst.pk}", listed="lending.lost", query="state=OPEN")
    client = sign_in(analyst)
    [link] = client.get(reverse(LIST)).context["views"]
    assertContains(client.get(link.url, follow=True), "This list does not know “colour”")
    assertContains(client.get(reverse("admin:office_savedview_change", args=[view.pk])), "colour")
    assertContains(client.get(reverse("admin:office_savedview_changelist")), "lending.lost")
    for row in (view, gone):
        assertContains(client.get(reverse("admin:office_savedview_change", args=[row.pk])), row.name)
        client.post(reverse("admin:office_savedview_remove", args=[row.pk]), follow=True)
    assert not SavedView.objects.exists()


def test_a_value_that_no_row_has_any_more_lists_nothing() -> None:
    """Red if a view or an export were an error as soon as the last case of its owner is closed."""
    collector = make_user("collector", Role.COLLECTOR)
    client, address = sign_in(collector), reverse("admin:lending_arrearscase_changelist")
    page = client.get(address, {"owner": "staff:999"})
    assertContains(page, "Nothing matches")
    assertContains(page, '<option value="staff:999" selected>')
    asked = {"owner": "staff:999", "state": "LOST"}
    assertContains(client.get(address, asked, follow=True), "This list does not know “state=LOST”")
    export = done(collector, "lending.arrearscase", "owner=staff%3A999")
    assert (export.state, export.rows) == ("DONE", 0)


@pytest.mark.parametrize("text", ["gone", "9" * 30, "2026-13", "a\u2028b"])
def test_no_value_of_a_filter_whose_choices_come_and_go_is_an_error_page(text: str) -> None:
    client = sign_in(User.objects.create_superuser("root"))
    asked = set[str]()
    for model, page in admin.site._registry.items():  # noqa: SLF001
        if isinstance(page, OfficeAdmin) and page.list_page:
            for part in page.described(page.completed(QueryDict())).filters:
                if part.comes_and_goes:
                    reply = client.get(page.list_url(), {part.name: text})
                    assert reply.status_code in {200, 302}, (model, part.name)
                    asked.add(f"{model._meta.model_name}.{part.name}")
    assert {"arrearscase.owner", "merchant.partner", "loan.currency", "loanprovision.month"} <= asked


def test_a_view_that_was_shared_is_gone_with_the_role(analyst: User) -> None:
    save(sign_in(analyst), "Parked", role=Role.FINANCE)
    user = make_user("finance", Role.FINANCE)
    assert len(sign_in(user).get(reverse(LIST)).context["views"]) == 1
    user.groups.set(Group.objects.filter(name=Role.VIEWER))
    assert sign_in(user).get(reverse(LIST)).context["views"] == []


@pytest.mark.parametrize("views", [0, 1, 5])
def test_views_take_one_query(analyst: User, django_assert_num_queries: DjangoAssertNumQueries, views: int) -> None:
    for number in range(views):
        make_view(owner=f"staff:{analyst.pk}", listed="office.jobrun", name=f"View {number}")
    client = sign_in(analyst)
    with django_assert_num_queries(9):
        client.get(reverse(LIST))


def test_the_roles_that_see_a_list_have_any_of_its_rights() -> None:
    assert roles_that_see(["auth.view_user", "auth.change_user"]) == [Role.CONTROLLER, Role.AUDITOR, Role.ADMINISTRATOR]
    assert roles_that_see(["nobody.has_it"]) == []
