"""PURE: the sites of a program: where its shop is, as browsers name it."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def origins_of(destination_url: str, allowed_hosts: Sequence[str]) -> list[str]:
    """The origins of a program's own site and of the other hosts that it allows."""
    return sorted({origin_of(destination_url), *(f"https://{host}" for host in allowed_hosts)})


def origin_of(url: str) -> str:
    """The origin of an address that has a host: in small letters, and without the port that goes without saying."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    is_usual = parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme))
    return f"{parts.scheme}://{named}" if is_usual else f"{parts.scheme}://{named}:{parts.port}"
