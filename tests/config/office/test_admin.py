"""Every address of the admin, for every role: the table of rights is what the pages obey."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, resolve, reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import admin as office
from config.office import lists
from config.office.actors import SYSTEM
from config.office.lists import rounded
from config.office.models import (
    BusinessDate,
    JobRun,
    ListExport,
    OperationEvent,
    SavedView,
)
from config.office.models.job_run import JobState
from config.office.pages import OfficeAdmin
from config.office.roles import ROLES
from config.office.verbs import Asked, Step, url_name
from lending.models import (
    Loan,
)
from scoring.models import Score
from tests.config.office.one_of_each import make_one_of_each
from tests.config.office.rights import BOTH, NEEDED
from tests.conftest import NOW, Enqueued
from tests.events import make_event
from tests.forge import forge
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
LEADS_ELSEWHERE = {  # to the merchant, to the loan, to the report while there is no pack
    "lending_offer_change",
    "lending_transfer_change",
    "lending_loanorigin_pack",
    "office_listexport_download",  # to the page of the export, whose file is not there
}
OFFICE_PAGES = [(model, page) for model, page in admin.site._registry.items() if isinstance(page, OfficeAdmin)]  # noqa: SLF001


def names() -> Iterator[str]:
    """Name every page of every model that is registered."""
    for model_admin in admin.site._registry.values():  # noqa: SLF001
        for pattern in model_admin.get_urls():
            if isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name


def test_every_page_is_in_the_table() -> None:
    """Red when a page is added without saying who may open it."""
    assert set(names()) == set(NEEDED)


@pytest.fixture
def addresses() -> dict[str, str]:
    """Make one row of everything, and give the address of every page."""
    keys = make_one_of_each()
    score = Score.objects.filter(merchant=keys["merchants_merchant"]).latest("pk")
    of_lists = {f"{model}_{page}" for model in keys for page in ("changelist", "add")}
    of_lists |= {"lending_ledgeraccount_income", "lending_ledgeraccount_sheet", "lending_loanspell_loans"}
    of_lists |= {name for name in NEEDED if name.startswith("lending_loanorigin_")} | BOTH.keys()
    of_lists |= {url_name(model, verb) for model, page in OFFICE_PAGES for verb in page.list_verbs}
    found = {}
    for name in NEEDED:
        model = next(key for key in sorted(keys, key=len, reverse=True) if name.startswith(f"{key}_"))
        args = [] if name in of_lists else [keys[model]]
        more = [score.pk] if name.endswith("_replay") else []
        found[name] = reverse(f"admin:{name}", args=[*args, *more])
    return found


@pytest.mark.parametrize("role", list(Role))
def test_a_page_opens_for_whom_the_table_of_roles_allows_it(
    client: Client, role: Role, addresses: dict[str, str]
) -> None:
    client.force_login(user := staff(role))
    forge(ListExport.objects.get(), requested_by=f"staff:{user.pk}")  # others' are not found
    forge(SavedView.objects.get(), owner=f"staff:{user.pk}")
    wrong = {}
    for name, address in addresses.items():
        opens = 302 if name in LEADS_ELSEWHERE else 200
        expected = opens if NEEDED[name] <= ROLES[role] else 403
        status = client.get(address).status_code
        if status != expected:
            wrong[name] = (status, expected)
    assert wrong == {}
    assert client.get(reverse("admin:index")).status_code == 200


def test_every_filter_of_every_list_narrows_it(client: Client, addresses: dict[str, str]) -> None:
    """Red if a filter names a field that its rows do not have, or forgets the filters beside it."""
    client.force_login(User.objects.create_superuser("root"))
    opened = 0
    for model, page in OFFICE_PAGES:
        address = addresses[f"{model._meta.label_lower.replace('.', '_')}_changelist"]
        offered = {one.name: [value for value, _ in one.choices()] for one in page.filters if one.choices is not None}
        alone = {
            (name, value): kept(client, address, {name: value}) for name, values in offered.items() for value in values
        }
        opened += len(alone)
        for place in (0, -1):
            chosen = {name: values[place] for name, values in offered.items() if values}
            if chosen:
                both = set.intersection(*(alone[one] for one in chosen.items()))
                assert kept(client, address, chosen) == both, (address, chosen)
    assert opened > 100


def kept(client: Client, address: str, chosen: dict[str, str]) -> set[object]:
    """Return the keys of the rows that a list keeps with some filters."""
    page = client.get(address, chosen)
    assert page.status_code == 200, (address, chosen)
    return set(page.context["listing"].matching.values_list("pk", flat=True))


def test_a_page_shows_a_button_for_each_of_its_verbs(client: Client, addresses: dict[str, str]) -> None:
    """Red if a page makes its buttons itself: a verb would have an address that nobody is led to."""
    client.force_login(root := User.objects.create_superuser("root"))
    asked = Asked(user=root, now=NOW)
    verbs = [(model, page, verb) for model, page in OFFICE_PAGES for verb in (*page.row_verbs, *page.list_verbs)]
    assert len(verbs) > 20
    for model, page, verb in verbs:
        address = addresses[url_name(model, verb)]
        of_row = verb in page.row_verbs
        shown_by = f"{model._meta.label_lower.replace('.', '_')}_{'change' if of_row else 'changelist'}"
        if shown_by in LEADS_ELSEWHERE:
            continue
        row = page.model.objects.get(pk=resolve(address).kwargs["row_id"]) if of_row else None
        if verb.offered(row) and verb.offered_to(row, asked):
            page_shown = client.get(addresses[shown_by]).content.decode()
            off = f'<span class="tl-button" role="link" aria-disabled="true">{verb.label}</span>'
            assert f'href="{address}"' in page_shown or off in page_shown, verb.name


def test_a_verb_that_makes_what_has_no_page_leads_back_to_its_row(addresses: dict[str, str]) -> None:
    """Red if the address of the result is looked up unasked: the deed would be done, and the reply an error page."""
    page = dict(OFFICE_PAGES)[Loan]
    row = Loan.objects.get(pk=resolve(addresses["lending_loan_change"]).kwargs["object_id"])
    assert page.after(row, Step(form=None, result=BusinessDate())) == addresses["lending_loan_change"]


def test_nobody_is_let_in_without_signing_in(client: Client, addresses: dict[str, str]) -> None:
    for address in addresses.values():
        assert client.get(address).status_code == 302
    outsider = User.objects.create_user("partner", is_staff=False)
    client.force_login(outsider)
    for address in addresses.values():
        assert client.get(address).status_code == 302


def test_the_sidebar_shows_what_the_role_may_open(client: Client) -> None:
    client.force_login(staff(Role.VIEWER))
    page = client.get(reverse("admin:index"))
    assertContains(page, reverse("admin:merchants_merchant_changelist"))
    assertNotContains(page, reverse("admin:auth_user_changelist"))


def parked_job() -> JobRun:
    return JobRun.objects.create(
        name="scoring.score_shard", subject_id=1, state=JobState.PARKED, attempts=3, token=3, error="<b>boom</b>",
        started_by=str(SYSTEM), sent_at=NOW,
    )  # fmt: skip


def test_a_parked_job_is_sent_again(client: Client, enqueued: Enqueued) -> None:
    job = parked_job()
    client.force_login(staff(Role.RISK_MANAGER))
    address = reverse("admin:office_jobrun_resume", args=[job.pk])
    assertContains(client.get(address), "&lt;b&gt;boom&lt;/b&gt;")
    assertContains(client.post(address, follow=True), "sent again")
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.WAITING, 0)
    assert enqueued() == [("scoring.score_shard", {"job_id": job.pk})]
    assertContains(client.post(address, follow=True), "this one is not parked")


def test_to_resume_is_a_right_of_its_own(client: Client, enqueued: Enqueued) -> None:
    job = parked_job()
    client.force_login(staff(Role.VIEWER))
    before = (list(JobRun.objects.values()), list(OperationEvent.objects.values()))
    assert client.post(reverse("admin:office_jobrun_resume", args=[job.pk])).status_code == 403
    assert (list(JobRun.objects.values()), list(OperationEvent.objects.values())) == before
    assert enqueued() == []


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("model", ["office_jobrun", "office_operationevent"])
def test_lists_need_as_many_queries_for_three_rows_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int, model: str
) -> None:
    for number in range(rows):
        JobRun.objects.create(name="a.b", subject_id=number, started_by="staff:1", sent_at=NOW)
        make_event(subject="a.b:1", actor=f"staff:{number + 1}")
    client.force_login(staff(Role.RISK_MANAGER))
    with django_assert_num_queries({"office_jobrun": 9, "office_operationevent": 10}[model]):
        client.get(reverse(f"admin:{model}_changelist"))


def test_a_long_list_is_counted_roughly(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        JobRun.objects.create(name="a.b", subject_id=number, started_by="system:0", sent_at=NOW)
    monkeypatch.setattr(lists, "COUNTED", 2)
    client.force_login(staff(Role.VIEWER))
    address = reverse("admin:office_jobrun_changelist")
    assertContains(client.get(address + "?state=WAITING"), "more than 2")


def test_estimates_are_rounded() -> None:
    assert rounded(1_234_567) == "1.2 M"
    assert rounded(12_345) == "12,000"
    assert lists._estimate(JobRun) <= 10_000  # noqa: SLF001


def test_every_state_of_a_job_has_its_words() -> None:
    assert set(office.JOB_STATES) == set(JobState)
