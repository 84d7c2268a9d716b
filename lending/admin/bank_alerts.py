"""What the first page says of banks."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.office.display import Alert, Cell
from lending.domain.books.bank_messages import AnswerState
from lending.queries.bank_queue import BankQueue


def bank_alerts(queue: BankQueue) -> Iterator[Alert]:
    """Say what waits for people at banks: money that nobody has explained before all."""
    for bank, waiting in queue.unanswered.items():
        if waiting.number:
            said = ngettext(
                "%(n)s order at %(bank)s has no answer", "%(n)s orders at %(bank)s have no answer", waiting.number
            )
            text = _t("the oldest is of %(since)s: ask whether they were received.") % {"since": waiting.since}
            yield Alert(
                tint="tl-bad", link=_link(said, waiting.number, "transfer", bank=bank, state="PENDING"), text=text
            )
    for bank, waiting in queue.uncleared.items():
        if waiting.number:
            said = ngettext(
                "%(n)s order at %(bank)s is on no statement", "%(n)s orders at %(bank)s are on no statement",
                waiting.number,
            )  # fmt: skip
            text = _t("the bank said that their money moved; the oldest is of %(since)s.") % {"since": waiting.since}
            yield Alert(tint="tl-bad", link=_link(said, waiting.number, "transfer", bank=bank), text=text)
    if queue.held:
        said = ngettext("%(n)s answer of a bank waits", "%(n)s answers of banks wait", queue.held)
        link = _link(said, queue.held, "bankanswer", state=AnswerState.HELD)
        yield Alert(tint="tl-bad", link=link, text=_("somebody has to look at them: nothing was done by itself."))
    if queue.set_aside:
        said = ngettext("%(n)s file of a bank is set aside", "%(n)s files of banks are set aside", queue.set_aside)
        link = _link(said, queue.set_aside, "bankfile", state="aside")
        yield Alert(link=link, text=_("nothing of them counts until they can be read."))
    if queue.suspense.number:
        said = ngettext("%(n)s line is in suspense", "%(n)s lines are in suspense", queue.suspense.number)
        link = _link(said, queue.suspense.number, "statementline", state="suspense")
        yield Alert(link=link, text=_t("the oldest is of %(since)s.") % {"since": queue.suspense.since})
    if queue.statements:
        said = ngettext("%(n)s bank statement waits", "%(n)s bank statements wait", queue.statements)
        link = _link(said, queue.statements, "bankstatement", state="waits")
        yield Alert(link=link, text=_("for those before it, which the bank has not sent."))


def _link(said: str, number: int, model: str, *, bank: str = "", **filters: str) -> Cell:
    chosen = {**filters, **({"gateway": bank} if bank else {})}
    address = f"{reverse(f'admin:lending_{model}_changelist')}?{urlencode(chosen)}"
    return Cell(text=said % {"n": f"{number:,}", "bank": bank}, link=address, tag=model)
