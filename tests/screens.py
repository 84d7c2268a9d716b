"""Take the pictures of docs/screens.md: every page of the demo's office, light, dark and on a phone.

    make demo ONCE=1 && make screenshots

Needs Debian's chromium, and the demo's database.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import which
from urllib.request import urlopen

import django
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after setup
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from lending.domain.loan import LoanStatus  # noqa: E402
from lending.models import Application, DayClose, Loan, Offer  # noqa: E402
from scoring.models import Score, ScoreRun  # noqa: E402
from scoring.queries.scores import get_live_run  # noqa: E402

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCREENS = IMAGES.parent / "screens.md"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
TALLEST = 1_900  # pixels: a list of everything shows no more than its beginning


def pages() -> dict[str, tuple[str, str]]:
    """Name the pages: title and address."""
    live = get_live_run()
    if live is None:
        sys.exit("No run is published: `make demo ONCE=1` first.")
    scored = Score.objects.filter(run=live, not_scored__isnull=True).order_by("-sales_basis_minor")
    good, unscored = scored[0], Score.objects.filter(run=live, not_scored__isnull=False).order_by("pk")[0]
    weak = scored.filter(grade="C2").first() or scored.reverse()[0]
    held = ScoreRun.objects.full().order_by("-pk")[0]
    late = Loan.objects.active().order_by("-dpd", "pk")[0]
    repaid = Loan.objects.filter(status=LoanStatus.CLOSED).order_by("pk").first() or late
    borrower = Offer.objects.open().order_by("-limit_minor")[0].merchant_id
    application = Application.objects.order_by("-amount_minor")[0]
    close = DayClose.objects.order_by("-day")[0]

    def change(model: str, pk: int) -> str:
        return reverse(f"admin:{model}_change", args=[pk])

    return {
        "dashboard": ("Dashboard", reverse("admin:index")),
        "merchants": ("Merchants", reverse("admin:merchants_merchant_changelist")),
        "merchant": ("A merchant and its score", change("merchants_merchant", good.merchant_id)),
        "merchant-weak": ("A merchant with a weak score", change("merchants_merchant", weak.merchant_id)),
        "merchant-unscored": ("A merchant that is not scored", change("merchants_merchant", unscored.merchant_id)),
        "merchant-offer": ("A merchant with an offer", change("merchants_merchant", borrower)),
        "offers": ("Offers", reverse("admin:lending_offer_changelist")),
        "applications": ("Applications", reverse("admin:lending_application_changelist")),
        "application": ("A decision, with its rules and caps", change("lending_application", application.pk)),
        "loans": ("Loans", reverse("admin:lending_loan_changelist")),
        "loan": ("A loan that is late", change("lending_loan", late.pk)),
        "loan-repaid": ("A loan that is repaid", change("lending_loan", repaid.pk)),
        "transfers": ("Payouts and collections", reverse("admin:lending_transfer_changelist")),
        "closes": ("Day closes", reverse("admin:lending_dayclose_changelist")),
        "close": ("The close of a day and its proof", change("lending_dayclose", close.pk)),
        "runs": ("Scoring runs", reverse("admin:scoring_scorerun_changelist")),
        "run": ("A run and its checks", change("scoring_scorerun", held.pk)),
        "scorecard": ("The scorecard", change("scoring_scorecardversion", live.scorecard_id)),
        "calibration": ("A calibration", change("scoring_calibrationversion", live.calibration_id or 0)),
        "replay": ("A score, replayed", reverse("admin:merchants_merchant_replay", args=[good.merchant_id, good.pk])),
        "transactions": (
            "Transactions of a merchant",
            reverse("admin:merchants_merchant_transactions", args=[good.merchant_id]),
        ),
        "batches": ("Batches", reverse("admin:merchants_batch_changelist")),
        "jobs": ("Jobs", reverse("admin:office_jobrun_changelist")),
        "events": ("Audit trail", reverse("admin:office_operationevent_changelist")),
    }


@contextmanager
def served() -> Iterator[str]:
    """Serve the office on a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", address, "--threads", "4"]
    server = subprocess.Popen([*command, "--log-level", "error"], env=os.environ | {"LOG_LEVEL": "ERROR"})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urlopen(f"http://{address}/admin/login/", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)


def complain(message: ConsoleMessage) -> None:
    """Say what the browser complained about: a refused script, a missing file."""
    sys.stderr.write(f"{message.location['url']}: {message.text}\n")


def take(browser: Browser, root: str, cookie: str, found: dict[str, tuple[str, str]]) -> None:
    """Take every page in every look."""
    for look, options in LOOKS.items():
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": root}])
        page = context.new_page()
        page.on("console", complain)
        for name, (_, path) in found.items():
            page.goto(root + path)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(400)  # charts ease in
            height = min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight")))
            width = options["viewport"]["width"]  # type: ignore[index]
            page.screenshot(
                path=IMAGES / f"{name}-{look}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": height},
            )
        context.close()


def main() -> None:
    """Take the pictures and write the page that shows them."""
    chromium = which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    client = Client()
    client.force_login(User.objects.get(username="risk"))
    found = pages()
    cookie = client.cookies["sessionid"].value
    with served() as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        take(browser, root, cookie, found)
        browser.close()
    lines = ["# Every page", "", "Made by `make screenshots` from `make demo`: light, dark, and on a phone.", ""]
    for name, (title, _) in found.items():
        lines += [f"## {title}", "", *(f"![{title}, {look}](images/{name}-{look}.png)" for look in LOOKS), ""]
    SCREENS.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
