"""A worker is killed at each moment of sending a letter: it leaves once, and none is lost."""

import pytest
import time_machine
from django.utils import timezone

from lending.domain.arrears.letter import LetterState
from lending.models import Letter
from lending.operations.letters import LEASE, send_letter_again
from lending.tasks import send_due_letters
from tests.conftest import CLERK
from tests.lending.letters import late_borrower
from tests.mail import Sink, listening, mail_at
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("letters.claim_letter", "letters.mail_line", "letters.hold_letter")
AFTER = ("mail.MailLine.hand_over", "letters.record_letter")
DIES = """
from django.conf import settings
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", {port}
import lending.operations.letters as letters, lending.gateways.mail as mail, lending.tasks
{moment} = die
lending.tasks.send_due_letters()
"""


@pytest.mark.parametrize("moment", [*BEFORE, *AFTER])
def test_a_worker_dies_while_it_sends_a_letter(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Red if one were sent again that may have left, or one that has not left were given up."""
    late_borrower()
    letter, sink = Letter.objects.get(), Sink()
    with listening(sink) as port, mail_at(port, monkeypatch):
        die_in(DIES.format(port=port, moment=moment))
        assert len(sink.taken) == (moment == "letters.record_letter")
        send_due_letters()
        assert len(sink.taken) == (moment in {"letters.record_letter", "letters.claim_letter"}), "the lease holds"
        for _ in range(2):
            with time_machine.travel(timezone.now() + 2 * LEASE):
                send_due_letters()
        letter.refresh_from_db()
        if moment in BEFORE:
            assert letter.state == LetterState.SENT
        else:
            assert letter.state == LetterState.UNKNOWN
            assert len(sink.taken) == (moment == "letters.record_letter"), "not by itself"
        if moment == "mail.MailLine.hand_over":  # the log of the mail server does not have it
            send_letter_again(letter_id=letter.pk, reason="not in the log", actor=CLERK, now=timezone.now())
            send_due_letters()
    assert len(sink.taken) == 1
    assert sink.keys == [key for key in sink.keys if letter.key.hex in key]
