"""What a mail server says, silence included, and what of it is known."""

from uuid import UUID

import pytest

from lending.domain.arrears.letter import MailAnswer, MailResult
from lending.gateways.mail import Mail, MailUnreachable, mail_line, words_of
from lending.management.processes import free_port
from tests.mail import Sink, listening, mail_at, silent

KEY = UUID("00000000-0000-0000-0000-00000000000a")
MAIL = Mail(key=KEY, to="owner@kiln.example", subject="逾期 · past due", body="Dear Kiln,\n\npay 5.\n")


def hand_over() -> MailAnswer:
    with mail_line() as line:
        return line.hand_over(MAIL)


def test_a_letter_is_taken_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Sink()
    with listening(sink) as port, mail_at(port, monkeypatch):
        assert hand_over().result is MailResult.ACCEPTED
    [(to, message)] = sink.taken
    assert to == ["owner@kiln.example"]
    assert message["To"] == "owner@kiln.example"
    assert message["Subject"] == "逾期 · past due"
    assert message.get_content().replace("\r\n", "\n") == MAIL.body
    assert message["Message-ID"] == f"<{KEY.hex}@localhost.localdomain>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("550 5.1.1 no such user", MailResult.REFUSED),
        ("451 4.3.0 later", MailResult.DEFERRED),
        ("421 4.3.2 going down", MailResult.DEFERRED),
    ],
)
def test_a_refusal_is_for_now_or_for_good(
    monkeypatch: pytest.MonkeyPatch, step: str, reply: str, result: MailResult
) -> None:
    with listening(Sink(replies={step: reply})) as port, mail_at(port, monkeypatch):
        assert hand_over() == MailAnswer(result, reply)


def test_what_was_begun_and_not_answered_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for sink in (Sink(hangs_up=True), Sink(slow=3)):
        with listening(sink) as port, mail_at(port, monkeypatch, timeout=1):
            assert hand_over().result is MailResult.UNKNOWN
        assert len(sink.taken) == 1


def test_a_server_that_is_silent_or_not_there_has_seen_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as port, mail_at(port, monkeypatch, timeout=1), pytest.raises(MailUnreachable):
        hand_over()
    with mail_at(free_port(), monkeypatch), pytest.raises(MailUnreachable, match="refused"):
        hand_over()


def test_a_server_that_hangs_up_before_the_letter_has_not_got_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a connection that breaks in the envelope left a letter for a person to decide about."""
    sink = Sink()
    with listening(sink) as port, mail_at(port, monkeypatch), mail_line() as line:
        line.backend.connection.close()
        assert line.hand_over(MAIL).result is MailResult.DEFERRED
    assert sink.taken == []


def test_no_address_is_kept_of_what_a_server_says() -> None:
    said = "550 5.1.1 <Owner@Kiln.example>: user owner@kiln.example\nis unknown\x00" + "x" * 300
    assert words_of(said).startswith("550 5.1.1 <…>: user … is unknown")
    assert len(words_of(said)) == 200
    assert "kiln.example" not in repr(MAIL)
