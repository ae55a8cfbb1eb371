"""PURE: the sites of a program: where its shop is, as browsers name it."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def origins_of(destination_url: str, allowed_hosts: Sequence[str]) -> list[str]:
    """The origins of a program's own site and of the other hosts that it allows."""
    parts = urlsplit(destination_url)
    own = f"{parts.scheme}://{parts.netloc}"
    return sorted({own, *(f"https://{host}" for host in allowed_hosts)})
