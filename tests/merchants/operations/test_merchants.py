from datetime import date
from functools import partial

import pytest

from config.office.models import OperationEvent
from merchants.domain.merchant import MerchantRefusal
from merchants.models import FormerOwnership, Merchant, Owner, Partner
from merchants.models.merchant import MERCHANT_CHANGED
from merchants.operations.merchants import MerchantsEntered, enter_merchants
from tests.conftest import CLERK, NOW
from tests.markets import make_partner
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


def row(external_id: str, **fields: str) -> dict[str, str]:
    return {"external_id": external_id, "name": external_id.title(), "currency": "EUR"} | fields


def enter(partner: Partner, *rows: dict[str, str]) -> MerchantsEntered:
    return enter_merchants(partner_id=partner.pk, rows=rows, actor=CLERK, now=NOW)


def counts(entered: MerchantsEntered) -> tuple[int, int, int, int]:
    return entered.created, entered.changed, entered.unchanged, len(entered.rejections)


def test_new_ones_are_created_known_ones_changed_and_nothing_said_twice() -> None:
    partner = make_partner()
    assert counts(enter(partner, row("kiln", category="pottery"), row("barn"))) == (2, 0, 0, 0)
    kept = dict(Merchant.objects.values_list("external_id", "pk"))
    assert counts(enter(partner, row("kiln", category="tea", opened_on="2024-02-29"), row("barn"))) == (0, 1, 1, 0)
    assert dict(Merchant.objects.values_list("external_id", "pk")) == kept
    kiln = Merchant.objects.get(external_id="kiln")
    assert (kiln.category, kiln.opened_on) == ("tea", date(2024, 2, 29))
    events = OperationEvent.objects.filter(name="merchants.enter_merchants").order_by("pk")
    assert [event.after for event in events] == [
        {"created": 2, "changed": 0, "rejected": 0},
        {"created": 0, "changed": 1, "rejected": 0},
    ]
    assert counts(enter(partner, row("barn"))) == (0, 0, 1, 0)
    assert events.count() == 2, "what changes nothing is no event"


def test_a_rename_is_one_event_with_the_former_name_and_the_new_one() -> None:
    """Red if changes of owner alone were recorded, or if whatever changes were told as a change of name."""
    partner = make_partner()
    enter(partner, row("kiln", owner_ref="ann"), row("barn", owner_ref="ann"))
    renamed = row("kiln", owner_ref="ann", name="Oast")
    assert counts(enter(partner, renamed, row("barn", owner_ref="ann", city="York"))) == (0, 2, 0, 0)
    kiln = Merchant.objects.get(external_id="kiln")
    event = OperationEvent.objects.get(name=MERCHANT_CHANGED)
    assert (event.subject, event.actor) == (f"merchants.merchant:{kiln.pk}", str(CLERK))
    assert event.before == {"owner": kiln.owner_id, "name": "Kiln"}
    assert event.after == {"owner": kiln.owner_id, "name": "Oast"}
    assert not FormerOwnership.objects.exists()


def test_an_owner_is_entered_once_and_stays_its_partners() -> None:
    partner, other = make_partner(), make_partner("other")
    enter(partner, row("kiln", owner_ref="ann"), row("barn", owner_ref="ann"), row("mill"))
    enter(other, row("kiln", owner_ref="ann"))
    assert set(Owner.objects.values_list("partner__code", "external_ref")) == {("bazaar", "ann"), ("other", "ann")}
    owners = dict(Merchant.objects.of(partner.pk).values_list("external_id", "owner__external_ref"))
    assert owners == {"kiln": "ann", "barn": "ann", "mill": None}
    assert counts(enter(partner, row("kiln"))) == (0, 1, 0, 0)
    assert Merchant.objects.of(partner.pk).get(external_id="kiln").owner is None
    assert counts(enter(partner, row("mill", owner_ref="ann"))) == (0, 1, 0, 0)
    former = FormerOwnership.objects.order_by("pk").values_list("merchant__external_id", "owner__external_ref")
    assert list(former) == [("kiln", "ann"), ("mill", None)], "nobody's, too, until it was somebody's"


def test_an_unfit_one_is_said_with_its_place_and_the_others_come_in() -> None:
    partner = make_partner()
    enter(partner, row("kiln"))
    entered = enter(partner, row("barn"), row(""), row("mill", currency="euro"), row("kiln", currency="USD"))
    assert [(place, rejection.reason) for place, rejection in entered.rejections] == [
        (2, MerchantRefusal.MISSING_FIELD),
        (3, MerchantRefusal.BAD_CURRENCY),
        (4, MerchantRefusal.CURRENCY_CHANGED),
    ]
    assert counts(entered) == (1, 0, 0, 3)
    assert dict(Merchant.objects.values_list("external_id", "currency")) == {"kiln": "EUR", "barn": "EUR"}


def test_of_one_sent_twice_in_a_list_the_last_counts() -> None:
    partner = make_partner()
    assert counts(enter(partner, row("kiln", city="Leeds"), row("kiln", city="York"))) == (1, 0, 1, 0)
    assert Merchant.objects.get().city == "York"


def test_an_id_with_white_space_around_it_names_no_new_merchant_but_the_one_it_always_named() -> None:
    partner = make_partner()
    assert [rejection.reason for _, rejection in enter(partner, row("kiln\n")).rejections] == [MerchantRefusal.BAD_TEXT]
    Merchant.objects.create(partner=partner, external_id="m1 ", name="Mill", currency="EUR")
    assert counts(enter(partner, row("m1 ", city="York"))) == (0, 1, 0, 0)


def test_a_merchant_leaves_its_owner_only_when_nobody_judges_by_it() -> None:
    """Red without the owner's lock: a loan that its acceptance is about to make would not count against who left."""
    partner = make_partner()
    enter(partner, row("kiln", owner_ref="ann"))
    [entered] = race(partial(enter, partner, row("kiln")), held=Owner.objects.all())
    assert isinstance(entered, MerchantsEntered)
    assert FormerOwnership.objects.get().owner == Owner.objects.get(external_ref="ann")


def test_one_sent_with_two_currencies_is_refused_and_neither_believed() -> None:
    """Red if the last counted: which one is true, only the partner knows."""
    partner = make_partner()
    entered = enter(partner, row("kiln", currency="USD"), row("barn"), row("kiln", currency="JPY"))
    assert [(place, rejection.reason, rejection.detail) for place, rejection in entered.rejections] == [
        (1, MerchantRefusal.CURRENCY_CONTRADICTS, "sent with JPY and USD"),
        (3, MerchantRefusal.CURRENCY_CONTRADICTS, "sent with JPY and USD"),
    ]
    assert counts(entered) == (1, 0, 0, 2)
    assert [merchant.external_id for merchant in Merchant.objects.all()] == ["barn"]


def test_two_lists_at_once_create_a_merchant_once() -> None:
    """Red without the lock of the partner: the second would meet the constraint and its whole list be refused."""
    partner = make_partner()
    outcomes = race(*[partial(enter, partner, row("kiln"), row("barn"))] * 2, held=Partner.objects.all())
    assert sorted(counts(outcome) for outcome in outcomes if isinstance(outcome, MerchantsEntered)) == [
        (0, 0, 2, 0),
        (2, 0, 0, 0),
    ]


def test_a_stranger_enters_nothing() -> None:
    with pytest.raises(Partner.DoesNotExist):
        enter_merchants(partner_id=404, rows=[row("kiln")], actor=CLERK, now=NOW)
    assert not Merchant.objects.exists()
    assert not OperationEvent.objects.exists()
