"""What people do in a browser: they sign in by the form, and go from page to page by what they see."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from config.declarations import Role
from tests.browser import FLAGS
from tests.conftest import make_user

PATIENCE: Final = 15_000
"""Milliseconds that the browser waits for what should be there: the machine may be busy."""
DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
SERIOUS: Final = {"serious", "critical"}


class Office:
    """The office as people see it: each signs in with a browser of their own.

    complaints: what a browser said of a page, like a script that was refused or a file that is missing. Whatever page
    somebody sees first and last is free of serious barriers, by axe.
    """

    def __init__(self, browser: Browser, address: str, pictures: Path | None) -> None:
        self._browser, self._address, self._pictures = browser, address, pictures
        self.complaints = list[str]()

    @contextmanager
    def signed_in(self, role: Role, *, viewport: ViewportSize = DESK) -> Iterator[Page]:
        """Sign somebody of a role in by the form, again if they were here; the browser complains of nothing."""
        known = User.objects.filter(username=role.name.lower()).first()
        user, password = known or make_user(role.name.lower(), role), token_urlsafe()
        user.set_password(password)
        user.save()
        context = self._browser.new_context(viewport=viewport)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(f"{said.location['url']}: {said.text}"))
        page.goto(f"{self._address}/admin/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("main")).to_contain_text("Waiting for you")
        barriers = barriers_of(page)
        try:
            yield page
            barriers += barriers_of(page)
        finally:
            self._picture(page, user.username)
            context.close()
        assert not self.complaints, self.complaints
        assert not barriers, barriers

    def _picture(self, page: Page, name: str) -> None:
        if self._pictures is not None:
            page.screenshot(path=self._pictures / f"{name}.png", full_page=True)


@contextmanager
def open_office(address: str, pictures: Path | None) -> Iterator[Office]:
    """Start a browser for an office that is served somewhere."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Office(browser, address, pictures)
        browser.close()


def barriers_of(page: Page) -> list[str]:
    """List what axe finds serious on a page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def open_list(page: Page, name: str) -> None:
    """Open a list from the sidebar."""
    page.locator("#nav-sidebar-apps").get_by_role("link", name=name, exact=True).click()


def begin_with(page: Page, what: str) -> None:
    """Press the button of what waits on the desk, and open the first of it."""
    page.get_by_role("link", name=what).click()
    open_first(page)


def open_first(page: Page) -> None:
    """Open the first row of a list."""
    page.locator("table.tl-list-table tbody tr").first.get_by_role("link").first.click()


def press(page: Page, name: str) -> None:
    page.locator("form.tl-form").get_by_role("button", name=name).click()


def approve(page: Page) -> None:
    """Approve the one thing that waits, from the desk."""
    begin_with(page, "Decide: 1 request waits for your approval")
    page.get_by_role("link", name="Approve").click()
    if page.get_by_label("I have checked this").count():
        page.get_by_label("I have checked this").check()
    press(page, "Approve")
    expect(page.get_by_role("main")).to_contain_text("It is approved and done.")
