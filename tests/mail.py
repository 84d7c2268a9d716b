"""Mail servers for tests: one that takes letters, and ones that are silent, refuse, are slow or hang up."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from lending.management.processes import free_port


@dataclass
class Sink:
    """Takes letters, or does with them what a test says.

    replies: what is answered to RCPT or DATA instead. hangs_up: once it has a letter, it keeps it and closes the line
    without a word. slow: seconds before it says that it took one.
    """

    replies: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = False
    slow: float = 0
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "RCPT" in self.replies:
            return self.replies["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: ANN401, N802
        if "DATA" in self.replies:
            return self.replies["DATA"]
        content = message_from_bytes(_bytes(envelope.content), policy=default)
        self.taken.append((list(envelope.rcpt_tos), content))
        if self.hangs_up:
            server.transport.abort()
        await asyncio.sleep(self.slow)
        return "250 OK"

    @property
    def keys(self) -> list[str]:
        """The Message-IDs of what was taken."""
        return [str(message["Message-ID"]) for _, message in self.taken]


def _bytes(content: bytes | str | None) -> bytes:
    return content if isinstance(content, bytes) else (content or "").encode()


@contextmanager
def listening(sink: Sink) -> Iterator[int]:
    """Let a mail server listen while the block runs; yield its port."""
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def silent() -> Iterator[int]:
    """Listen, and say nothing to whoever calls; yield the port."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        yield int(line.getsockname()[1])


@contextmanager
def mail_at(port: int, monkeypatch: pytest.MonkeyPatch, *, timeout: int = 5) -> Iterator[None]:
    """Let letters go to the mail server on a port of this machine."""
    with monkeypatch.context() as patch:
        patch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
        patch.setattr(settings, "EMAIL_PORT", port)
        patch.setattr(settings, "EMAIL_TIMEOUT", timeout)
        yield
