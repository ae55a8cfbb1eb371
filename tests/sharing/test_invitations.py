"""What a customer may tell friends, and by which way."""

from dataclasses import replace
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from service.brands.looks import Look
from service.formats import formats_for
from service.languages import KNOWN
from service.links.greetings import Offer, greet
from service.programs.sites import origins_of
from service.programs.terms import Terms, terms_of
from service.sharing.channels import CHANNELS, ways
from service.sharing.embedding import is_elsewhere, may_read, policy
from service.sharing.invitations import invitation, progress, promises, subject

ENGLISH = formats_for("en")
FIXED: dict[str, Any] = {"type": "fixed", "amount": 1000, "as": "credit"}
PERCENT: dict[str, Any] = {"type": "percent", "rate": "10.00", "max_amount": None, "as": "credit"}


def terms(**fields: Any) -> Terms:
    return terms_of({"currency": "EUR", "advocate_reward": FIXED, **fields})


def offer(of: Terms | None) -> Offer:
    return Offer(Look("Acme"), "Ana", "ANA-7K3F", of, None, UTC, "en")


@pytest.mark.parametrize(
    ("friend_reward", "is_for_new", "said"),
    [
        (None, True, "Hi! I like to shop at Acme, and thought that you might too:"),
        ({**FIXED, "as": "discount"}, True, "With this link you get €10 off your first order:"),
        ({**FIXED, "as": "discount"}, False, "With this link you get €10 off your order:"),
        (FIXED, True, "Order with this link, and you get €10 credit for your next order:"),
        (PERCENT, True, "Order with this link, and you get 10% of your first order back as credit:"),
        (PERCENT, False, "Order with this link, and you get 10% of your order back as credit:"),
    ],
)
def test_an_invitation_promises_what_the_links_page_does(
    friend_reward: dict[str, Any] | None, is_for_new: bool, said: str
) -> None:
    of = offer(terms(friend_reward=friend_reward, new_customers_only=is_for_new))
    assert invitation(of, ENGLISH).endswith(said)
    if friend_reward:
        gift = "10%" if friend_reward is PERCENT else "€10"
        assert gift in greet(of, ENGLISH).title


def test_where_nothing_is_given_nothing_is_promised() -> None:
    assert "you get" not in invitation(offer(None), ENGLISH)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"advocate_reward": None}, ["This program thanks your friends, and you by their joy."]),
        ({"hold_days": 0}, ["You get €10 as credit for each friend's first order."]),
        (
            {"hold_days": 1, "rewarded_orders": None, "advocate_reward": PERCENT},
            ["You get 10% of the order as credit for every order of your friends.", "It ripens for one day after"],
        ),
        (
            {
                "hold_days": 0,
                "rewarded_orders": 3,
                "max_rewards_per_advocate": 5,
                "reward_expiry_days": 90,
                "tiers": [{"from_referral": 5, "advocate_reward": {**FIXED, "amount": 1500}}],
            },
            [
                "You get €10 as credit for each of a friend's first 3 orders.",
                "From friend number 5 on, it is €15.",
                "You can be rewarded for up to 5 friends.",
                "Credit that is not spent lapses 90 days later.",
            ],
        ),
    ],
)
def test_what_the_advocate_gets_is_said_in_short_sentences(fields: dict[str, Any], said: list[str]) -> None:
    found = list(promises(terms(**fields), ENGLISH))
    assert len(found) == len(said)
    assert all(one.startswith(beginning) for one, beginning in zip(found, said, strict=True))


def test_progress_tells_of_the_tier_to_come_alone() -> None:
    tiers = [{"from_referral": number, "advocate_reward": {**FIXED, "amount": 1000 + number}} for number in (3, 5)]
    of = terms(tiers=tiers)
    assert (
        progress(of, 1, ENGLISH) == "One friend has brought you a reward so far. From friend number 3 on, it is €10.03."
    )
    assert "From friend number 3 on" in str(progress(of, 2, ENGLISH))
    assert "From friend number 5 on" in str(progress(of, 4, ENGLISH))
    assert progress(of, 5, ENGLISH) is None
    assert progress(of, 0, ENGLISH) is None
    assert progress(replace(of, tiers=()), 1, ENGLISH) is None


@pytest.mark.parametrize("language", KNOWN)
def test_every_way_carries_the_words_and_the_link_marked(language: str) -> None:
    reader = formats_for(language)
    of = offer(terms(friend_reward={**PERCENT, "as": "discount"}))
    said = invitation(of, reader)
    found = ways(said, "https://o.example/c/acme/ANA-7K3F", subject(of, reader))
    assert [way.name for way in found] == [channel.name for channel in CHANNELS]
    for way in found:
        link = f"https://o.example/c/acme/ANA-7K3F?via={way.name}"
        address = unquote(way.address)
        assert unquote(way.pattern).replace("{message}", said) == address
        assert link in address
        assert (said in address) is (way.name != "facebook")
    telegram = parse_qs(urlsplit(next(way.address for way in found if way.name == "telegram")).query)
    assert telegram == {"text": [said], "url": ["https://o.example/c/acme/ANA-7K3F?via=telegram"]}
    letter = parse_qs(urlsplit(next(way.address for way in found if way.name == "email")).query)
    assert letter["subject"] == [subject(of, reader)]


def test_words_cannot_become_a_part_of_the_address() -> None:
    said = "a&url=https://evil.example#x?y=z\r\nBcc: all"
    for way in ways(said, "https://o.example/c/a/B", "x&bcc=all"):
        query = parse_qs(urlsplit(way.address.replace("#text=", "?text=").replace("sms:?&", "sms:?")).query)
        assert set(query) <= {"text", "url", "u", "body", "subject"}
        assert "evil.example" not in query.get("url", [""])[0]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://SHOP.example/x", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("https://shop.example:8443/", "https://shop.example:8443"),
        ("http://localhost:80/", "http://localhost"),
        ("https://[::1]:8000/x", "https://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origins_of(url, []) == [origin]


def test_a_page_is_shown_at_its_programs_sites_alone() -> None:
    known = origins_of("http://localhost:8000/demo", ["www.shop.example", "shop.example"])
    assert known == ["http://localhost:8000", "https://shop.example", "https://www.shop.example"]
    assert policy(known).endswith(f"frame-ancestors 'self' {' '.join(known)}")
    assert may_read("https://shop.example", known)
    assert not may_read("https://shop.example.evil.example", known)
    frame = {"Sec-Fetch-Dest": "iframe"}
    ours = "https://o.example"
    assert is_elsewhere({**frame, "Referer": "https://evil.example/shop.example"}, known, ours)
    assert not is_elsewhere({**frame, "Referer": "https://shop.example/x"}, known, ours)
    assert not is_elsewhere({**frame, "Referer": "https://o.example/x"}, known, ours)
    assert not is_elsewhere(frame, known, ours)
    assert is_elsewhere({**frame, "Referer": "http://["}, known, ours)
    assert not is_elsewhere({**frame, "Referer": "https://o.example/x"}, known, "https://o.example:443/base")
    assert not is_elsewhere({"Referer": "https://evil.example/"}, known, ours)
