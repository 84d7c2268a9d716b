"""Another partner's ids are as good as none: tried on every address that the URL map knows."""

import json
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.urls import URLPattern, get_resolver

from tests.markets import make_merchants, make_partner, receive, sale
from tests.partners import Api, token_for

pytestmark = pytest.mark.django_db(transaction=True)
# What each parameter of an address is called by its owner; a new parameter turns the test red.
IDS = {"external_id": "kiln", "number": "batch_1"}
# Fit for every address: nothing is refused for its form.
BODY = {"number": "GB82WEST12345698765432", "holder": "Blue Kiln"}
READ_OR_WRITE = ("get", "post", "put", "patch", "delete")


def addresses() -> Iterator[tuple[str, tuple[str, ...], object]]:
    for found in get_resolver().url_patterns:
        if str(found.pattern) != "api/v1/" or isinstance(found, URLPattern):
            continue
        for pattern in found.url_patterns:
            parameters = tuple(pattern.pattern.converters)
            path = str(pattern.pattern)
            for name in parameters:
                converter = path[: path.index(f":{name}>")].rpartition("<")[2]
                path = path.replace(f"<{converter}:{name}>", IDS[name])
            yield path, parameters, getattr(pattern.callback, "view_class", None)


def everything() -> dict[str, list[tuple[object, ...]]]:
    return {
        model._meta.label: list(model._meta.base_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.app_label in {"merchants", "scoring", "office"}
    }


def test_a_stranger_finds_nothing_and_changes_nothing() -> None:
    owner, stranger = make_partner(), make_partner("stranger")
    make_merchants(owner, "kiln")
    receive(owner, [sale("1")])
    mine, theirs = Api(token_for(owner)), Api(token_for(stranger))
    before = everything()
    tried = 0
    for path, parameters, view in addresses():
        if not parameters:
            continue
        for method in READ_OR_WRITE:
            if not hasattr(view, method):
                continue
            reply = (
                getattr(theirs.client, method)(
                    f"/api/v1/{path}", json.dumps(BODY), content_type="application/json", headers=theirs.headers
                )
                if method != "get"
                else theirs.client.get(f"/api/v1/{path}", headers=theirs.headers)
            )
            assert reply.status_code == 404, (method, path)
            assert reply.json()["code"] == "not_found"
            tried += 1
    assert tried >= 4
    assert everything() == before
    assert mine.get("merchants/kiln")[0] == 200
    assert mine.get("batches/batch_1")[0] == 200


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


@pytest.mark.parametrize("token", [None, "nonsense", "x" * 5_000])
def test_nobody_comes_in_without_a_token(token: str | None) -> None:
    for path, _, view in addresses():
        if hasattr(view, "scopes"):
            reply = Api(token).client.get(f"/api/v1/{path}", headers=Api(token).headers)
            assert reply.status_code in {401, 405}
            assert reply.headers["Content-Type"] == "application/problem+json"
