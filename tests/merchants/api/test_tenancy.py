"""Lists hold one's own; every address with an id is tried in `tests/lending/api/test_tenancy.py`."""

import pytest

from tests.markets import make_merchants, make_partner
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_lists_hold_ones_own() -> None:
    owner, stranger = make_partner(), make_partner("stranger")
    make_merchants(owner, "kiln")
    make_merchants(stranger, "barn")
    _, page = Api(token_for(stranger)).get("merchants")
    assert [merchant["external_id"] for merchant in page["merchants"]] == ["barn"]


@pytest.mark.parametrize("scopes", ["", "scores:read"])
def test_a_token_does_what_its_scopes_say(scopes: str) -> None:
    partner = make_partner()
    api = Api(token_for(partner, scopes))
    status, problem = api.post("merchants", {"merchants": []})
    assert (status, problem["code"]) == (403, "permission_denied")
