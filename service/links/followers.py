"""PURE: what a visit keeps of who follows a link: enough for statistics, and nothing that tells who somebody is."""

import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from service.links.hosts import Owner
from service.links.visitors import Visitor

Device = Literal["phone", "tablet", "desktop"]
VISITOR_BYTES = 16
NETWORK_BYTES = 6
"""So much of what a visitor is kept as tells their network from others; the rest tells them from others in it."""

OF_NO_NETWORK = bytes(NETWORK_BYTES)
"""Who asks not to be told from others is of no network either."""

IPV6_SUBNET = 64
_WITH_PORT = re.compile(r"\[([^]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
"""An address as some proxies write it."""
LONGEST_HOST = 253
LONGEST_QUERY = 1_000
"""Of the query with which somebody comes: what is behind it is not looked at."""

VIA = "via"
"""The parameter of a shared address that says by which way it was shared: `?via=qr`. It is ours, and not passed on."""

_CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LANGUAGE = re.compile(
    r"\s*([a-z]{2,3})(?:[-_][a-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE
)
_TABLETS = re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.IGNORECASE)
_PHONES = re.compile(r"iphone|ipod|mobile|phone|android|blackberry|midp|symbian", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows: what kind of visitor, and what their browser says. brought: the query that they came with.

    is_private: they asked not to be told from others (Global Privacy Control). at: whose host they came to, if it is a
    shop's own.
    """

    visitor: Visitor
    address: str
    user_agent: str
    brought: str = ""
    accept_language: str = ""
    referrer: str = ""
    is_private: bool = False
    at: Owner | None = None

    def seen_as(self, key: bytes, link_id: UUID) -> bytes:
        """What tells this visitor of a link from another one, to who has the key; it begins alike for one network."""
        network = _digest(key, link_id, self.network)[:NETWORK_BYTES]
        return (network + _digest(key, link_id, self.address, self.user_agent))[:VISITOR_BYTES]

    @property
    def network(self) -> str:
        """Whose the address is: itself, and of IPv6 the subnet that one household or phone has; "" where it is none."""
        said = _WITH_PORT.fullmatch(self.address)
        try:
            address = ipaddress.ip_address((said[1] or said[2]) if said else self.address)
        except ValueError:
            return ""
        if address.version == 4:
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), IPV6_SUBNET), strict=False))


def seen_as_nobody(visit_id: UUID) -> bytes:
    """What a visitor is kept as who asks not to be told from others: of each visit another one."""
    return OF_NO_NETWORK + visit_id.bytes[NETWORK_BYTES:]


def _digest(key: bytes, link_id: UUID, *said: str) -> bytes:
    text = "\n".join((link_id.hex, *said))
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is kept of a visit for statistics."""

    device: Device
    language: str | None
    referring_host: str | None
    channel: str | None


def traits(follower: Follower) -> Traits:
    """What is kept of this follower's visit."""
    return Traits(
        device=device_of(follower.user_agent),
        language=language_of(follower.accept_language),
        referring_host=host_of(follower.referrer),
        channel=channel_of(follower.brought),
    )


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> Device:
    """What kind of machine this browser runs on; a desktop where it says nothing of it."""
    said = user_agent[:LONGEST_QUERY]
    if _TABLETS.search(said) and "iphone" not in said.lower():
        return "tablet"
    return "phone" if _PHONES.search(said) else "desktop"


@lru_cache(maxsize=4096)
def language_of(accept_language: str) -> str | None:
    """The language that a browser asks for first, such as `de`, whatever the country."""
    wanted: tuple[float, str | None] = (0.0, None)
    for part in accept_language[:LONGEST_QUERY].split(","):
        found = _LANGUAGE.fullmatch(part)
        if found and float(found[2] or 1) > wanted[0]:
            wanted = float(found[2] or 1), found[1].lower()
    return wanted[1]


def host_of(referrer: str) -> str | None:
    """The host of the page from which somebody came."""
    try:
        host = urlsplit(referrer).hostname
    except ValueError:
        return None
    return host if host and len(host) <= LONGEST_HOST and host.isascii() and host.isprintable() else None


def channel_of(brought: str) -> str | None:
    """By which way the address was shared, where it says so."""
    said = dict(parse_qsl(brought.replace("?", "&")[:LONGEST_QUERY])).get(VIA, "").lower()
    return said if _CHANNEL.fullmatch(said) else None
