"""Nobody is led anywhere but where a program leads, whatever is tried, and nothing changes what the shop is told."""

import itertools
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.shop import BROWSER, Shop

EVIL = "evil.example"
HOSTS = (
    f"https://{EVIL}",
    f"//{EVIL}",
    f"///{EVIL}",
    f"\\\\{EVIL}",
    f"/\\{EVIL}",
    f"https:{EVIL}",
    f"https:/{EVIL}",
    f"https:\\\\{EVIL}",
    f"https://shop.example@{EVIL}",
    f"https://shop.example:x@{EVIL}",
    f"https://{EVIL}#shop.example",
    f"https://{EVIL}?shop.example",
    f"https://{EVIL}\\.shop.example",
    f"https://{EVIL}%00.shop.example",
    f"https://{EVIL}%2f.shop.example",
    f"https://shop.example.{EVIL}",
    f"https://shopexample.{EVIL}",
    f"https://shop.example%40{EVIL}",
    f"https://shop.example\t@{EVIL}",
    f"https://shop.example\r\nLocation: https://{EVIL}",
    f"https://[shop.example]@{EVIL}",
    f"javascript://shop.example/%0aalert(1)//{EVIL}",
    f"data:text/html,{EVIL}",
    f"ftp://{EVIL}",
    f"https://{EVIL}.",
    f"https://shop.example。{EVIL}",
    f"https://{EVIL}／@shop.example",
    f"https://{EVIL}\u2028shop.example",
    f"HTTPS://{EVIL}",
    f"  https://{EVIL}",
)
PLACES = (
    "/r/{token}/{evil}",
    "/r/{token}?{evil}",
    "/r/{token}?referral={evil}",
    "/r/{token}?url={evil}&next={evil}",
    "/r/{token}&referral={evil}",
    "/r/{evil}/{token}",
    "/c/{slug}/{code}/{evil}",
    "/c/{slug}/{code}?referral={evil}",
    "/c/{evil}/{code}",
)


def test_two_hundred_tricks_lead_nowhere_else(shop: Shop) -> None:
    link = shop.link(shop.program())
    token, (_, _, slug, code) = link["url"].partition("/r/")[2], urlsplit(link["short_url"]).path.split("/")
    tried = 0
    for place, evil in itertools.product(PLACES, HOSTS):
        path = place.format(token=token, slug=slug, code=code, evil=quote(evil, safe="/?=&#%:@"))
        answer = shop._send(path, method="GET", headers={"User-Agent": BROWSER, "Host": "localhost"})
        tried += 1
        assert answer.status_code in (302, 404, 400, 308), path
        location = answer.headers.get("Location")
        if location is None:
            assert f'href="https://{EVIL}' not in answer.text
            continue
        parts = urlsplit(location)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "shop.example", "/welcome"), path
        [referral] = parse_qs(parts.query)["referral"]
        assert EVIL not in referral
        assert not set("\r\n\t\\ ") & set(location), path
    assert tried > 200


@pytest.mark.parametrize("evil", HOSTS)
def test_no_link_is_made_that_leads_elsewhere(shop: Shop, evil: str) -> None:
    program = shop.program()
    body = {"program_id": program["program_id"], "customer": {"customer_id": "ana"}, "destination_url": evil}
    answer = shop.call("POST", "/links", body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("host", [EVIL, "localhost:99999", "shop.example", "a b", "[::1", "x" * 300])
def test_a_host_that_lies_changes_no_address(shop: Shop, host: str) -> None:
    link = shop.link(shop.program(landing="page"))
    path = urlsplit(link["url"]).path
    answer = shop._send(path, method="GET", headers={"User-Agent": BROWSER, "Host": host})
    assert EVIL not in answer.text
    assert EVIL not in answer.headers.get("Location", "")
