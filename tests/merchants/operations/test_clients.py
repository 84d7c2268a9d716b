from io import StringIO

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import call_command
from django.core.management.base import CommandError
from oauth2_provider.models import Application

from config.office.models import OperationEvent
from merchants.models import Partner, PartnerClient
from merchants.operations.clients import create_partner_client
from tests.conftest import CLERK, NOW
from tests.markets import make_partner

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_secret_is_kept_nowhere_but_as_a_hash() -> None:
    """Red if the event, or the row, held it: neither is ever erased."""
    partner = make_partner()
    made = create_partner_client(partner_id=partner.pk, actor=CLERK, now=NOW)
    application = Application.objects.get(client_id=made.client_id)
    assert check_password(made.client_secret, application.client_secret)
    assert made.client_secret not in application.client_secret
    assert (application.client_type, application.authorization_grant_type) == ("confidential", "client-credentials")
    event = OperationEvent.objects.get(name="merchants.create_partner_client")
    assert event.after == {"client_id": made.client_id}
    assert PartnerClient.objects.get().partner == partner


def test_a_new_client_leaves_the_old_one_working() -> None:
    partner = make_partner()
    first, second = (create_partner_client(partner_id=partner.pk, actor=CLERK, now=NOW) for _ in range(2))
    assert first.client_id != second.client_id
    assert partner.clients.count() == 2
    secrets = dict(Application.objects.values_list("client_id", "client_secret"))
    assert check_password(first.client_secret, secrets[first.client_id])


def test_the_client_of_a_stranger_is_not_made() -> None:
    with pytest.raises(Partner.DoesNotExist):
        create_partner_client(partner_id=404, actor=CLERK, now=NOW)
    assert not Application.objects.exists()


def test_the_command_prints_both_and_names_the_known_partners_else() -> None:
    make_partner()
    output = StringIO()
    call_command("create_partner_client", "bazaar", stdout=output)
    said = dict(line.split("=", 1) for line in output.getvalue().split())
    application = Application.objects.get(client_id=said["client_id"])
    assert check_password(said["client_secret"], application.client_secret)
    with pytest.raises(CommandError, match=r"no partner souk \(known: bazaar\)"):
        call_command("create_partner_client", "souk")
