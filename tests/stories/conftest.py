from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.live_server_helper import LiveServer

from tests.stories.people import Office, open_office


@pytest.fixture
def office(
    live_server: LiveServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread, and waits meanwhile
    pictures = request.config.getoption("--pictures")
    with open_office(live_server.url, None if pictures is None else Path(pictures)) as found:
        yield found
        connections.close_all()  # Django keeps others for what runs in a loop than for what does not
