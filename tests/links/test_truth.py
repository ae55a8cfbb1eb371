"""A page, a card and a quote promise what an order that is placed now would be given, and nothing else."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.shop import FIXED, TEN_PERCENT, Shop

CARD = {"User_Agent": "WhatsApp/2.23.20.0"}
GIFTS = {
    "credit": FIXED,
    "discount": {**TEN_PERCENT, "as": "discount", "max_amount": None},
    "nothing": None,
}
TOLD = {
    "credit": "Ana gives you €10 credit for your next order at Acme",
    "discount": "Ana gives you 10% off your first order at Acme",
    "nothing": "Ana recommends Acme to you",
}


def told(shop: Shop, link: dict[str, Any], **headers: str) -> str:
    answer = shop.follow(link, **{"Accept_Language": "en", **headers})
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def title(text: str) -> str:
    return re.findall("<h1>(.*?)</h1>", text)[0]


def conditions(text: str) -> list[str]:
    return re.findall("<li>(.*?)</li>", text)


@pytest.mark.parametrize("gift", GIFTS)
@pytest.mark.parametrize("state", ["active", "paused", "capped"])
def test_what_is_promised_is_what_an_order_is_given(shop: Shop, gift: str, state: str) -> None:
    program = shop.program(landing="page", friend_reward=GIFTS[gift], max_rewards_per_advocate=1)
    link = shop.link(program)
    if state == "capped":
        shop.order("first", referral=link["code"])
    if state == "paused":
        shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    page, card = told(shop, link), told(shop, link, **CARD)
    asked = {"referral": link["code"], "amount": 5000, "currency": "EUR"}
    quoted = shop.post("/quotes", asked, status=200)
    ordered = shop.order("ben", referral=quoted["quote"] or link["code"])
    given = [reward for reward in ordered["rewards"] if reward["side"] == "friend"]
    assert title(page) == title(card) == TOLD[gift if given else "nothing"]
    assert bool(given) == bool(quoted["friend_reward"]) == (gift != "nothing" and state != "paused")
    assert (link["code"] in page) == (link["code"] in card) == bool(given)
    assert bool(conditions(page)) == bool(given)
    assert f'content="{TOLD[gift if given else "nothing"]}"' in card


def test_the_moment_until_which_it_holds_is_the_one_until_which_it_does(shop: Shop) -> None:
    link = shop.link(shop.program(landing="page", attribution_window_days=2))
    followed_at = datetime(2026, 11, 5, 10, 50, tzinfo=UTC)
    with time_machine.travel(followed_at) as clock:
        page = told(shop, link)
        assert "Order by Nov 7, 2026, 10:50\u202fAM (UTC)." in conditions(page)
        assert not [said for said in conditions(told(shop, link, **CARD)) if "Order by" in said]
        visit = re.findall(r"referral=([^\"&#]+)", page)[0]
        clock.move_to(followed_at + timedelta(days=2, seconds=-1))
        assert shop.order("ben", referral=visit)["status"] == "attributed"
        clock.move_to(followed_at + timedelta(days=2))
        assert shop.order("cyd", referral=visit)["reasons"] == ["outside_window"]


def test_where_the_link_expires_before_that_it_holds_until_then(shop: Shop) -> None:
    with time_machine.travel(datetime(2026, 11, 5, 10, 50, tzinfo=UTC)):
        link = shop.link(shop.program(landing="page"), expires_at="2026-11-06T08:00:00Z")
        for text in (told(shop, link), told(shop, link, **CARD)):
            assert "Order by Nov 6, 2026, 8:00\u202fAM (UTC)." in conditions(text)


def test_a_destination_that_was_allowed_is_asked_about_again(shop: Shop) -> None:
    program = shop.program(allowed_hosts=["other.example"])
    link = shop.link(program, destination_url="https://other.example/tea")
    assert shop.follow(link).headers["Location"].startswith("https://other.example/tea?")
    shop.patch(f"/programs/{program['program_id']}", {"allowed_hosts": []})
    assert shop.follow(link).headers["Location"].startswith("https://shop.example/welcome?")


@pytest.mark.parametrize(
    ("accept", "locale", "language"),
    [
        ("de-AT,en;q=0.5", "fr", "de"),
        ("xx", "fr", "fr"),
        ("", "ar-EG", "ar"),
        ("", None, "en"),
        ("*", "tlh", "en"),
    ],
)
def test_a_friend_is_spoken_to_in_their_language_then_in_the_advocates(
    shop: Shop, accept: str, locale: str | None, language: str
) -> None:
    person = {"locale": locale} if locale else {}
    link = shop.link(shop.program(landing="page"), customer=person)
    text = shop.follow(link, Accept_Language=accept).text
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in text


def test_a_card_is_in_the_language_of_who_shares_it_whatever_the_machine_asks_for(shop: Shop) -> None:
    link = shop.link(shop.program(), customer={"locale": "de-DE"})
    text = told(shop, link, **CARD)
    assert 'lang="de"' in text
    assert "Ana schenkt dir 10\xa0€ Guthaben für deine nächste Bestellung bei Acme" in text


@pytest.mark.parametrize(
    ("language", "said"), [("de", "Leider"), ("fr", "Désolé"), ("es", "Lo sentimos"), ("ar", "عذرًا")]
)
def test_what_did_not_work_is_said_in_their_language_too(shop: Shop, language: str, said: str) -> None:
    program = shop.program()
    link = shop.link(program)
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    for path in (link["url"].partition("/r/")[2], "x.y"):
        text = shop.follow({"url": f"/r/{path}"}, Accept_Language=language).text
        assert said in text
        assert f'lang="{language}"' in text


def test_the_customers_texts_are_in_their_language(shop: Shop) -> None:
    link = shop.link(shop.program(), customer={"locale": "de-DE"})
    order = shop.order("ben", referral=link["code"], customer={"locale": "es"})
    explained = shop.get(f"/conversions/{order['conversion_id']}/explanation")
    assert explained["customer_text"] == "¡Gracias! Este pedido llegó por una recomendación. La recompensa ha llegado."
    said = [entry["text"] for entry in shop.get("/customers/ana/statement")["data"]]
    assert "Danke! Eine Belohnung wurde verdient und reift." in said
    answer = shop.call("GET", "/customers/ben/statement", Accept_Language="fr")
    assert "Thank" not in answer.text


def test_a_discount_here_and_credit_there_are_told_apart(shop: Shop) -> None:
    dollars = {"friend_reward": {"type": "fixed", "amount": 900}}
    both = shop.program(
        landing="page", hold_days=30, friend_reward={**FIXED, "as": "discount"}, other_currencies={"USD": dollars}
    )
    said = conditions(told(shop, shop.link(both)))
    assert "In other currencies: $9 as credit." in said
    assert "Credit can be spent 30 days after the order." in said
    alone = shop.program(landing="page", friend_reward=None, other_currencies={"USD": dollars})
    assert title(told(shop, shop.link(alone))) == "Ana gives you $9 credit for your next order at Acme"


def test_one_order_is_one_order(shop: Shop) -> None:
    program = shop.program(landing="page", new_customers_only=False)
    assert "It holds for one order." in conditions(told(shop, shop.link(program)))


def test_a_link_that_has_ended_says_so_in_the_advocates_language_too(shop: Shop) -> None:
    link = shop.link(shop.program(), customer={"locale": "de"})
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    for agent in ({}, CARD):
        assert "Leider" in shop.follow(link, Accept_Language="ja", **agent).text
