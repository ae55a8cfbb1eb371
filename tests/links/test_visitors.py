import pytest
from werkzeug.datastructures import Headers

from service.links.visitors import Visitor, classify
from tests.shop import BROWSER


@pytest.mark.parametrize(
    ("method", "headers", "visitor"),
    [
        ("GET", {"User-Agent": BROWSER}, Visitor.PERSON),
        ("HEAD", {"User-Agent": BROWSER}, Visitor.MACHINE),
        ("GET", {"User-Agent": BROWSER, "Sec-Purpose": "prefetch;prerender"}, Visitor.MACHINE),
        ("GET", {"User-Agent": BROWSER, "x-moz": "prefetch"}, Visitor.MACHINE),
        ("GET", {"User-Agent": BROWSER, "Purpose": "navigate"}, Visitor.PERSON),
        ("GET", {"User-Agent": "WhatsApp/2.23.20.0"}, Visitor.MACHINE),
        ("GET", {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, Visitor.MACHINE),
        ("GET", {"User-Agent": "curl/8.5.0"}, Visitor.DEVELOPER),
        ("GET", {"User-Agent": "python-requests/2.32"}, Visitor.DEVELOPER),
        ("GET", {"User-Agent": ""}, Visitor.MACHINE),
        ("GET", {}, Visitor.MACHINE),
    ],
)
def test_a_follower_is_what_their_request_says(method: str, headers: dict[str, str], visitor: Visitor) -> None:
    assert classify(method, Headers(headers)) is visitor
