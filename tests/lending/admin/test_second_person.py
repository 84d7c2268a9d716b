"""What one person asks for in the office, another approves there; nobody moves money alone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.approval_pages import GONE, NO_LONGER_ALLOWED, NOT_YOURS
from config.office.approvals import ApprovalRefusal, NotApproved, sign_request
from config.office.business_date import open_day
from config.office.models import ApprovalRequest, OperationEvent
from config.office.roles import ROLES, clashing
from config.office.verbs import APPROVAL_REFUSALS, ASKED
from lending.admin.loan_verbs import VERBS
from lending.admin.words import LOAN_REFUSALS
from lending.domain.books.booking import Booking
from lending.domain.contract.events import EventType
from lending.domain.contract.refusal import LoanRefusal
from lending.models import Loan, LoanEvent, ProductVersion, Transfer
from lending.operations.loans import book_by_hand, book_repayment, booking_act
from tests.approvals import approve_open, approved
from tests.conftest import CLERK, NOW, make_user
from tests.lending.arrears import make_case
from tests.lending.bookings import charge_fee
from tests.lending.loans import OPENED, lent
from tests.lending.office import staff
from tests.markets import make_merchants, make_partner

pytestmark = pytest.mark.django_db(transaction=True)
REFUND = {"amount": "5.00", "on": OPENED.isoformat(), "reason": "asked for by the merchant"}


def with_credit() -> Loan:
    """Return a loan that was overpaid by 5.00."""
    loan = lent(amount_minor=100_000)
    reference = f"of loan {loan.pk}"
    book_repayment(loan_id=loan.pk, amount_minor=100_500, on=OPENED, external_ref=reference, actor=CLERK, now=NOW)
    return loan


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def confirm(client: Client, loan: Loan, verb: str, fields: dict[str, Any], *, seen: int | None = None) -> Any:  # noqa: ANN401
    address = reverse(f"admin:lending_loan_{verb}", args=[loan.pk])
    sent = {**fields, "step": "confirm", "seen": seen if seen is not None else loan.events.count(), "sure": "1"}
    return client.post(address, sent, follow=True)


def decide(client: Client, request: ApprovalRequest, verb: str = "approve", **fields: str) -> Any:  # noqa: ANN401
    address = reverse(f"admin:office_approvalrequest_{verb}", args=[request.pk])
    shown = client.get(address)
    seen = shown.context["step"].seen if shown.context and "step" in shown.context else None
    return client.post(address, {**fields, "step": "confirm", "seen": seen or ""}, follow=True)


def asked(loan: Loan, user: User | None = None) -> ApprovalRequest:
    """Ask for a refund."""
    page = confirm(signed_in(user or staff(Role.FINANCE)), loan, "refund", REFUND)
    assertContains(page, ASKED)
    return ApprovalRequest.objects.latest("pk")


def test_a_refund_is_asked_for_by_one_and_done_by_another() -> None:
    loan, finance = with_credit(), staff(Role.FINANCE)
    client = signed_in(finance)
    preview = client.post(reverse("admin:lending_loan_refund", args=[loan.pk]), REFUND)
    assertContains(preview, APPROVAL_REFUSALS[ApprovalRefusal.MISSING])
    assertContains(preview, "Ask for approval")
    request = asked(loan, finance)
    assert loan.events.count() == 2, "nothing has happened yet"
    shown = client.get(reverse("admin:lending_loan_change", args=[loan.pk]))
    assertContains(shown, reverse("admin:office_approvalrequest_change", args=[request.pk]))
    controller = signed_in(staff(Role.CONTROLLER))
    assertContains(controller.get(reverse("admin:index")), "1 request waits for your approval")
    assertNotContains(client.get(reverse("admin:index")), "waits for your approval")
    page = controller.get(reverse("admin:office_approvalrequest_change", args=[request.pk]))
    for words in ("asked for by the merchant", "Credit held", "finance"):
        assertContains(page, words)
    assertContains(decide(controller, request), "It is approved and done.")
    event = LoanEvent.objects.get(loan=loan, type=EventType.REFUND_CREDIT)
    assert (event.amount_minor, event.actor) == (500, f"staff:{finance.pk}")
    request.refresh_from_db()
    assert request.state == "APPROVED"
    approval = OperationEvent.objects.get(name="office.approve_request")
    assert approval.actor == request.decided_by != event.actor
    again = decide(controller, request)
    assertContains(again, APPROVAL_REFUSALS[ApprovalRefusal.NOT_OPEN])
    assert loan.events.count() == 3


def test_a_case_tells_what_is_asked_for_with_the_borrower_s_loans() -> None:
    """Red if a collector saw on the loan alone that relief waits for somebody."""
    loan = with_credit()
    case = make_case(loan)
    request = asked(loan)
    page = signed_in(staff(Role.COLLECTOR)).get(reverse("admin:lending_arrearscase_change", args=[case.pk]))
    assertContains(page, reverse("admin:office_approvalrequest_change", args=[request.pk]))


def test_requests_and_applications_are_narrowed_to_a_colleague_who_is_chosen() -> None:
    """Red if a log-in had to be typed here, while lists of tasks and notes offer their colleagues."""
    loan, finance, controller = with_credit(), staff(Role.FINANCE), staff(Role.CONTROLLER)
    request = asked(loan, finance)
    client = signed_in(finance)
    for model in ("office_approvalrequest", "lending_application"):
        address = reverse(f"admin:{model}_changelist")
        [chosen] = [one for one in client.get(address).context["listing"].filters if one.filter.name == "waits_for"]
        assert {(f"staff:{user.pk}", user.username) for user in (finance, controller)} <= set(chosen.choices)
        for unknown in (finance.username, "staff:0"):
            assertContains(client.get(address, {"waits_for": unknown}, follow=True), "does not know")
    address = reverse("admin:office_approvalrequest_changelist")
    for user, rows in ((controller, [request]), (finance, [])):
        assert client.get(address, {"waits_for": f"staff:{user.pk}"}).context["listing"].rows == rows


def test_what_taking_a_payout_back_does_is_shown_before(client: Client) -> None:
    """Red if the page asked for a confirmation of nothing."""
    loan = lent(amount_minor=123_400)
    client.force_login(staff(Role.FINANCE))
    page = client.post(reverse("admin:lending_loan_return", args=[loan.pk]), {"on": OPENED, "reason": "came back"})
    for words in ("Payout clearing", "Principal outstanding", "1,234.00", "Ask for approval"):
        assertContains(page, words)


@pytest.mark.parametrize(("kind", "alone", "together"), [
    (EventType.CHARGE, 100_000, 100_001),
    (EventType.REPAYMENT, 1_000_000, 1_000_001),
])  # fmt: skip
def test_up_to_its_band_a_booking_is_made_alone(kind: EventType, alone: int, together: int) -> None:
    """Red if the band were read in minor units, or the amount in major ones."""
    loan = lent(amount_minor=1_000_000)

    def book(amount_minor: int) -> None:
        booking = Booking(type=kind, on=OPENED, amount_minor=amount_minor, by_hand=True, reason="agreed")
        book_by_hand(loan_id=loan.pk, booking=booking, actor=CLERK, now=NOW)

    with pytest.raises(NotApproved, match="MISSING"):
        book(together)
    book(alone - 1)
    book(1)
    with pytest.raises(NotApproved, match="MISSING"):
        book(1)  # or a large amount would be booked in small ones


def test_an_approval_is_used_up_even_where_none_is_needed_by_now() -> None:
    """Red if a small booking left its request open: it could be approved again."""
    loan = lent(amount_minor=1_000_000)
    small = Booking(type=EventType.CHARGE, on=OPENED, amount_minor=100, by_hand=True, reason="agreed")
    for_large = approved(booking_act(loan, replace(small, amount_minor=200_000)))
    with pytest.raises(NotApproved, match="OTHER_ACT"):
        book_by_hand(loan_id=loan.pk, booking=small, actor=CLERK, now=NOW, approval=for_large)
    assert loan.events.count() == 1


def test_a_rate_from_an_earlier_day_needs_a_second_person() -> None:
    """Red if one person could let go of what was earned, by a lower rate from before."""
    loan = lent(amount_minor=1_000_000)
    open_day(on=OPENED + timedelta(days=3), actor=SYSTEM, now=NOW)
    rate = Booking(type=EventType.RATE_CHANGE, on=OPENED, rate=Decimal("0.01"), by_hand=True, reason="agreed")
    assert booking_act(loan, rate) is not None
    assert booking_act(loan, replace(rate, on=OPENED + timedelta(days=3))) is None


def test_a_request_that_no_longer_fits_says_so() -> None:
    """Red if the rights of whoever asked, or the loan, were looked at when it was asked for alone."""
    loan, finance = with_credit(), staff(Role.FINANCE)
    request = asked(loan, finance)
    controller = signed_in(staff(Role.CONTROLLER))
    address = reverse("admin:office_approvalrequest_change", args=[request.pk])
    book_repayment(loan_id=loan.pk, amount_minor=1, on=OPENED, external_ref="p2", actor=CLERK, now=NOW)
    charge_fee(loan_id=loan.pk, amount_minor=501, on=OPENED, reason="late", actor=CLERK, now=NOW)
    confirm(signed_in(finance), loan, "credit", {**REFUND, "amount": "5.01"})
    assertContains(controller.get(address), LOAN_REFUSALS[LoanRefusal.CREDIT_TOO_SMALL])
    finance.groups.clear()
    assertContains(controller.get(address), NO_LONGER_ALLOWED)
    decide(controller, request)
    assert not LoanEvent.objects.filter(type=EventType.REFUND_CREDIT).exists()


def test_what_was_booked_between_preview_and_approval_is_shown_first() -> None:
    """Red if the approver's own look at the effects were not compared."""
    loan = with_credit()
    request = asked(loan)
    controller = signed_in(staff(Role.CONTROLLER))
    address = reverse("admin:office_approvalrequest_approve", args=[request.pk])
    seen = controller.get(address).context["step"].seen
    book_repayment(loan_id=loan.pk, amount_minor=100, on=OPENED, external_ref="p2", actor=CLERK, now=NOW)
    stale = controller.post(address, {"step": "confirm", "seen": seen}, follow=True)
    assertNotContains(stale, "It is approved and done.")
    request.refresh_from_db()
    assert request.state == "OPEN"
    assertContains(decide(controller, request), "It is approved and done.")


def test_who_may_not_approve_is_told_why() -> None:
    loan = with_credit()
    both = make_user("both", Role.FINANCE, Role.CREDIT_ANALYST)
    request = asked(loan, both)
    assertContains(
        signed_in(both).get(reverse("admin:office_approvalrequest_approve", args=[request.pk])),
        APPROVAL_REFUSALS[ApprovalRefusal.SAME_PERSON],
    )
    analyst = signed_in(staff(Role.CREDIT_ANALYST))
    for verb in ("approve", "reject"):
        address = reverse(f"admin:office_approvalrequest_{verb}", args=[request.pk])
        assertContains(analyst.get(address), NOT_YOURS)
        analyst.post(address, {"step": "confirm", "reason": "no"})
    request.refresh_from_db()
    assert request.state == "OPEN"
    assert signed_in(staff(Role.VIEWER)).get(address).status_code == 403


def test_a_request_is_rejected_with_a_reason_or_withdrawn() -> None:
    loan, finance = with_credit(), staff(Role.FINANCE)
    controller = signed_in(staff(Role.CONTROLLER))
    rejected = asked(loan, finance)
    assertContains(decide(controller, rejected, "reject", reason="not owed"), "not owed")
    withdrawn = asked(loan, finance)
    assertContains(decide(signed_in(finance), withdrawn, "withdraw"), "It is withdrawn")
    assert [row.state for row in ApprovalRequest.objects.order_by("pk")] == ["REJECTED", "WITHDRAWN"]
    assert loan.events.count() == 2


def test_a_request_about_a_verb_that_is_gone_says_so() -> None:
    request = asked(with_credit())
    request.pk, request.verb, request.digest = None, "lending_loan_gone", "0" * 64
    sign_request(request)
    request.save()
    page = signed_in(staff(Role.CONTROLLER)).get(reverse("admin:office_approvalrequest_change", args=[request.pk]))
    assertContains(page, GONE)


def test_a_product_is_sold_once_two_people_want_it() -> None:
    """A verb of a list, of no row: its request has a page all the same."""
    manager = signed_in(staff(Role.RISK_MANAGER))
    address = reverse("admin:lending_productversion_enter")
    make_merchants(make_partner(), "kiln")
    page = manager.post(address, {"product": "TERM:EUR", "step": "confirm"}, follow=True)
    assertContains(page, ASKED)
    assert not ProductVersion.objects.exists()
    approve_open()
    assert ProductVersion.objects.count() == 1
    assertContains(manager.get(reverse("admin:office_approvalrequest_changelist")), "Enter a first product")


def test_no_account_may_hold_both_sides_of_a_verb() -> None:
    """Generated from the table of rights: every right that needs approval, against the right to approve it."""
    for asks, approves in settings.DECLARED.approvals.items():
        askers = {role for role, rights in ROLES.items() if asks in rights}
        approvers = {role for role, rights in ROLES.items() if approves in rights}
        assert askers, asks
        assert approvers, approves
        assert not askers & approvers, f"{askers & approvers} hold both sides of {asks}"
        for asker in askers:
            for approver in approvers:
                assert clashing([asker, approver]) == {asker, approver}


def allowed_together() -> list[frozenset[Role]]:
    """List the largest sets of roles that one account may have."""
    sets = chain.from_iterable(combinations(Role, size) for size in range(len(Role), 0, -1))
    found: list[frozenset[Role]] = []
    for roles in map(frozenset, sets):
        if not clashing(roles) and not any(roles <= other for other in found):
            found.append(roles)
    return found


FIELDS = {
    "amount": "1.00",
    "percent": "900",
    "periods": "1",
    "part": "WAIVE_FEE",
    "on": OPENED.isoformat(),
    "event": "2",
    "reason": "so",
}


@pytest.mark.parametrize("roles", allowed_together(), ids=lambda roles: "+".join(sorted(roles)))
def test_nobody_reaches_money_out_alone(roles: frozenset[Role]) -> None:
    """Every verb of a loan before every other, by whoever has as many roles as one account may: no money leaves again.

    Red if a verb that sends money, or lets it go, or takes a payout back, did what it says without a second person.
    """
    alone = signed_in(make_user("alone", *roles))
    verbs = [verb for verb in VERBS if any(verb.right in ROLES[role] for role in roles)]
    kinds = {EventType.REFUND_CREDIT, EventType.REVERSAL, EventType.WRITE_OFF, EventType.SETTLEMENT}
    for order in (verbs, verbs[::-1]):
        for loan in (with_credit(), lent(amount_minor=100_000)):  # a payout that was repaid is not taken back at all
            for verb in order:
                confirm(alone, loan, verb.name, FIELDS)
            for request in ApprovalRequest.objects.filter(state="OPEN"):
                decide(alone, request)
            assert Transfer.objects.filter(loan=loan, kind="PAYOUT").count() == 1
            assert not loan.events.filter(type__in=kinds).exists()
    assert not ApprovalRequest.objects.filter(state="APPROVED").exists()


def test_what_was_decided_keeps_the_names_of_what_was_entered() -> None:
    """Red if a request that its form no longer takes, as its event is reversed, showed the fields' own names."""
    loan, finance = with_credit(), staff(Role.FINANCE)
    fields = {"event": "2", "on": OPENED.isoformat(), "reason": "not ours"}
    assertContains(confirm(signed_in(finance), loan, "reverse", fields), ASKED)
    request = ApprovalRequest.objects.latest("pk")
    controller = signed_in(staff(Role.CONTROLLER))
    listed = controller.get(reverse("admin:office_approvalrequest_changelist"))
    assertContains(listed, f"Loan {loan.pk}")
    assertContains(decide(controller, request), "It is approved and done.")
    page = controller.get(reverse("admin:office_approvalrequest_change", args=[request.pk]))
    facts = {str(name) for card in page.context["page"].cards for part in card.parts for name, _ in part.facts}
    assert {"Event", "Reason"} <= facts
    assert not {"event", "on", "reason"} & facts
