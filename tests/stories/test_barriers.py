"""Every page of the office, light and dark and on a phone, has nothing that axe finds serious."""

import shutil

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from config.declarations import Role
from tests.config.office.one_of_each import make_one_of_each
from tests.config.office.rights import VIEWED
from tests.stories.people import Office, barriers_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


def test_no_page_has_a_serious_barrier(office: Office) -> None:
    keys = make_one_of_each()
    addresses = [reverse("admin:overview")]
    for model in VIEWED:
        addresses += [reverse(f"admin:{model}_changelist"), reverse(f"admin:{model}_change", args=[keys[model]])]
    found = list[str]()
    with office.signed_in(Role.ADMINISTRATOR) as page:
        User.objects.update(is_superuser=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for address in addresses:
                page.goto(page.url.split("/admin/")[0] + address)
                found += barriers_of(page)
    assert not found, sorted(set(found))
