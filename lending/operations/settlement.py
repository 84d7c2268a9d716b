"""Settle what is open: record the reports of banks, send what waits, ask for what has no answer."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial

import structlog

from config.office.business_date import get_business_date
from config.office.job_runs import Clock
from lending.domain.books.bank_profile import BankProfile
from lending.domain.books.transfer import AWAITED_TRANSFERS, TransferKind
from lending.gateways.breaker import SILENT, Breaker
from lending.gateways.protocol import Gateway, Report
from lending.gateways.registry import folders_of
from lending.models import Transfer
from lending.operations.bank_answers import apply_answers
from lending.operations.bank_files import deliver_files, take_files, write_files
from lending.operations.bank_statements import book_statements
from lending.operations.collections import DAY, collect_loan, record_collection
from lending.operations.payouts import pay_out, record_payout
from lending.operations.statement_lines import match_again
from lending.operations.transfers import postpone_transfer
from lending.queries.gateways import bank_profiles
from lending.queries.transfers import is_gateway_down, transfers_to_send

log = structlog.get_logger(__name__)


def settle_transfers(gateways: Mapping[str, Gateway], *, clock: Clock) -> None:
    """Settle what is open at each gateway; nothing before the first business date."""
    today = get_business_date()
    if today is None:
        return
    for name, gateway in gateways.items():
        bank = Breaker(name, gateway)
        if is_gateway_down(name):
            bank.give_one_more()
        _take_reports(bank, to=today - DAY, clock=clock)
        _send_what_waits(bank, to=today - DAY, clock=clock)
    for profile in bank_profiles():
        if profile.name in gateways:
            try:
                exchange_files(profile, gateways[profile.name], clock=clock)
            except Exception:  # the other banks have their turn
                log.exception("bank_exchange_failed", bank=profile.name)


def exchange_files(profile: BankProfile, gateway: Gateway, *, clock: Clock) -> None:
    """Take in what a bank sent, act on it, book its statements, and give it what waits for it."""
    folders = folders_of(profile)
    if folders is None:
        return
    bank = Breaker(profile.name, gateway)
    apply = partial(apply_answers, bank, clock=clock)
    try:
        take_files(profile, folders, clock=clock, then=apply)
        apply()
        book_statements(profile, clock=clock)
        write_files(profile, clock=clock)
        deliver_files(profile, folders, clock=clock)
        match_again(profile, clock=clock)
    except OSError as error:  # the folders are out of reach: at the next turn
        log.warning("bank_folders_out_of_reach", bank=profile.name, error=repr(error))


def record_report(*, gateway: str, report: Report, now: datetime) -> Transfer | None:
    """Record a bank's report of an order; None if no order with this key is open, or it was never sent."""
    transfer = Transfer.objects.filter(gateway=gateway, key=report.key).first()
    if transfer is None or transfer.state not in AWAITED_TRANSFERS:
        state = None if transfer is None else transfer.state
        log.warning("report_not_awaited", gateway=gateway, state=state, report=repr(report))
        return None
    record = record_payout if transfer.kind == TransferKind.PAYOUT else record_collection
    return record(transfer_id=transfer.pk, answer=report.answer, now=now)


def _take_reports(bank: Breaker, *, to: date, clock: Clock) -> None:
    try:
        for report in bank.gateway.reports():
            _take_report(bank, report, to=to, clock=clock)
    except SILENT as error:
        log.warning("gateway_silent", gateway=bank.name, error=repr(error))


def _take_report(bank: Breaker, report: Report, *, to: date, clock: Clock) -> None:
    """Record a report; after a collection, continue with the days since, whose dues waited for it."""
    try:
        settled = record_report(gateway=bank.name, report=report, now=clock())
        bank.gateway.forget(report)
        if settled is not None and settled.kind == TransferKind.COLLECTION:
            collect_loan(bank, loan_id=settled.loan_id, on=settled.on + DAY, to=to, clock=clock)
    except Exception:  # not forgotten, it comes again
        log.exception("report_failed", gateway=bank.name, report=repr(report))


def _send_what_waits(bank: Breaker, *, to: date, clock: Clock) -> None:
    for transfer in transfers_to_send(gateway=bank.name, now=clock()):
        if bank.is_down:
            return
        try:
            if transfer.kind == TransferKind.PAYOUT:
                pay_out(bank, transfer_id=transfer.pk, clock=clock)
            else:
                collect_loan(bank, loan_id=transfer.loan_id, on=to, to=to, clock=clock)
        except Exception:
            log.exception("transfer_failed", transfer_id=transfer.pk)
            postpone_transfer(transfer_id=transfer.pk, now=clock())
