from uuid import UUID

import pytest

from service.links.followers import Follower, channel_of, device_of, host_of, language_of, seen_as_nobody, traits
from service.links.visitors import Visitor

LINK, OTHER = UUID(int=1), UUID(int=2)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (IPHONE, "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0", "desktop"),
        ("", "desktop"),
        ("x" * 100_000, "desktop"),
    ],
)
def test_what_somebody_holds_in_their_hand(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en;q=0.2, AR-eg ;q=0.8", "ar"),
        ("*", None),
        ("", None),
        ("fr;q=0", None),
        ("zh-Hant-TW", "zh"),
        ("x" * 8_000, None),
        ("de;q=x,fr", "fr"),
    ],
)
def test_the_language_that_they_like_best(said: str, language: str | None) -> None:
    assert language_of(said) == language


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.instagram.com/ana?secret=1", "www.instagram.com"),
        ("android-app://org.telegram.messenger/", "org.telegram.messenger"),
        ("", None),
        ("https://[broken", None),
        ("https://ana@example.com:8080/x", "example.com"),
        (f"https://{'x' * 300}.example/", None),
        ("https://exa mple\u0000.com/", None),
    ],
)
def test_of_where_they_come_from_the_host_alone_is_kept(referrer: str, host: str | None) -> None:
    assert host_of(referrer) == host


@pytest.mark.parametrize(
    ("brought", "channel"),
    [
        ("via=qr", "qr"),
        ("&utm_source=x?via=QR", "qr"),
        ("via=a b", None),
        ("via=" + "x" * 41, None),
        ("via=%00", None),
        ("", None),
    ],
)
def test_by_which_way_an_address_was_shared(brought: str, channel: str | None) -> None:
    assert channel_of(brought) == channel


def test_a_visitor_is_the_same_for_one_link_and_one_key_alone() -> None:
    ana = Follower(Visitor.PERSON, "192.0.2.1", IPHONE)
    again = Follower(Visitor.PERSON, "192.0.2.1", IPHONE, brought="via=qr", referrer="https://x.example/")
    seen = ana.seen_as(b"today", LINK)
    assert len(seen) == 16
    assert again.seen_as(b"today", LINK) == seen
    others = [
        ana.seen_as(b"tomorrow", LINK),
        ana.seen_as(b"today", OTHER),
        Follower(Visitor.PERSON, "192.0.2.2", IPHONE).seen_as(b"today", LINK),
        Follower(Visitor.PERSON, "192.0.2.1", IPHONE + "\udcff").seen_as(b"today", LINK),
    ]
    assert len({seen, *others}) == 5


def test_what_is_kept_of_a_visit() -> None:
    follower = Follower(Visitor.PERSON, "192.0.2.1", IPHONE, "via=qr", "de", "https://chat.example/ana")
    kept = traits(follower)
    assert (kept.device, kept.language, kept.referring_host, kept.channel) == ("phone", "de", "chat.example", "qr")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.1:40001", "192.0.2.1"),
        ("[2001:db8:1:2::9]:40001", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("unknown1", ""),
    ],
)
def test_whose_an_address_is(address: str, network: str) -> None:
    assert Follower(Visitor.PERSON, address, IPHONE).network == network


def test_visitors_of_one_network_begin_alike() -> None:
    one, another, elsewhere = (
        Follower(Visitor.PERSON, address, IPHONE).seen_as(b"today", LINK)
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    )
    assert one[:6] == another[:6] != elsewhere[:6]
    assert one != another
    assert seen_as_nobody(LINK) == bytes(6) + LINK.bytes[6:]
