"""PURE: slugs, by which a shop is named in addresses: `/c/<slug>/<code>`."""

import re

from anyascii import anyascii

LONGEST = 40
SLUG = re.compile(r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")
NAMELESS = "shop"


def slug_of(name: str) -> str:
    """What a shop of this name is called in addresses, such as `tea-and-more` for `Tea & more`."""
    spelt = anyascii(name).lower().replace("&", " and ")
    words = re.findall("[a-z0-9]+", spelt.replace("'", ""))
    return "-".join(words)[:LONGEST].strip("-") or NAMELESS


def next_to(slug: str, number: int) -> str:
    """Another one beside it, for the number-th shop of that name, such as `acme-2`."""
    ending = f"-{number}"
    return slug[: LONGEST - len(ending)].rstrip("-") + ending


def fault_of_slug(slug: str) -> str | None:
    """For what a shop wants to be called in addresses."""
    if SLUG.match(slug):
        return None
    return f"It has 1 to {LONGEST} small letters a to z, digits, and dashes between them, such as tea-and-more."
