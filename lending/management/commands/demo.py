"""Run the whole product on one machine: a marketplace's history in, scores out, the office served."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import embedded
from config.declarations import Role
from config.kernel.calendar import date_of
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.stages import Pipeline
from lending.domain.arrears.letter import LetterState
from lending.domain.books.day_close import CloseState
from lending.domain.origination.product import ProductKind
from lending.management.borrowers import accept_some, have_accounts, use_lines
from lending.management.collectors import collect
from lending.management.demo_bank import demo_bank
from lending.management.demo_mail import demo_mail, enter_demo_policy
from lending.management.processes import supervised
from lending.models import (
    ArrearsCase,
    BankFile,
    BankStatement,
    DayClose,
    EarlyWarning,
    Letter,
    Line,
    Loan,
    Offer,
    OfferRound,
    PaymentPromise,
    StatementLine,
    Transfer,
    WatchRun,
)
from lending.operations.day_close import CLOSE, DayNotClosed, close_day
from lending.operations.letters import send_letters
from lending.operations.offers import OFFERS, RoundNotStarted, expire_offers, start_round
from lending.operations.watch import WATCH, WatchNotStarted, start_night_watch
from lending.queries.books import prove_accounts
from merchants.domain.feed import feed_end
from merchants.domain.transaction import Settlement
from merchants.models import Merchant, Partner, Transaction
from merchants.operations.clients import Credentials, create_partner_client
from merchants.queries.feeds import sales_by_day
from scoring.domain.run import RunState
from scoring.models import ScoreRun
from scoring.operations.runs import RUN, start_run
from scoring.operations.versions import CalibrationNotMade, create_calibration
from scoring.queries.runs import active_calibration, active_scorecard, unfinished_run
from scoring.queries.scores import get_live_run

MARKETS = settings.BASE_DIR / ".local" / "markets"
LIVED_DAYS = {"simulated": 70, "real": 30}
TROUBLED = 20  # in a hundred shops of the simulated market
PATIENCE = 600  # seconds without a finished run
FOLLOWED_EVERY = 2  # seconds until the bank notices that a day was opened
ACCOUNTS = {
    "risk": Role.RISK_MANAGER,
    "underwriter": Role.UNDERWRITER,
    "collector": Role.COLLECTOR,
    "finance": Role.FINANCE,
    "controller": Role.CONTROLLER,
    "analyst": Role.CREDIT_ANALYST,
    "viewer": Role.VIEWER,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMINISTRATOR,
}


class Command(BaseCommand):
    help = "Load a market (simulated, or the one in the directory DATA), score its last weeks, serve the office."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do not serve: print a summary and end")
        parser.add_argument("--merchants", type=int, default=500, help="of the simulated market")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        if not embedded.wanted(os.environ):
            message = "The demo makes accounts and moves the business date: it runs on the embedded servers only."
            raise CommandError(message)
        began = time.monotonic()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like by Ctrl-C, workers and all
        with ExitStack() as started:
            if not options["once"]:
                _require_free(options["port"])
            call_command("migrate", database="owner", verbosity=0)
            call_command("enter_scorecard", verbosity=0, stdout=self.stderr)
            password = self._make_accounts()
            local, celery = settings.BASE_DIR / ".local", [sys.executable, "-m", "celery", "-A", "config"]
            worker, beat = [*celery, "worker", "-c", "2"], [*celery, "beat", "-s", str(local / "beat")]
            self._mail = started.enter_context(demo_mail(local))
            started.enter_context(supervised(worker, beat, log=local / "worker.log"))
            self._load(options["merchants"])
            self._live(started)
            self._say(f"Ready after {time.monotonic() - began:.0f} s.")
            if options["once"]:
                self._summarise()
            else:
                have_accounts()
                self._serve(options["port"], password, self._make_client())

    def _say(self, words: str) -> None:
        self.stderr.write(words)

    def _make_accounts(self) -> str:
        """Create one account a role; the password is made once, and kept beside the embedded servers' data."""
        kept = settings.BASE_DIR / ".local" / "demo-password"
        kept.parent.mkdir(exist_ok=True)
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(secrets.token_urlsafe(12))
        password = kept.read_text()
        for name, role in ACCOUNTS.items():
            user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
            if not user.check_password(password):
                user.set_password(password)
                user.save(update_fields=["password"])
            user.groups.set(Group.objects.filter(name=role))
        return password

    def _make_client(self) -> Credentials:
        """Create credentials of the partner's system, once a database; kept like the password."""
        database = str(settings.DATABASES["default"]["NAME"])
        kept = settings.BASE_DIR / ".local" / f"demo-client-{database}"
        partner = Partner.objects.order_by("pk")[0]
        if not kept.exists() or not partner.clients.exists():
            made = create_partner_client(partner_id=partner.pk, actor=SYSTEM, now=timezone.now())
            kept.touch(mode=0o600)
            kept.write_text(f"{made.client_id} {made.client_secret}")
        return Credentials(*kept.read_text().split())

    def _load(self, merchants: int) -> None:
        if get_business_date() is not None:
            return  # the first day is opened once everything is in: an import that was cut off is done again
        directory = Path(os.environ.get("DATA") or MARKETS / "default").resolve()
        settlement, partner = Settlement.IMMEDIATE, None
        if directory.is_relative_to(MARKETS):
            settlement, partner = Settlement.ESCROW, "Lotus Market"  # a market of the simulator's
            simulated = {"merchants": merchants, "days": 730, "seed": 1, "troubled": TROUBLED}
            call_command("simulate_marketplace", str(directory), **simulated, stdout=self.stderr)
        described = {"settlement": settlement, "partner": partner}
        call_command("import_marketplace", str(directory), **described, stdout=self.stderr)

    def _live(self, started: ExitStack) -> None:
        """Open one day after another; score once a week and on the last day."""
        self._began = timezone.now()
        end = feed_end(sales_by_day())
        if end is None:
            message = "The feed holds no sale: there is nobody to score."
            raise CommandError(message)
        last = date_of(end) + timedelta(days=1)
        lived = LIVED_DAYS["real" if os.environ.get("DATA") else "simulated"]
        first = last - timedelta(days=lived)
        today = get_business_date()
        if today is None:
            today = open_day(on=first, actor=SYSTEM, now=timezone.now())
        unfinished = unfinished_run()
        if unfinished is not None:
            self._finish(unfinished, "the run that was interrupted")
        self._calibrate()
        currencies = list(Merchant.objects.values_list("currency", flat=True).distinct().order_by())
        for currency in currencies:
            for kind in ProductKind:
                call_command("enter_product", kind=kind, currency=currency, stdout=self.stderr)
        local = settings.BASE_DIR / ".local"
        self._bank = started.enter_context(demo_bank(local, currency=currencies[0], on=today))
        call_command("enter_provision_policy", stdout=self.stderr)
        enter_demo_policy()
        while True:
            self._live_day(today, is_scored=(last - today).days % 7 == 0)
            if today >= last:
                return
            today = open_day(on=today + timedelta(days=1), actor=SYSTEM, now=timezone.now())

    def _live_day(self, today: date, *, is_scored: bool) -> None:
        """Close the day before, score and offer if it is time, lend to whoever wants; if repeated, do what is left."""
        self._bank.exchange()
        self._close()
        collect(on=today, collector=User.objects.get(username="collector"))
        if is_scored:
            self._watch()
        send_letters(clock=timezone.now)
        if is_scored and not ScoreRun.objects.full().filter(as_of=today, calibration__isnull=False).exists():
            self._run(today)
        with suppress(RoundNotStarted):  # the workers may have begun it already: it is due since the run was published
            start_round(actor=SYSTEM, now=timezone.now())
        last = OfferRound.objects.order_by("-pk").first()
        # One that was over before stays as it was, also if it had fewer stages then.
        if last is not None and (last.started_at >= self._began or _is_working(OFFERS, last.pk)):
            self._wait_for(OFFERS, last.pk, "offers")
        expire_offers(on=today, now=timezone.now())
        if accept_some() + use_lines():
            self._wait(lambda: not Transfer.objects.sendable(timezone.now()).exists(), "payouts")
            self._bank.exchange()

    def _close(self) -> None:
        while True:
            working = DayClose.objects.working().first()
            try:
                close = working or close_day(actor=SYSTEM, now=timezone.now())
            except DayNotClosed:
                if DayClose.objects.working().exists():  # the workers began it a moment ago
                    continue
                return
            self._wait_for(CLOSE, close.pk, f"close of {close.day}")
            close.refresh_from_db()
            if close.state == CloseState.BROKEN:
                message = f"The proof of {close.day} failed: see the day's page, or manage.py check_books."
                raise CommandError(message)

    def _watch(self) -> None:
        with suppress(WatchNotStarted):  # the workers may have begun it already
            start_night_watch(now=timezone.now())
        last = WatchRun.objects.order_by("-pk").first()
        if last is not None:
            self._wait_for(WATCH, last.pk, "warnings")

    def _calibrate(self) -> None:
        scorecard = active_scorecard()
        if scorecard is None or active_calibration(scorecard=scorecard) is not None:
            return
        run = self._finish(start_run(actor=SYSTEM, now=timezone.now()), "reference run")
        try:
            create_calibration(run_id=run.pk, actor=SYSTEM, now=timezone.now())
        except CalibrationNotMade as refused:
            message = f"No calibration fits this market: {refused.reason}."
            raise CommandError(message) from refused

    def _run(self, today: date) -> None:
        run = self._finish(start_run(actor=SYSTEM, now=timezone.now()), f"scores of {today}")
        if run.state != RunState.PUBLISHED:
            self._say(f"{run}: held back by its checks; yesterday's scores stay live.")

    def _wait_for(self, pipeline: Pipeline, subject_id: int, words: str) -> None:
        """Wait until all stages are done, the last of which is queued last."""
        jobs = JobRun.objects.filter(name__in=pipeline.names, subject_id=subject_id)

        def done() -> bool:
            parked = jobs.filter(state=JobState.PARKED).first()
            if parked is not None:
                message = f"{words}: {parked.error}"
                raise CommandError(message)
            return jobs.filter(name=pipeline.names[-1]).exists() and not jobs.exclude(state=JobState.DONE).exists()

        self._wait(done, words)

    def _wait(self, done: Callable[[], bool], words: str) -> None:
        """Poll, with progress on screen. Raises CommandError after too long."""
        began = time.monotonic()
        while not done():
            if sys.stderr.isatty():
                self.stderr.write(f"\r{words} …", ending="")
            if time.monotonic() - began > PATIENCE:
                message = f"{words}: no end in sight; see .local/worker.log"
                raise CommandError(message)
            time.sleep(0.05)

    def _finish(self, run: ScoreRun, words: str) -> ScoreRun:
        began = time.monotonic()
        self._wait_for(RUN, run.pk, words)
        run.refresh_from_db()
        counts = f"{run.scored} scored, {run.not_scored} not scored"
        self._say(f"\r{words}: {counts}, {run.state.lower()}, {time.monotonic() - began:.1f} s")
        return run

    def _summarise(self) -> None:
        live = get_live_run()
        if live is None:
            message = "No run was published."
            raise CommandError(message)
        counts = {
            "merchants": Merchant.objects.count(),
            "transactions": Transaction.objects.count(),
            "scored": live.scored,
            "not_scored": live.not_scored,
            "offers": Offer.objects.count(),
            "lines": Line.objects.count(),
            "draws": Loan.objects.filter(line__isnull=False).count(),
            "loans": Loan.objects.count(),
            "days_closed": DayClose.objects.exclude(state=CloseState.WORKING).count(),
            "bank_files": BankFile.objects.count(),
            "statements": BankStatement.objects.filter(booked_at__isnull=False).count(),
            "in_suspense": StatementLine.objects.in_suspense().count(),
            "warnings": EarlyWarning.objects.count(),
            "cases": ArrearsCase.objects.count(),
            "promises": PaymentPromise.objects.count(),
            "letters_sent": Letter.objects.filter(state=LetterState.SENT).count(),
            "books_proven": not DayClose.objects.exclude(state=CloseState.PROVEN).exists()
            and all(balance.holds for balance in prove_accounts()),
        }
        self.stdout.write(json.dumps(counts))

    def _serve(self, port: int, password: str, client: Credentials) -> None:
        root = f"http://localhost:{port}"
        self._say(f"\nThe office: {root}/admin/")
        self._say(f"Log in as {', '.join(ACCOUNTS)}; the password of each is {password}")
        self._say(f"\nThe API: {root}/docs/ and docs/api.md, whose lines run after these:")
        self._say(f"export TRADELINE={root} CLIENT_ID={client.client_id} CLIENT_SECRET={client.client_secret}")
        self._say(
            'curl -s "$TRADELINE/oauth/token/" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials'
            ' -d scope="merchants:write transactions:write scores:read offers:read offers:write loans:read loans:write"'
        )
        self._say(f"\nLetters to borrowers in arrears lie in {self._mail} (Maildir), and nobody gets them.")
        self._say("\nCtrl-C stops the office and its workers; `make stop` stops the database.")
        address = f"127.0.0.1:{port}"
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", address, "-w", "2", "--threads", "4"]
        server = subprocess.Popen([*command, "--log-level", "warning"])  # noqa: S603
        try:
            while server.poll() is None:
                self._bank.follow()
                time.sleep(FOLLOWED_EVERY)
        except KeyboardInterrupt:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _is_working(pipeline: Pipeline, subject_id: int) -> bool:
    jobs = JobRun.objects.filter(name__in=pipeline.names, subject_id=subject_id)
    return jobs.exclude(state=JobState.DONE).exists()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"Port {port} is taken: end what listens there, or say --port."
            raise CommandError(message) from error
