"""Read the dunning policy, letters, and what decides whether borrowers get some."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from config.db.planning import planned_for_its_values
from lending.domain.arrears.case import CaseState, ContactResult
from lending.domain.arrears.dunning_policy import DunningPolicy, parse_dunning
from lending.domain.arrears.letter import WAITING, LetterState, Recipient, Written
from lending.domain.books.day_close import CloseState
from lending.models import ArrearsCase, CaseContact, Letter, PaymentPromise
from lending.models import DunningPolicy as PolicyRow
from lending.queries.arrears import handed_over
from lending.queries.closes import latest_close
from lending.queries.delinquency import IS_PAUSE, PAUSE

SENT_AT_ONCE: Final = 500
PAUSED: Final = f"""
SELECT DISTINCT l.merchant_id FROM lending_loanevent e JOIN lending_loan l ON l.id = e.loan_id
WHERE l.merchant_id = ANY(%(merchants)s::bigint[]) AND l.status = 'ACTIVE' AND {IS_PAUSE} AND {PAUSE} @> %(on)s::date
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """The dunning policy that counts, and its row."""

    row: PolicyRow
    policy: DunningPolicy


def dunning_policy() -> PolicyInForce | None:
    """Return the policy that was entered last; None before one is. Raises PolicyMalformed."""
    row = PolicyRow.objects.order_by("-pk").first()
    return None if row is None else PolicyInForce(row=row, policy=policy_of(row))


def policy_of(row: PolicyRow) -> DunningPolicy:
    """Return the policy of a row. Raises PolicyMalformed."""
    return parse_dunning(row.content, row.sha256)


def recipients_of(cases: Sequence[ArrearsCase], *, on: date, policy: DunningPolicy) -> dict[int, Recipient]:
    """Return how the borrowers of cases stand on a morning that follows a close, by case; without what is due."""
    keys = [case.pk for case in cases]
    among = ArrearsCase.objects.filter(pk__any_of=keys)
    promised = set(PaymentPromise.objects.open().filter(case__in=among).values_list("case", flat=True))
    # Whoever was not reached has answered nothing.
    unanswered = (ContactResult.NOTE, ContactResult.NO_ANSWER, ContactResult.WRONG_CONTACT)
    contacts = CaseContact.objects.filter(case__in=among).exclude(result__in=unanswered)
    last = dict(contacts.order_by("case", "-pk").distinct("case").values_list("case", "result"))
    since = on - timedelta(days=policy.cap.days)
    left = defaultdict[int, list[date]](list)
    sent = Letter.objects.filter(
        Q(sent_on__gt=since) | ~Q(may_have_left_on=[]), case__merchant__in=among.values("merchant")
    )
    for merchant, day, unknown in sent.values_list("case__merchant_id", "sent_on", "may_have_left_on"):
        left[merchant] += [one for one in (day, *unknown) if one is not None]
    agencies = handed_over(keys)
    paused = paused_on([case.merchant_id for case in cases], on=on)
    return {
        case.pk: Recipient(
            case=CaseState(case.state),
            late_since=case.late_since,
            is_handed_over=case.pk in agencies,
            has_promise=case.pk in promised,
            is_paused=case.merchant_id in paused,
            last_result=ContactResult(last[case.pk]) if case.pk in last else None,
            sent_on=left[case.merchant_id],
        )
        for case in cases
    }


def paused_on(merchants: Collection[int], *, on: date) -> frozenset[int]:
    """Return those of the merchants with which a pause was agreed that lasts on a date."""
    with planned_for_its_values(), connection.cursor() as cursor:
        cursor.execute(PAUSED, {"merchants": list(merchants), "on": on})
        return frozenset(merchant for (merchant,) in cursor.fetchall())


def written_of(cases: Collection[int]) -> Mapping[int, Sequence[Written]]:
    """Return the letters of cases that count, by case."""
    found = defaultdict[int, list[Written]](list)
    letters = Letter.objects.counting().filter(case__in=ArrearsCase.objects.filter(pk__any_of=cases))
    for case, from_days, on, state in letters.values_list("case_id", "from_days", "on", "state"):
        found[case].append(Written(from_days, on, is_waiting=state in WAITING))
    return found


def letters_to_send(*, now: datetime) -> list[int]:
    """List the letters whose turn it is, those that wait longest first; of a worker that died, too."""
    states = [LetterState.DUE, LetterState.CLAIMED]
    waiting = Letter.objects.waiting().filter(state__in=states, next_attempt_at__lte=now)
    return list(waiting.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:SENT_AT_ONCE])


def letters_given_up(*, now: datetime) -> list[int]:
    """List the letters of which nobody says any more whether they were handed over."""
    lost = Letter.objects.waiting().filter(state=LetterState.HANDED, next_attempt_at__lte=now)
    return list(lost.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:SENT_AT_ONCE])


def is_sending(*, now: datetime) -> bool:
    """Whether a worker has a letter in hand: one sends at a time, so that a slow mail server does not hold them all."""
    return Letter.objects.waiting().exclude(state=LetterState.DUE).filter(next_attempt_at__gt=now).exists()


def are_books_proven() -> bool:
    """Whether the latest close is proven: before that, nobody is told what it owes."""
    close = latest_close()
    return close is not None and close.state == CloseState.PROVEN


def letters_of(case: ArrearsCase, *, most: int) -> list[Letter]:
    """List the letters of a case, the latest first."""
    return list(case.letters.order_by("-pk")[:most])


def has_waiting(case: ArrearsCase) -> bool:
    """Whether a letter of a case waits to be sent."""
    return Letter.objects.waiting().filter(case=case).exists()


def late_letters(*, now: datetime) -> QuerySet[Letter]:
    """Return the letters that have waited for more than a day."""
    return Letter.objects.filter(state__in=sorted(WAITING), written_at__lt=now - timedelta(days=1))
