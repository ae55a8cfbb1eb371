"""The page on which a customer shares, as HTTP shows it."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from service.database.engine import Database
from service.sharing import looks, upkeep
from service.sharing.tables import SharePage
from tests.shop import BROWSER, Shop

Address = Callable[..., str]


def text_of(response: Any) -> str:
    """What a reader sees, with single blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def test_a_customer_shares_and_sees_what_has_grown(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program(hold_days=14, friend_reward={"type": "percent", "rate": "10.00", "as": "discount"})
    link = shop.link(program)
    path = address(program)
    assert "Nothing yet" in text_of(client.get(path))
    token = shop.visit(link)
    shop.order("gus", referral=token, customer={"first_name": "Gus"})
    page = client.get(path)
    said = text_of(page)
    assert page.status_code == 200
    assert link["short_url"] in page.text
    assert f"checkout: {link['code']}" in said
    assert "Your link was followed" in said
    assert re.search(r"Ripening · .* Gus ordered: €10\.00 for you, ripe on ", said)
    assert "Still ripening €10.00" in said
    assert "You get €10 as credit for each friend's first order." in said
    assert "It ripens for 14 days after the order." in said
    with time_machine.travel(datetime.now(UTC) + timedelta(days=15), tick=False):
        later = text_of(client.get(address(program)))
    assert "Gus ordered: €10.00 for you, ready to be spent." in later
    assert "Ready to be spent €10.00" in later
    assert "A reward is ripe" in later


def test_an_order_that_named_nobody_is_told_of(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    code = shop.link(program)["code"]
    shop.post("/conversions", {"order_id": "n", "amount": 1, "currency": "EUR", "customer": {}, "referral": code})
    assert "we do not know whose order it was" in text_of(client.get(address(program)))


def test_what_was_spent_given_back_or_refused_is_said(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    link = shop.link(program)
    shop.order("gus", referral=link["code"], customer={"first_name": "Gus"})
    shop.order("ida", referral=link["code"], customer={"first_name": "Ida"}, amount=4000)
    shop.order("kim")
    shop.order("kim", referral=link["code"], customer={"first_name": "Kim"})
    half = shop.order("lou", referral=link["code"], customer={"first_name": "Lou"})
    shop.refund(half, 2500, "half")
    redemption = shop.reserve("ana", 1500)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200, scope="checkout")
    shop.order("gus")
    said = text_of(client.get(address(program)))
    assert "Gus ordered: €10.00, which you have spent." in said
    assert "Ida ordered: €10.00 for you, of which €5.00 is left." in said
    assert "Lou ordered: €5.00 for you, ready to be spent. A part of the order was given back." in said
    assert "One of your friends ordered: Sorry, this offer welcomes customers who are new to us." in said
    assert "Kim" not in said
    assert "Gus came back" in said
    assert "Spent on an order. Enjoy! To be spent then: €10.00 −€15.00" in said


def test_older_orders_are_a_page_further_and_tell_the_same(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    link = shop.link(program)
    for number in range(25):
        shop.order(f"f{number}", referral=link["code"], customer={"first_name": f"Friend{number}"})
    redemption = shop.reserve("ana", 2500)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200, scope="checkout")
    first = client.get(address(program))
    assert first.text.count('<li class="ripe">') == 20
    older = re.search(r'href="[^"]*(/s/[^"]+\?before=[^"#]+)', first.text)
    assert older
    second = client.get(html.unescape(older[1]))
    said = text_of(second)
    assert second.text.count('<li class="ripe">') == 3
    assert "Friend0 ordered: €10.00, which you have spent." in said
    assert "Friend2 ordered: €10.00 for you, of which €5.00 is left." in said
    assert "Earlier ones" not in said


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ([3], "One friend has brought you a reward so far. From friend number 3 on, it is €15."),
        ([2], "One friend has brought you a reward so far. From friend number 2 on, it is €15."),
        ([1], None),
        ([], None),
    ],
)
def test_the_way_to_the_next_tier_is_told(
    shop: Shop, client: FlaskClient, address: Address, tiers: list[int], said: str | None
) -> None:
    better = {"type": "fixed", "amount": 1500}
    program = shop.program(tiers=[{"from_referral": number, "advocate_reward": better} for number in tiers])
    shop.order(referral=shop.link(program)["code"])
    page = text_of(client.get(address(program)))
    assert ("so far" in page) is (said is not None)
    assert said is None or said in page


def test_what_lapses_next_is_told(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program(reward_expiry_days=30)
    shop.order(referral=shop.link(program)["code"])
    said = text_of(client.get(address(program)))
    assert re.search(r"€10\.00 lapses on [A-Z][a-z]{2} \d+, \d{4}, .* unless you spend it before\.", said)


def test_a_code_can_be_chosen_and_the_one_before_goes_on(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    link, path = shop.link(program), address(program)
    page = client.post(f"{path}/code", data={"code": "summer guests"})
    assert page.status_code == 200
    assert "That is your code now" in text_of(page)
    assert shop.get(f"/links/{link['link_id']}")["code"] == "SUMMER-GUESTS"
    assert shop.order(referral=link["code"])["status"] == "attributed"
    assert shop.order(referral="Summerguests")["status"] == "attributed"


@pytest.mark.parametrize(
    ("wish", "status", "why"),
    [
        ("TAKEN", 409, "somebody else has this code"),
        ("a/b?c=d", 422, "4 to 32 letters and digits"),
        ("", 422, "4 to 32 letters and digits"),
        ("x" * 10_000, 422, "4 to 32 letters and digits"),
        ("\x00\x00\x00\x00", 422, "4 to 32 letters and digits"),
        ("FUCK-YOU", 422, "take offence"),
    ],
)
def test_a_code_that_cannot_be_had_is_refused_with_others_that_can(
    shop: Shop, client: FlaskClient, address: Address, wish: str, status: int, why: str
) -> None:
    program = shop.program()
    taken = shop.link(program, "ben")
    shop.patch(f"/links/{taken['link_id']}", {"code": "TAKEN"})
    link, path = shop.link(program), address(program)
    page = client.post(f"{path}/code", data={"code": wish})
    assert (page.status_code, why in text_of(page)) == (status, True)
    assert shop.get(f"/links/{link['link_id']}")["code"] == link["code"]
    suggested = re.findall(r'name="code" value="([^"]+)"', page.text)
    assert suggested
    for code in suggested:
        assert client.post(f"{path}/code", data={"code": code}).status_code == 200


def test_the_message_is_the_customers_own_and_kept_nowhere(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.link(program)
    path = address(program)
    page = client.post(path, data={"message": "Try <b>this</b>,\r\n you & all!"})
    assert page.status_code == 200
    assert "https://wa.me/?text=Try%20%3Cb%3Ethis%3C%2Fb%3E%2C%20you%20%26%20all!%20http" in page.text
    assert "Try <b>this</b>" not in page.text
    assert "Try &lt;b&gt;this&lt;/b&gt;" in page.text
    assert "%3Cb%3E" not in client.get(path).text


@pytest.mark.parametrize("message", ["", "   ", "x" * 501, "x" * 10_000, "a\x00b"])
def test_a_message_that_cannot_be_sent_is_refused(
    shop: Shop, client: FlaskClient, address: Address, message: str
) -> None:
    program = shop.program()
    shop.link(program)
    page = client.post(address(program), data={"message": message})
    assert page.status_code == 422
    assert "Please write 1 to 500 characters." in text_of(page)
    assert "wa.me/?text=Hi" in page.text


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_the_page_speaks_the_customers_language(
    shop: Shop, client: FlaskClient, address: Address, language: str
) -> None:
    program = shop.program()
    shop.link(program, customer={"locale": language})
    page = client.get(address(program), headers={"Accept-Language": "en"})
    assert f'lang="{language}"' in page.text
    assert ("Tell a friend" in page.text) is (language == "en")


def test_names_are_text(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program(name="<script>alert(1)</script>")
    link = shop.link(program, customer={"first_name": "<img src=x onerror=alert(1)>"})
    shop.order(referral=link["code"], customer={"first_name": "<svg onload=alert(1)>"})
    page = client.get(address(program))
    assert "<svg onload" not in page.text
    assert "<img src=x" not in page.text
    assert "<script>alert" not in page.text


def test_a_program_that_rests_or_ended_shows_what_there_is(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.order("gus", referral=shop.link(program)["code"], customer={"first_name": "Gus"})
    for status, said in (("paused", "taking a rest"), ("ended", "nothing to be shared any more")):
        shop.patch(f"/programs/{program['program_id']}", {"status": status})
        page = text_of(client.get(address(program)))
        assert said in page
        assert "Gus ordered" in page
        assert "Tell a friend" not in page


def test_a_customer_of_nothing_and_a_program_that_ended_is_refused(shop: Shop) -> None:
    program = shop.program(status="ended")
    shop.put("/customers/ana", {"first_name": "Ana"}, status=201)
    shop.post("/customers/ana/share-page", {"program_id": program["program_id"]}, status=409)


@pytest.mark.parametrize(
    ("return_url", "fault"),
    [
        ("https://evil.example/", "allowed_hosts"),
        ("https://shop.example.evil.example/", "allowed_hosts"),
        ("javascript:alert(1)", "https"),
        ("//shop.example/", "https"),
        ("https://user:pass@shop.example/", "credentials"),
    ],
)
def test_a_way_back_leads_to_the_shop_alone(shop: Shop, return_url: str, fault: str) -> None:
    program = shop.program()
    shop.link(program)
    body = {"program_id": program["program_id"], "return_url": return_url}
    problem = shop.post("/customers/ana/share-page", body, status=422)
    assert [(error["field"], fault in error["message"]) for error in problem["errors"]] == [("return_url", True)]


def test_the_way_back_is_on_the_page_and_not_in_its_address(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program(allowed_hosts=["www.shop.example"])
    shop.link(program)
    path = address(program, return_url="https://www.shop.example/account?who=ana@mail.example")
    assert "@" not in path
    assert len(path) < 80
    assert 'href="https://www.shop.example/account?who=ana@mail.example"' in client.get(path).text


def test_who_is_unknown_has_no_page(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    other_shop = new_shop()
    program = shop.program()
    body = {"program_id": program["program_id"]}
    shop.post("/customers/nobody/share-page", body, status=404)
    shop.link(program)
    other_shop.post("/customers/ana/share-page", body, status=404)
    other_shop.put("/customers/ana", {"first_name": "Ana"}, status=201)
    other_shop.post("/customers/ana/share-page", body, status=404)
    shop.post("/customers/ana/share-page", body, status=403, scope="marketing")


def test_an_address_is_good_for_a_day_and_says_nothing_afterwards(
    shop: Shop, client: FlaskClient, address: Address, database: Database
) -> None:
    program = shop.program()
    shop.link(program)
    path = address(program)
    tomorrow = datetime.now(UTC) + timedelta(days=1, seconds=1)
    with time_machine.travel(tomorrow, tick=False):
        for asked in (client.get(path), client.post(path, data={"message": "x"}), client.get(f"{path}/qr.svg")):
            assert asked.status_code == 410
            assert "Ana" not in asked.text
            assert "had its day" in asked.text
    upkeep.forget_share_pages(database, tomorrow)
    with database.reading() as session:
        assert session.query(SharePage).filter(SharePage.merchant_id == shop.merchant_id).count() == 0
    assert client.get(path).status_code == 410


@pytest.mark.parametrize("change", [lambda path: path[:-1] + "!", lambda path: path + "A", lambda _: "/s/rubbish.rub"])
def test_an_altered_address_shows_a_kind_word_alone(
    shop: Shop, client: FlaskClient, address: Address, change: Callable[[str], str]
) -> None:
    program = shop.program()
    shop.link(program)
    page = client.get(change(address(program)))
    assert page.status_code == 404
    assert "Sorry" in page.text
    assert "Ana" not in page.text


def test_a_share_page_is_private_to_who_has_it(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program(destination_url="https://shop.example/a", allowed_hosts=["www.shop.example"])
    shop.link(program)
    page = client.get(address(program))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://shop.example https://www.shop.example")
    assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize(
    ("frame", "referrer", "status"),
    [
        ("iframe", "https://shop.example/account", 200),
        ("iframe", "http://localhost:8000/", 200),
        ("iframe", None, 200),
        ("iframe", "https://evil.example/", 403),
        ("document", "https://evil.example/", 200),
    ],
)
def test_a_frame_elsewhere_shows_a_kind_word_alone(
    shop: Shop, client: FlaskClient, address: Address, frame: str, referrer: str | None, status: int
) -> None:
    program = shop.program()
    shop.link(program)
    headers = {"Sec-Fetch-Dest": frame, **({"Referer": referrer} if referrer else {})}
    page = client.get(address(program), headers=headers)
    assert page.status_code == status
    assert ("Ana" in page.text) is (status == 200)


@pytest.mark.parametrize(("origin", "may"), [("https://shop.example", True), ("https://evil.example", False)])
def test_a_script_of_the_shop_may_read_the_page(
    shop: Shop, client: FlaskClient, address: Address, origin: str, may: bool
) -> None:
    program = shop.program()
    shop.link(program)
    page = client.get(address(program), headers={"Origin": origin})
    assert page.headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    assert "Origin" in page.headers["Vary"]


def test_the_qr_code_is_that_of_the_link(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    link = shop.link(program)
    for form in ("svg", "png"):
        picture = client.get(f"{address(program)}/qr.{form}")
        assert picture.data == shop.call("GET", f"/links/{link['link_id']}/qr.{form}").data
    assert client.get(f"{address(program)}/qr.gif").status_code == 404


def test_a_page_that_is_looked_at_makes_no_visit(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.link(program)
    for _ in range(2):
        page = client.get(address(program), headers={"User-Agent": BROWSER})
        assert "Nothing yet" in page.text


def test_a_broken_referrer_of_a_frame_is_elsewhere(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.link(program)
    page = client.get(address(program), headers={"Sec-Fetch-Dest": "iframe", "Referer": "http://["})
    assert page.status_code == 403


def test_the_kind_word_is_shown_wherever_the_page_was(shop: Shop, client: FlaskClient) -> None:
    page = client.get("/s/rubbish")
    assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'self' *")
    assert page.headers["Access-Control-Allow-Origin"] == "*"


def test_where_nothing_is_shared_no_code_is_given_and_no_picture_drawn(
    shop: Shop, client: FlaskClient, address: Address
) -> None:
    program = shop.program()
    link, path = shop.link(program), address(program)
    shop.patch(f"/programs/{program['program_id']}", {"status": "ended"})
    assert client.post(f"{path}/code", data={"code": "SUMMER25"}).status_code == 409
    assert client.get(f"{path}/qr.svg").status_code == 410
    assert shop.get(f"/links/{link['link_id']}")["code"] == link["code"]


def test_there_is_an_end_to_codes_and_no_more_are_suggested(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.link(program)
    path = address(program)
    found = [client.post(f"{path}/code", data={"code": f"SUMMER-{number}{number}"}) for number in range(20)]
    assert {page.status_code for page in found[:19]} == {200}
    assert found[19].status_code == 422
    assert "as many codes as there can be" in text_of(found[19])
    assert 'name="code" value="SUMMER-' not in found[19].text.replace('value="SUMMER-1919"', "")


def test_errors_are_as_private_as_the_page(shop: Shop, client: FlaskClient, address: Address) -> None:
    program = shop.program()
    shop.link(program)
    answer = client.post(address(program), data={"message": "x" * 2_000_000})
    assert answer.status_code == 413
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    with client.get("/sharing/share.js") as script:
        assert script.headers["X-Content-Type-Options"] == "nosniff"
    with client.get("/orchard-share.js") as script:
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_a_database_that_goes_away_amid_the_page_ends_it_kindly(
    shop: Shop, client: FlaskClient, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shop.program()
    shop.link(program)
    path = address(program)

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("select", {}, Exception("away"))

    monkeypatch.setattr(looks, "orders", away)
    page = client.get(path)
    assert page.status_code == 200
    assert "Sorry, we need a moment" in page.text
    assert page.text.rstrip().endswith("</html>")


def test_the_head_is_sent_before_what_takes_longer_is_looked_up(
    shop: Shop, client: FlaskClient, address: Address
) -> None:
    program = shop.program()
    shop.link(program)
    first, rest = client.get(address(program), buffered=False).iter_encoded()
    assert b"share.css" in first
    assert b"<h1>" not in first
    assert b"Your link" in rest
