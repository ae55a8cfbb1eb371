"""PURE: the ways by which people share: plain addresses that open another program with the message filled in."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from service.languages import message
from service.links.followers import VIA


@dataclass(frozen=True, slots=True)
class Channel:
    """One way. name: as it is marked on the link. title: as people call it.

    address: from a message, which holds no link, the link, and a subject, to what opens it.
    """

    name: str
    title: str
    address: Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Way:
    """A way with everything filled in. pattern: the address with PLACE where the message goes, for other words."""

    name: str
    title: str
    address: str
    pattern: str


def _encoded(text: str) -> str:
    """As browsers encode a part of an address, so that the page's script finds it again."""
    return quote(text, safe="!'()*")


def _all_in_one(start: str) -> Callable[[str, str, str], str]:
    """An address to which the message and the link are one text."""
    return lambda said, link, _subject: f"{start}{_encoded(f'{said} {link}')}"


def _apart(start: str, text: str, link: str) -> Callable[[str, str, str], str]:
    """An address with a name for the message and one for the link."""
    return lambda said, url, _subject: f"{start}?{text}={_encoded(said)}&{link}={_encoded(url)}"


SHEET = "share"
"""How a link is marked that goes through the phone's own share sheet."""

PLACE = "{message}"
CHANNELS = (
    Channel("whatsapp", "WhatsApp", _all_in_one("https://wa.me/?text=")),
    Channel("sms", "SMS", _all_in_one("sms:?&body=")),
    Channel(
        "email",
        message("E-mail"),
        lambda said, link, subject: f"mailto:?subject={_encoded(subject)}&body={_encoded(f'{said} {link}')}",
    ),
    Channel("telegram", "Telegram", _apart("https://t.me/share/url", "text", "url")),
    Channel(
        "facebook",
        "Facebook",
        lambda _said, link, _subject: f"https://www.facebook.com/sharer/sharer.php?u={_encoded(link)}",
    ),
    Channel("x", "X", _apart("https://x.com/intent/post", "text", "url")),
    Channel("bluesky", "Bluesky", _all_in_one("https://bsky.app/intent/compose?text=")),
    Channel("mastodon", "Mastodon", _all_in_one("https://share.joinmastodon.org/#text=")),
)
"""Facebook takes the link alone; its preview says the rest."""


def marked(short_url: str, channel: str) -> str:
    """The link, with the way by which it was shared."""
    return f"{short_url}?{VIA}={channel}"


def ways(said: str, short_url: str, subject: str) -> list[Way]:
    """All ways of sharing this message with this link."""
    found = []
    for channel in CHANNELS:
        link = marked(short_url, channel.name)
        address, pattern = (channel.address(words, link, subject) for words in (said, PLACE))
        found.append(Way(channel.name, channel.title, address, pattern))
    return found
