"""PURE: the hosts of shops' own under which links are followed, such as `friends.shop.example`."""

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

LONGEST = 200
HOST = re.compile(r"^(?!-)([a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)\Z")
RECORD, PREFIX = "_orchard", "orchard="

DomainStatus = Literal["pending", "verified"]
"""Whether it was shown that the host is the shop's."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose links are followed under a host."""

    merchant_id: UUID
    program_id: UUID


def fault_of_host(host: str, *, ours: str | None) -> str | None:
    """For a host under which a shop wants its links to be followed. ours: the service's own."""
    if len(host) > LONGEST or not HOST.match(host) or host.rpartition(".")[2].isdigit():
        return "It is a host's name in small ASCII letters, such as friends.shop.example."
    if ours is not None and (host == ours or host.endswith(f".{ours}")):
        return "It is the service's own."
    return None


def record_name(host: str) -> str:
    """The name of the TXT record that shows whose the host is."""
    return f"{RECORD}.{host}"


def record_value(secret: str) -> str:
    """What the record must say."""
    return f"{PREFIX}{secret}"
