import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.office.origin import address_of, current_address, remember_address

PROXY, CLIENT, LIE = "10.0.0.1", "203.0.113.7", "198.51.100.9"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, PROXY),
        (0, CLIENT, PROXY),
        (1, CLIENT, CLIENT),
        (1, f"{LIE}, {CLIENT}", CLIENT),
        (2, f"{LIE}, {CLIENT}, 10.0.0.2", CLIENT),
        (2, CLIENT, PROXY),  # it went past one of them
        (1, None, None),
        (1, "unknown", None),
        (1, "2001:db8::0001", "2001:db8::1"),
    ],
)
def test_a_client_is_believed_only_as_far_as_our_proxies_go(
    proxies: int, forwarded: str | None, address: str | None
) -> None:
    """Red if the header's first address were taken: whoever asks could write any there."""
    meta = {"REMOTE_ADDR": PROXY} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    assert address_of(meta, proxies=proxies) == address


def test_a_server_on_a_socket_knows_no_address() -> None:
    assert address_of({"REMOTE_ADDR": ""}, proxies=0) is None


def test_an_address_is_forgotten_with_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if a thread kept it: what it does next would be another's."""
    monkeypatch.setattr(settings, "PROXIES", 0)
    seen = list[str | None]()

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(current_address())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        remember_address(view)(RequestFactory(REMOTE_ADDR=CLIENT).get("/"))
    assert (seen, current_address()) == ([CLIENT], None)
