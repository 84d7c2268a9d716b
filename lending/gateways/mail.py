"""Hand letters over to a mail server, by Django's e-mail backend and the settings it reads."""

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from lending.domain.arrears.letter import MailAnswer, MailResult

ADDRESS: Final = re.compile(r"[^\s<>]+@[^\s<>]+")
LONGEST_WORDS: Final = 200
TEMPORARY, FINAL = range(400, 500), range(500, 600)
log = structlog.get_logger(__name__)


class MailUnreachable(Exception):
    """The mail server could not be reached, or did not let us in: it has seen nothing of a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A letter on its way. key: of its Message-ID, the same each time it is handed over."""

    key: UUID
    to: str = field(repr=False)
    subject: str
    body: str


class _Watched(smtplib.SMTP):
    """Remembers whether a message was begun: only then may the server have it without having said so."""

    is_begun = False

    def data(self, msg: Any) -> tuple[int, bytes]:  # noqa: ANN401 - of smtplib
        """Send a message. Raises SMTPDataError, SMTPServerDisconnected."""
        self.is_begun = True
        return super().data(msg)


class _Encrypted(_Watched, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class _Backend(EmailBackend):
    connection: Any

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Encrypted if self.use_ssl else _Watched


def is_set_up() -> bool:
    """Whether there is a mail server."""
    return bool(settings.EMAIL_HOST)


@contextmanager
def mail_line() -> Iterator["MailLine"]:
    """Connect to the mail server while the block runs. Raises MailUnreachable."""
    backend = _Backend()
    try:
        try:
            backend.open()
            backend.connection.ehlo_or_helo_if_needed()
        except OSError as error:  # SMTPException is one
            raise MailUnreachable(words_of(error)) from error
        yield MailLine(backend)
    finally:
        with suppress(OSError):
            backend.close()


@dataclass(frozen=True, slots=True)
class MailLine:
    """An open connection to the mail server, for one letter."""

    backend: _Backend

    def hand_over(self, mail: Mail) -> MailAnswer:
        """Hand a letter over; the answer says UNKNOWN if the connection was lost once the letter was begun."""
        headers = {"Message-ID": message_id(mail.key), "Auto-Submitted": "auto-generated"}
        email = EmailMessage(mail.subject, mail.body, to=[mail.to], headers=headers, connection=self.backend)
        try:
            self.backend.send_messages([email])
        except smtplib.SMTPRecipientsRefused as refused:
            [(code, words)] = refused.recipients.values()
            return _answer(code, words)
        except smtplib.SMTPSenderRefused as refused:  # we are not let in, whoever the letter is for
            return MailAnswer(MailResult.DEFERRED, words_of(refused))
        except smtplib.SMTPResponseException as refused:
            return _answer(refused.smtp_code, refused.smtp_error)
        except ValueError as error:  # an address that Django cannot write: nothing was begun
            return MailAnswer(MailResult.REFUSED, words_of(error))
        except OSError as error:
            is_begun = self.backend.connection.is_begun
            return MailAnswer(MailResult.UNKNOWN if is_begun else MailResult.DEFERRED, words_of(error))
        return MailAnswer(MailResult.ACCEPTED)


def message_id(key: UUID) -> str:
    """Return the Message-ID by which the log of a mail server, and many a recipient's, knows a letter again.

    Short, so that the header is not folded: not every log shows one that is.
    """
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<{key.hex}@{sender.rpartition('@')[2]}>"


def _answer(code: int, words: bytes | str) -> MailAnswer:
    said = f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
    if code in FINAL:
        return MailAnswer(MailResult.REFUSED, words_of(said))
    return MailAnswer(MailResult.DEFERRED if code in TEMPORARY else MailResult.UNKNOWN, words_of(said))


def words_of(said: object) -> str:
    """Return what a mail server said, on one line and without addresses."""
    line = " ".join(ADDRESS.sub("…", str(said)).split())
    return line.replace("\x00", "")[:LONGEST_WORDS]
