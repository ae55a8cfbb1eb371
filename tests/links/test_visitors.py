"""Who follows a link: every web view of every maker is a person, and a machine that says what it is is none."""

import re
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from service.links.visitors import Visitor, classify
from tests.shop import BROWSER

TABLE = Path(__file__).resolve().parents[2] / "docs" / "visitors.md"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
ANDROID = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.58 Mobile Safari/537.36 "
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
PERSONS = (
    f"{IPHONE}Mobile/22G100 Safari/604.1 MetaIAB Facebook",
    f"{IPHONE}Mobile/22F76 [FBAN/FBIOS;FBAV/510.0.0.36;FBDV/iPhone15,3;FBMD/iPhone;FBSN/iOS]",
    f"{IPHONE}Mobile/15E148 Instagram 380.0.0.28.104 (iPhone15,3; iOS 18_5; en_US; scale=3.00)",
    f"{IPHONE}Mobile/15E148 Snapchat/13.40.0.44 (like Safari/8620.2.4, panda)",
    f"{IPHONE}Mobile/15E148 [LinkedInApp]/9.30.4115",
    f"{IPHONE}Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN",
    f"{IPHONE}Mobile/15E148 Safari Line/15.9.0 LIFF",
    f"{IPHONE}Version/18.5 Mobile/15E148 Safari/604.1 Viber/25.1.0",
    f"Mozilla/5.0 (Linux; Android 15; PJZ110 Build/AP3A.240617.008; wv) {ANDROID}MicroMessenger/8.0.58",
    f"Mozilla/5.0 (Linux; Android 15; 2407FRK8EC Build/AP3A.240905.015.A2; wv) {ANDROID}[FB_IAB/FB4A;FBAV/511.0;]",
    f"Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG POWER Build/UP1A.231005.007; wv) {ANDROID}",
    f"Mozilla/5.0 (Linux; Android 10; SM-G960F) {ANDROID}TikTok 40.2.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {ANDROID}Pinterest for Android",
    f"Mozilla/5.0 (Linux; Android 13; moto g54) {ANDROID}GSA/15.30.29",
    f"{DESKTOP}Chrome/138.0.0.0 Safari/537.36 Edg/138.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; en) Presto/2.12.423 Version/12.16",
)
MACHINES = {
    "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)": Visitor.PREVIEW,
    "LinkPreview/1.5 (http://linkpreview.net)": Visitor.PREVIEW,
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": Visitor.PREVIEW,
    "WhatsApp/2.24.6.77 A": Visitor.PREVIEW,
    "TelegramBot (like TwitterBot)": Visitor.PREVIEW,
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5": Visitor.PREVIEW,
    "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))": Visitor.SCANNER,
    "Barracuda Sentinel (EE)": Visitor.SCANNER,
    f"{DESKTOP}Chrome/120.0 Safari/537.36 Mimecast": Visitor.SCANNER,
    "Googlebot/2.1 (+http://www.google.com/bot.html)": Visitor.BOT,
    f"{DESKTOP}HeadlessChrome/130.0.0.0 Safari/537.36": Visitor.BOT,
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)": Visitor.BOT,
    "okhttp/4.12.0": Visitor.BOT,
    "Java/17.0.2": Visitor.BOT,
    "": Visitor.BOT,
    "curl/8.5.0": Visitor.DEVELOPER,
    "python-requests/2.32": Visitor.DEVELOPER,
}


@pytest.mark.parametrize("agent", PERSONS)
def test_every_browser_and_every_web_view_is_a_person(agent: str) -> None:
    assert classify("GET", Headers({"User-Agent": agent})) is Visitor.PERSON


@pytest.mark.parametrize(("agent", "visitor"), MACHINES.items())
def test_a_machine_that_says_what_it_is_is_none(agent: str, visitor: Visitor) -> None:
    assert classify("GET", Headers({"User-Agent": agent})) is visitor


@pytest.mark.parametrize(
    ("method", "headers", "visitor"),
    [
        ("GET", {}, Visitor.PERSON),
        ("HEAD", {}, Visitor.BOT),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, Visitor.PREFETCH),
        ("GET", {"x-moz": "prefetch"}, Visitor.PREFETCH),
        ("GET", {"Purpose": "navigate"}, Visitor.PERSON),
    ],
)
def test_a_browser_that_only_asks_ahead_is_no_person_yet(
    method: str, headers: dict[str, str], visitor: Visitor
) -> None:
    assert classify(method, Headers({"User-Agent": BROWSER, **headers})) is visitor
    assert visitor.is_machine == (visitor is not Visitor.PERSON)
    assert not Visitor.DEVELOPER.is_machine


def test_what_is_far_too_long_is_looked_at_no_further() -> None:
    assert classify("GET", Headers({"User-Agent": BROWSER + " " * 5_000 + "bot"})) is Visitor.PERSON


def test_the_table_of_the_docs_is_true() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| `([^`]+)` \|", TABLE.read_text(), re.M)
    assert {kind for kind, _ in rows} == set(Visitor) - {"prefetch"}
    for kind, agent in rows:
        assert classify("GET", Headers({"User-Agent": agent})) == kind, agent
