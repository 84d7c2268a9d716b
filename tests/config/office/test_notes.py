"""Notes: written about a row, read by whoever may view it, and told to those they mention."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import lists
from config.office.actors import SYSTEM, Actor
from config.office.business_date import open_day
from config.office.documents import withdraw_document
from config.office.events import subject_of
from config.office.models import Document, Mention, Note, OperationEvent, Task, TaskReassignment
from config.office.models.note import LONGEST_NOTE
from config.office.models.task import TaskState
from config.office.note_card import LONGEST_SHOWN, SHOWN, written_about
from config.office.note_words import MENTION_REFUSALS, NOTE_REFUSALS
from config.office.notes import (
    MentionNotSeen,
    MentionRefusal,
    NoteNotWritten,
    NoteRefusal,
    judge_note,
    see_mention,
    write_note,
)
from config.office.staff_tasks import close_task, reassign_task
from lending.models import Decision, Loan
from merchants.models import Merchant
from tests.config.office.notes import PDF, WRITER, Named, colleague, make_document, make_note, make_task
from tests.conftest import CLERK, NOW
from tests.forge import as_owner
from tests.lending.arrears import make_case
from tests.lending.loans import application_of, lent
from tests.markets import make_merchants, make_partner
from tests.race import race

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant() -> Merchant:
    make_merchants(make_partner(), "kiln")
    return Merchant.objects.get()


@pytest.fixture
def lena(client: Client) -> User:
    user = colleague("lena")
    client.force_login(user)
    return user


def page_of(row: Any, page: str = "change") -> str:  # noqa: ANN401 - of any model
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def write(client: Client, row: Any, text: str) -> Any:  # noqa: ANN401 - the client's own
    return client.post(page_of(row, "write_note"), {"text": text}, follow=True)


@pytest.mark.parametrize(
    ("text", "is_repeated", "views", "refusal"),
    [
        ("x", False, {}, None),
        ("x" * LONGEST_NOTE, False, {"lena": True}, None),
        ("", False, {}, (NoteRefusal.EMPTY, "")),
        ("x" * (LONGEST_NOTE + 1), False, {}, (NoteRefusal.TOO_LONG, "")),
        ("x", True, {"ben": False}, (NoteRefusal.WRITTEN_ALREADY, "")),
        ("x", False, {"lena": True, "ben": False, "vera": False}, (NoteRefusal.COLLEAGUE_MAY_NOT_VIEW, "ben")),
    ],
)
def test_which_notes_are_written(text: str, is_repeated: bool, views: dict[str, bool], refusal: object) -> None:  # noqa: FBT001 - a case
    assert judge_note(text, is_repeated=is_repeated, views=views) == refusal


def test_every_refusal_has_its_words() -> None:
    assert set(NOTE_REFUSALS) == set(NoteRefusal)
    assert set(MENTION_REFUSALS) == set(MentionRefusal)


@pytest.mark.usefixtures("lena")
def test_a_second_click_writes_no_second_note(client: Client, merchant: Merchant) -> None:
    """Red if what is there twice had to be read twice, for ever."""
    write(client, merchant, "They moved.")
    page = write(client, merchant, "They moved.\r\n")
    assertContains(page, "You wrote exactly this a moment ago")
    assert Note.objects.count() == 1
    write(client, merchant, "They moved again.")
    assert Note.objects.count() == 2


def test_the_same_is_written_by_another_about_another_row_or_later(merchant: Merchant) -> None:
    first = partial(write_note, text="They moved.", actor=CLERK)
    make_merchants(make_partner("other"), "loom")
    first(subject=merchant, now=NOW)
    first(subject=Merchant.objects.get(external_id="loom"), now=NOW)
    write_note(subject=merchant, text="They moved.", actor=Actor.of_staff(2), now=NOW)
    for seconds in (0, 59):
        with pytest.raises(NoteNotWritten, match="WRITTEN_ALREADY"):
            first(subject=merchant, now=NOW + timedelta(seconds=seconds))
    first(subject=merchant, now=NOW + timedelta(seconds=60))
    assert Note.objects.count() == 4


def test_two_clicks_at_once_write_one_note(merchant: Merchant) -> None:
    """Red without the lock."""
    call = partial(make_note, merchant)
    held = Named(("office.write_note", subject_of(merchant), str(WRITER)))
    assert {type(one) for one in race(call, call, held=held)} == {Note, NoteNotWritten}  # type: ignore[arg-type] # which locks, too
    assert Note.objects.count() == 1


def test_a_note_is_written_and_shown_on_the_page_with_who_and_when(
    client: Client, lena: User, merchant: Merchant
) -> None:
    """Red if markup were not escaped, or the trail kept what was written."""
    page = write(client, merchant, "  First line\r\n<b>second</b> & more\r\n ")
    assert page.redirect_chain[-1][0] == page_of(merchant)
    note = Note.objects.get()
    assert (note.text, note.about) == ("First line\n<b>second</b> & more", f"merchants.merchant:{merchant.pk}")
    assertContains(page, "First line\n&lt;b&gt;second&lt;/b&gt; &amp; more")
    assertNotContains(page, "<b>second</b>")
    assertContains(page, "<small>lena</small>")
    shown = client.get(page_of(note))
    assertContains(shown, "First line\n&lt;b&gt;second&lt;/b&gt; &amp; more")
    assertContains(shown, page_of(merchant))
    event = OperationEvent.objects.get(name="office.write_note")
    assert (event.subject, event.actor) == (f"office.note:{note.pk}", str(Actor.of_staff(lena.pk)))
    assert event.after == {"about": note.about, "mentions": 0}
    assert "second" not in str(list(OperationEvent.objects.values()))


def test_a_colleague_who_is_mentioned_is_told_until_they_have_seen_it(
    client: Client, lena: User, merchant: Merchant
) -> None:
    """Red if a look were enough, or a mention lasted."""
    note = make_note(merchant, "Ask @Lena, @lena, and not a@lena.example.")
    assert [one.colleague for one in note.mentions.all()] == [str(Actor.of_staff(lena.pk))]
    assertContains(client.get(page_of(merchant)), "Mentions you")
    assertContains(client.get(page_of(note)), page_of(note, "seen"))
    assert Mention.objects.get().seen_at is None  # nothing is written by looking
    assertContains(client.post(page_of(note, "seen"), follow=True), "Marked as seen.")
    assert Mention.objects.get().seen_at is not None
    assertNotContains(client.get(page_of(merchant)), "Mentions you")
    event = OperationEvent.objects.get(name="office.see_mention")
    assert (event.subject, event.after) == (f"office.note:{note.pk}", {"seen": True})
    assertContains(client.post(page_of(note, "seen"), follow=True), "as seen already")
    assertNotContains(client.get(page_of(note)), page_of(note, "seen"))


def test_nobody_says_for_another_that_they_have_seen_it(client: Client, lena: User, merchant: Merchant) -> None:
    colleague("ben")
    note = make_note(merchant, "@ben?", actor=Actor.of_staff(lena.pk))
    assertNotContains(client.get(page_of(note)), page_of(note, "seen"))
    assertContains(client.post(page_of(note, "seen"), follow=True), "does not mention you")
    assert Mention.objects.get().seen_at is None


@pytest.mark.usefixtures("lena")
def test_whoever_may_not_view_the_page_cannot_be_mentioned_and_nothing_typed_is_lost(client: Client) -> None:
    """Red if a mention of whoever lacks the right were kept, or the text had to be typed again."""
    case = make_case(lent())
    colleague("ben")
    colleague("vera", Role.VIEWER)
    page = write(client, case, "A long story for @ben and @vera.")
    assertContains(page, "“@vera” may not view this page")
    assertContains(page, "A long story for @ben and @vera.</textarea>")
    assert not Note.objects.exists()
    assert not Mention.objects.exists()
    assert not OperationEvent.objects.filter(name="office.write_note").exists()


@pytest.mark.usefixtures("lena")
def test_what_is_no_log_in_of_a_colleague_is_text_and_who_is_told_is_said(client: Client, merchant: Merchant) -> None:
    """Red if a note on @kilnshop were refused, or its writer did not learn that nobody of that name was told."""
    ben, ana = colleague("ben"), colleague("ana")
    User.objects.create_user("partner")
    User.objects.filter(pk=colleague("gone").pk).update(is_active=False)
    page = write(client, merchant, "They are @kilnshop on Instagram: @gone and @partner know.")
    assertContains(page, "The note is written: it is at the end of this page.")
    assertNotContains(page, "It waits for")
    assert not Mention.objects.exists()
    assertContains(write(client, merchant, "@Ben, @ana: they are @kilnshop."), "It waits for ana, ben.")
    assert {one.colleague for one in Mention.objects.all()} == {str(Actor.of_staff(user.pk)) for user in (ben, ana)}


def test_whoever_mentions_themselves_makes_no_work_for_themselves(
    client: Client, lena: User, merchant: Merchant
) -> None:
    page = write(client, merchant, "@Lena promised to call.")
    assertNotContains(page, "It waits for")
    assertNotContains(page, "Mentions you")
    assert Note.objects.get().written_by == str(Actor.of_staff(lena.pk))
    assert not Mention.objects.exists()


def test_a_log_in_is_found_however_it_is_capitalised_unless_two_differ_by_that_alone(merchant: Merchant) -> None:
    lena, other = colleague("Lena"), colleague("lena")

    def told(text: str) -> list[str]:
        return [one.colleague for one in make_note(merchant, text).mentions.all()]

    assert told("@Lena") == [str(Actor.of_staff(lena.pk))]
    assert told("@lena") == [str(Actor.of_staff(other.pk))]
    assert told("@LENA") == []


def test_who_sees_a_part_of_a_list_is_not_told_how_much_all_of_it_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if the estimate of a whole table were shown to whoever sees a few of its rows."""
    loan = lent()
    make_note(make_case(loan))
    make_note(loan)
    monkeypatch.setattr(lists, "_estimate", lambda _model: 300_000)
    for role, said in ((Role.COLLECTOR, "about 300,000 notes"), (Role.FINANCE, "1 note")):
        client.force_login(colleague(f"of_{role}", role))
        page = client.get(reverse("admin:office_note_changelist"))
        assertContains(page, said)
        assert ("300,000" in page.content.decode()) is (role is Role.COLLECTOR)


@pytest.mark.usefixtures("lena")
def test_line_ends_count_as_one_character(client: Client, merchant: Merchant) -> None:
    """Red if a note of 4,000 characters were refused because a browser sends two for the end of a line."""
    text = "\r\n".join(["x"] * (LONGEST_NOTE // 2))
    write(client, merchant, text)
    assert len(Note.objects.get().text) == LONGEST_NOTE - 1
    page = write(client, merchant, text + "yyy")
    assertContains(page, f"at most {LONGEST_NOTE} characters")
    assert Note.objects.count() == 1


def test_two_tabs_see_a_mention_once(merchant: Merchant) -> None:
    note = make_note(merchant, f"@{colleague('ben').username}")
    actor = Actor.of_staff(User.objects.get(username="ben").pk)
    call = partial(see_mention, note_id=note.pk, actor=actor, now=NOW)
    outcomes = race(call, call, held=Mention.objects.all())
    assert {type(one) for one in outcomes} == {Note, MentionNotSeen}
    assert OperationEvent.objects.filter(name="office.see_mention").count() == 1


def test_what_was_written_stays(merchant: Merchant) -> None:
    """Red without the triggers of the migration."""
    note = make_note(merchant, f"@{colleague('ben').username}")
    for change in (
        {"text": "Another"},
        {"about": "a.b:1"},
        {"written_by": "staff:9"},
        {"written_at": NOW + timedelta(1)},
    ):
        with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
            Note.objects.update(**change)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute("DELETE FROM office_note")
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        Mention.objects.update(colleague="staff:9")
    Mention.objects.update(seen_at=NOW)
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        Mention.objects.update(seen_at=None)
    assert Note.objects.get().text == note.text


def test_the_owner_of_the_database_erases_what_a_person_asks_to_have_erased(merchant: Merchant) -> None:
    """Red if what docs/operations.md says of a request for erasure could not be done."""
    lena, ben = colleague("lena"), colleague("ben")
    open_day(on=NOW.date(), actor=SYSTEM, now=NOW)
    make_note(merchant, "@lena: they are ill.")
    tasks = [make_task(merchant, text, user=lena) for text in ("Call the hospital.", "Visit them.")]
    kept: dict[str, Any] = {"manages": True, "actor": CLERK, "now": NOW}
    reassign_task(task_id=tasks[0].pk, assignee_id=ben.pk, reason="ill, too", **kept)
    close_task(task_id=tasks[1].pk, state=TaskState.DONE, outcome="ill", **kept)
    document = make_document(merchant)
    withdraw_document(document_id=document.pk, reason="of their doctor", **kept)
    make_document(merchant, "other.pdf", PDF + b"%")
    words = (ROOT / "docs" / "operations.md").read_text().partition("## Requests for erasure")[2]
    statements = words.partition("```sql\n")[2].partition("```")[0]
    as_owner(statements.replace("merchants.merchant:33", subject_of(merchant)))
    assert {note.text for note in Note.objects.all()} == {"erased"}
    assert {(task.text, task.outcome) for task in Task.objects.all()} == {("erased", ""), ("erased", "erased")}
    assert {one.reason for one in TaskReassignment.objects.all()} == {"erased"}
    assert not Document.objects.exists()


def test_nobody_reads_what_is_about_a_page_that_they_may_not_view(client: Client) -> None:
    """Red if a list, a page, a file or a verb forgot to ask whether the subject may be viewed."""
    loan = lent()
    case = make_case(loan)
    hidden = [make_note(case, "secret note"), make_task(case, "secret task"), make_document(case, "secret.pdf")]
    shown = [make_note(loan, "open note"), make_task(loan, "open task"), make_document(loan, "open.pdf")]
    client.force_login(colleague("fin", Role.FINANCE))
    for row in hidden:
        listed = reverse(f"admin:office_{row._meta.model_name}_changelist")
        assertNotContains(client.get(listed), "secret")
        assertNotContains(client.get(listed, {"about": f"lending.arrearscase:{case.pk}"}), "secret")
        assert client.get(page_of(row)).status_code == 404
    for row in shown:
        assertContains(client.get(reverse(f"admin:office_{row._meta.model_name}_changelist")), "open")
        assert client.get(page_of(row)).status_code == 200
    assert client.get(page_of(hidden[2], "file")).status_code == 404
    for row, verb in ((hidden[0], "seen"), (hidden[1], "done"), (hidden[1], "reassign"), (hidden[2], "withdraw")):
        assert client.get(page_of(row, verb)).status_code == 404
        assert client.post(page_of(row, verb), {"reason": "x", "outcome": "x"}).status_code == 404
    assert client.get(page_of(case, "write_note")).status_code == 403
    assert client.post(page_of(case, "add_task"), {"text": "x", "due_on": "2026-03-09"}).status_code == 403
    assert client.get(reverse("admin:office_document_file", args=[999_999])).status_code == 404
    assert Task.objects.filter(state="OPEN").count() == 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_whoever_only_looks_reads_notes_and_writes_none(client: Client, merchant: Merchant, role: Role) -> None:
    make_note(merchant)
    client.force_login(colleague("someone", role))
    assertContains(client.get(page_of(merchant)), "market hall")
    assert write(client, merchant, "x").status_code == 403
    assert Note.objects.count() == 1


PAGES: dict[str, Callable[[Loan], Any]] = {
    "merchant": lambda loan: loan.merchant,
    "application": application_of,
    "loan": lambda loan: loan,
    "arrears case": make_case,
}


@pytest.mark.parametrize("page", PAGES)
def test_ten_thousand_notes_cost_a_page_three_queries(
    client: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Red if all were read, or the author of each by itself."""
    loan = lent()
    decided = {"outcome": "APPROVE", "snapshot": "{}", "snapshot_sha256": "a" * 64, "actor": "system:0"}
    Decision.objects.create(application=application_of(loan), booked_at=NOW, **decided)
    row = PAGES[page](loan)
    client.force_login(colleague("lena", Role.COLLECTOR))
    about, day = subject_of(row), timedelta(days=1)
    Note.objects.bulk_create(
        Note(about=about, text=f"number {number}", written_by=f"staff:{number % 50 + 1}", written_at=NOW - day)
        for number in range(10_000)
    )
    task, document = make_task(row), make_document(row)
    as_owner("ANALYZE office_note")
    client.get(page_of(row))
    with CaptureQueriesContext(connection) as with_card:
        shown = client.get(page_of(row))
    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as without:
        patch.setattr(type(admin.site._registry[type(row)]), "notes", None)  # noqa: SLF001
        client.get(page_of(row))
    assert len(with_card) <= len(without) + 3
    [card] = [one for one in shown.context["page"].cards if one.anchor == "notes"]
    written = [cell.html for line in card.parts[0].rows for cell in line]
    assert len(card.parts[0].rows) == SHOWN
    assert any(task.text in html for html in written)
    assert any(document.name in html for html in written)
    assert card.aside.text == "1 open task"
    assertContains(shown, "The newest 10 are shown.")
    assertContains(client.get(card.aside.more[0].link), "10,000 notes")


def test_the_newest_of_many_notes_are_found_by_an_index(merchant: Merchant) -> None:
    """Red if those about others, which came later, were read before them."""
    about = subject_of(merchant)
    Note.objects.bulk_create(
        Note(about=subject, text=f"number {number}", written_by="staff:1", written_at=NOW)
        for subject, many in ((about, 50), ("merchants.merchant:0", 20_000))
        for number in range(many)
    )
    as_owner("ANALYZE office_note")
    with CaptureQueriesContext(connection) as queries:
        written_about(about, actor="staff:1", most=SHOWN)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {queries.captured_queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "office_note_by_subject" in plan
    assert "Seq Scan on office_note" not in plan


@pytest.mark.usefixtures("lena")
def test_a_long_note_is_cut_on_the_page_and_whole_on_its_own(client: Client, merchant: Merchant) -> None:
    note = make_note(merchant, "x" * 2_000 + "end")
    page = client.get(page_of(merchant))
    assertContains(page, "x" * (LONGEST_SHOWN - 1))
    assertNotContains(page, "end\n")
    assertContains(client.get(page_of(note)), "x" * 2_000 + "end")
