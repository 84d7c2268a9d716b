"""Documents: judged by what is in them, kept encrypted, handed out as they were kept or not at all."""

from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.db.encryption import environment_keys
from config.declarations import Role
from config.office import document_kinds, documents
from config.office.actors import Actor
from config.office.document_kinds import (
    LARGEST,
    LONGEST_NAME,
    DocumentKind,
    FileRefusal,
    count_scans,
    harmless_name,
    judge_file,
)
from config.office.documents import DocumentRefusal, DocumentRefused, add_document, withdraw_document
from config.office.models import Document, OperationEvent
from config.office.models.document import sealed_document
from config.office.note_words import DOCUMENT_REFUSALS, FILE_REFUSALS, KINDS
from merchants.models import Merchant
from tests.config.office.notes import PDF, Named, colleague, make_document, picture
from tests.conftest import CLERK, NOW
from tests.forge import forge
from tests.markets import make_merchants, make_partner
from tests.race import race

PICTURES = {kind: picture(kind) for kind in ("PNG", "JPEG")}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant(client: Client) -> Merchant:
    make_merchants(make_partner(), "kiln", "loom")
    client.force_login(colleague("lena"))
    return Merchant.objects.get(external_id="kiln")


def page_of(row: Any, page: str = "change") -> str:  # noqa: ANN401 - of any model
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def send(client: Client, row: Any, name: str, content: bytes) -> Any:  # noqa: ANN401 - the client's own
    return client.post(page_of(row, "add_document"), {"file": SimpleUploadedFile(name, content)}, follow=True)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.pdf", PDF, None),
        ("A.PDF", PDF, None),
        ("a.png", picture("PNG"), None),
        ("a.jpg", picture("JPEG"), None),
        ("a.jpeg", picture("JPEG"), None),
        ("a.jpg", picture("MPO"), None),  # as telephones take them: a JPEG with a second picture behind it
        ("a.pdf", b"", FileRefusal.EMPTY),
        ("a.pdf", PDF + b" " * LARGEST, FileRefusal.TOO_LARGE),
        ("a.txt", b"text", FileRefusal.OTHER_ENDING),
        ("a.pdf.txt", PDF, FileRefusal.OTHER_ENDING),
        ("pdf", PDF, FileRefusal.OTHER_ENDING),
        ("a.png", PDF, FileRefusal.OTHER_CONTENT),
        ("a.pdf", picture("PNG"), FileRefusal.OTHER_CONTENT),
        ("a.png", picture("JPEG"), FileRefusal.OTHER_CONTENT),
        ("a.jpg", picture("PNG"), FileRefusal.OTHER_CONTENT),
        ("a.pdf", b"%PDF-1.7\nbroken off", FileRefusal.OTHER_CONTENT),
        ("a.pdf", b"x" + PDF, FileRefusal.OTHER_CONTENT),
        ("a.png", picture("PNG")[:-20], FileRefusal.OTHER_CONTENT),
        ("a.png", picture("PNG").replace(b"IDAT", b"IDAX"), FileRefusal.OTHER_CONTENT),
        ("a.jpg", picture("JPEG", size=512)[:-200], FileRefusal.OTHER_CONTENT),
        ("a.jpg", b"\xff\xd8\xff\xe0 nothing of a picture", FileRefusal.OTHER_CONTENT),
        ("a.png", b"\x89PNG\r\n\x1a\n nothing of a picture", FileRefusal.OTHER_CONTENT),
        ("a.jpg", picture("JPEG", progressive=True), None),
        ("a.jpg", b"\xff\xd8\xff\xd9", FileRefusal.OTHER_CONTENT),
        ("a.jpg", b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_001 + picture("JPEG")[2:], FileRefusal.OTHER_CONTENT),
    ],
)
def test_which_files_are_kept(name: str, content: bytes, refusal: FileRefusal | None) -> None:
    assert judge_file(name, content) is refusal


@pytest.mark.parametrize(
    ("name", "content", "most"),
    [
        ("a.png", picture("PNG"), {"MOST_PIXELS": 64 * 64 - 1}),
        ("a.jpg", picture("JPEG"), {"MOST_PIXELS": 64 * 64 - 1}),
        ("a.jpg", picture("JPEG", progressive=True), {"MOST_SCANS": 9}),
    ],
)
def test_an_image_of_too_many_pixels_or_scans_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, most: dict[str, int]
) -> None:
    """Red if a bound were not asked for; it is drawn to a plain picture, as one beyond it would be no use to a test."""
    for bound, number in most.items():
        monkeypatch.setattr(document_kinds, bound, number + 1)
    assert judge_file(name, content) is None
    for bound, number in most.items():
        monkeypatch.setattr(document_kinds, bound, number)
    assert judge_file(name, content) is FileRefusal.TOO_DEMANDING


def test_no_pixel_is_unpacked_to_judge_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(_image: object) -> None:
        raise AssertionError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unpack)
    for name, kind in (("a.png", "PNG"), ("a.jpg", "JPEG")):
        assert judge_file(name, PICTURES[kind]) is None


def test_scans_are_counted_to_the_end_of_a_jpeg() -> None:
    """Red if those of a second picture behind it counted, or a byte of a scan were taken for a segment."""
    assert count_scans(picture("JPEG")) == 1
    assert count_scans(picture("JPEG", progressive=True)) == 10
    assert count_scans(picture("JPEG", progressive=True) + picture("JPEG")) == 10
    assert count_scans(picture("JPEG")[:-2]) is None
    assert count_scans(picture("PNG")) is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("contract.pdf", "contract.pdf"),
        ("../../etc/contract.PDF", "contract.pdf"),
        ("C:\\Users\\lena\\contract.pdf", "contract.pdf"),
        ('a"b\r\nc;d.pdf', "a_b c_d.pdf"),
        ("fdp\u202egnp.pdf", "fdp gnp.pdf"),
        ("  two   words .pdf", "two words.pdf"),
        (".pdf", "document.pdf"),
        ("...pdf", "document.pdf"),
        ("合同.pdf", "合同.pdf"),
        ("x" * 300 + ".pdf", "x" * (LONGEST_NAME - 4) + ".pdf"),
    ],
)
def test_names_are_made_harmless(name: str, kept: str) -> None:
    assert harmless_name(name) == kept


def test_every_refusal_and_kind_has_its_words() -> None:
    assert set(FILE_REFUSALS) == set(FileRefusal)
    assert set(DOCUMENT_REFUSALS) == set(DocumentRefusal)
    assert set(KINDS) == set(DocumentKind)


def test_a_document_is_kept_encrypted_and_handed_out_as_it_was(client: Client, merchant: Merchant) -> None:
    """Red if it lay in the table as it is, a browser could show it as a page, or nobody knew who opened it."""
    content = picture("PNG")
    page = send(client, merchant, "My <b>shop.png", content)
    assertContains(page, "My _b_shop.png")
    document = Document.objects.get()
    assert content not in bytes(document.sealed_content)
    assert (document.sha256, document.size, document.kind) == (sha256(content).hexdigest(), len(content), "PNG")
    assertContains(client.get(page_of(document)), document.sha256)
    assert client.head(page_of(document, "file")).status_code == 405, "that would be an event of its own"
    answer = client.get(page_of(document, "file"))
    assert answer.content == content
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    [added, opened] = OperationEvent.objects.filter(subject=f"office.document:{document.pk}").order_by("pk")
    lena = User.objects.get(username="lena")
    assert (added.name, opened.name, opened.actor) == (
        "office.add_document",
        "office.open_document",
        f"staff:{lena.pk}",
    )
    assert "shop" not in str([added.after, opened.after])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", picture("PNG"), "is not what its name says"),
        ("a.exe", PDF, "has to end in .pdf, .png, .jpg or .jpeg"),
        ("a.pdf", PDF + b" " * LARGEST, "larger than 10 MB"),
        ("a.pdf", b"", "empty"),
    ],
)
def test_a_refused_file_is_explained_and_leaves_nothing(
    client: Client, merchant: Merchant, name: str, content: bytes, words: str
) -> None:
    assertContains(send(client, merchant, name, content), words)
    assert not Document.objects.exists()


def test_the_same_file_is_kept_once_about_a_row_until_it_is_withdrawn(client: Client, merchant: Merchant) -> None:
    send(client, merchant, "a.pdf", PDF)
    assertContains(send(client, merchant, "b.pdf", PDF), "This file has already been added here.")
    send(client, Merchant.objects.get(external_id="loom"), "a.pdf", PDF)
    assert Document.objects.count() == 2
    first = Document.objects.earliest("pk")
    client.post(page_of(first, "withdraw"), {"reason": "another shop's"})
    send(client, merchant, "a.pdf", PDF)
    assert Document.objects.count() == 3


def test_two_people_add_the_same_file_once(merchant: Merchant) -> None:
    """Red without the lock: the second would end in an error of the database."""
    call = partial(add_document, subject=merchant, name="a.pdf", content=PDF, actor=CLERK, now=NOW)
    held = ("office.add_document", f"merchants.merchant:{merchant.pk}", sha256(PDF).hexdigest())
    outcomes = race(call, call, held=Named(held))  # type: ignore[arg-type] # which locks, too
    assert {type(one) for one in outcomes} == {Document, DocumentRefused}
    assert Document.objects.count() == 1


def test_what_is_not_recorded_is_not_kept(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a process that dies on the way left a file without its event, or a row without its file."""

    def die(**_facts: object) -> None:
        raise MemoryError

    monkeypatch.setattr(documents, "record_event", die)
    with pytest.raises(MemoryError):
        make_document(merchant)
    assert not Document.objects.exists()


def test_the_largest_document_is_kept_and_handed_out(client: Client, merchant: Merchant) -> None:
    content = PDF.replace(b"endobj", b"%" * (LARGEST - len(PDF)) + b"endobj")
    assert len(content) == LARGEST
    document = make_document(merchant, content=content)
    assert client.get(page_of(document, "file")).content == content


def test_a_withdrawn_document_is_kept_and_not_handed_out(client: Client, merchant: Merchant) -> None:
    send(client, merchant, "contract.pdf", PDF)
    document = Document.objects.get()
    shown = client.post(page_of(document, "withdraw"), {"reason": "<b>another</b> shop's"}, follow=True)
    assertContains(shown, "&lt;b&gt;another&lt;/b&gt; shop")
    assertNotContains(shown, page_of(document, "file"))
    answer = client.get(page_of(document, "file"), follow=True)
    assertContains(answer, "handed out to auditors and controllers alone")
    assert "Content-Disposition" not in answer
    assert not OperationEvent.objects.filter(name="office.open_document").exists()
    assertContains(client.post(page_of(document, "withdraw"), {"reason": "again"}, follow=True), "is withdrawn")
    document.refresh_from_db()
    assert (document.withdrawn_why, document.content) == ("<b>another</b> shop's", PDF)
    assertContains(client.get(page_of(merchant)), "Document: withdrawn")
    assertNotContains(client.get(page_of(merchant)), page_of(document, "file"))
    assert "another" not in str(list(OperationEvent.objects.values("after")))


@pytest.mark.parametrize("role", [Role.CONTROLLER, Role.AUDITOR])
def test_whoever_oversees_opens_what_was_withdrawn_each_time_as_an_event(
    client: Client, merchant: Merchant, role: Role
) -> None:
    """Red if a document could be put out of everybody's sight for ever."""
    send(client, merchant, "contract.pdf", PDF)
    document = Document.objects.get()
    client.post(page_of(document, "withdraw"), {"reason": "another shop's"})
    client.force_login(colleague("olga", role))
    assertContains(client.get(page_of(document)), page_of(document, "file"))
    for _time in range(2):
        assert client.get(page_of(document, "file")).content == PDF
    assert OperationEvent.objects.filter(name="office.open_document").count() == 2


def test_a_document_is_withdrawn_by_whoever_added_it_or_a_manager_of_tasks(client: Client, merchant: Merchant) -> None:
    """Red if any colleague who writes could hide what another added."""
    send(client, merchant, "contract.pdf", PDF)
    document = Document.objects.get()
    client.force_login(ben := colleague("ben"))
    for answer in (
        client.get(page_of(document, "withdraw")),
        client.post(page_of(document, "withdraw"), {"reason": "x"}),
    ):
        assertContains(answer, "Only whoever added the document")
    with pytest.raises(DocumentRefused, match="OF_OTHERS"):
        withdraw_document(document_id=document.pk, reason="x", manages=False, actor=Actor.of_staff(ben.pk), now=NOW)
    assert Document.objects.standing().exists()
    client.force_login(colleague("rita", Role.RISK_MANAGER))
    client.post(page_of(document, "withdraw"), {"reason": "another shop's"})
    assert not Document.objects.standing().exists()


def changed(document: Document) -> dict[str, object]:
    """Change a byte of what is kept."""
    kept = bytearray(bytes(document.sealed_content))
    kept[-1] ^= 1
    return {"sealed_content": bytes(kept)}


def of_another(_document: Document) -> dict[str, object]:
    """Put another row's file, with its hash, in its place."""
    other = make_document(Merchant.objects.get(external_id="loom"), "other.png", picture())
    return {"sealed_content": bytes(other.sealed_content), "sha256": other.sha256}


def with_another_hash(document: Document) -> dict[str, object]:
    """Encrypt other bytes under the hash that was kept, as whoever has the keys could."""
    owner = f"document {document.sha256} of {document.about}"
    return {"sealed_content": environment_keys().seal(PDF + b"%", owner=owner)}


@pytest.mark.parametrize("change", [changed, of_another, with_another_hash])
def test_what_is_no_longer_the_file_that_was_kept_is_refused_loudly(
    client: Client, merchant: Merchant, change: Any  # noqa: ANN401 - one of the above
) -> None:  # fmt: skip
    """Red if the bytes were not compared again with what was kept."""
    document = make_document(merchant)
    forge(document, **change(document))
    answer = client.get(page_of(document, "file"))
    assert answer.status_code == 503
    assertContains(answer, "was changed in the database", status_code=503)
    assert "Content-Disposition" not in answer
    found = OperationEvent.objects.get(subject=f"office.document:{document.pk}", name__contains="changed")
    assert found.name == "office.find_document_changed"
    assert not OperationEvent.objects.filter(name="office.open_document").exists()


def test_the_application_cannot_change_what_is_kept(merchant: Merchant) -> None:
    """Red without the triggers of the migration."""
    make_document(merchant)
    other = sealed_document(PDF + b"%", about="merchants.merchant:0")
    for change in ({"name": "b.pdf"}, {"about": "a.b:1"}, {"added_by": "staff:9"}, other):
        with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
            Document.objects.update(**change)


def test_an_auditor_opens_documents_and_adds_none(client: Client, merchant: Merchant) -> None:
    document = make_document(merchant)
    client.force_login(colleague("audrey", Role.AUDITOR))
    assert client.get(page_of(document, "file")).content == PDF
    assert send(client, merchant, "b.pdf", PDF + b"\n").status_code == 403
    assert client.post(page_of(document, "withdraw"), {"reason": "x"}).status_code == 403
