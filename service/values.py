"""PURE: what a text, an amount and an instant may be, whether they come over HTTP, in a file or from a shop's webhook.

Each check answers what is wrong, in words for the caller, or None.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email

LARGEST_AMOUNT = 10**15
LONGEST_NAME = 255
LONGEST_FIRST_NAME = 80
LONGEST_NOTE = 500
LONGEST_CHANNEL = 40
LONGEST_EMAIL = 254
LONGEST_PLAIN_DOMAIN = 64
MOST_KEYS, LONGEST_KEY, LONGEST_METADATA = 20, 40, 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)
"""How far a shop's clock, or its idea of time zones, may be ahead of ours."""

CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
LOCALE = r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}\Z"
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*", re.ASCII)
"""What may stand before the @ of any address, and is its own normal form."""

_CONTROLS, _NOT_BLANK, _LOCALE = re.compile(f"[{CONTROL}]"), re.compile(r"\S"), re.compile(LOCALE)

JOINERS = "\u200c\u200d"
"""Of what is not seen, what letters and emoji need."""

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""How a cell may begin that a spreadsheet takes for a formula, and the mark that says it is none.

Such a text is written with an apostrophe before it: whoever reads it with a program takes one off again.
"""


def unformed(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def fault_of_text(text: str, *, most: int) -> str | None:
    """For something that people write. most: characters. The length is looked at first, whatever the text."""
    if not 1 <= len(text) <= most:
        return f"Length must be between 1 and {most}."
    if _CONTROLS.search(text) or not _NOT_BLANK.search(text):
        return "It is blank, or holds control characters."
    return None


def fault_of_shown(text: str, *, most: int) -> str | None:
    """For something that strangers are shown as it is. most: characters."""
    if fault := fault_of_text(text, most=most):
        return fault
    if any(steers(character) for character in text):
        return "It holds characters that nobody sees and that turn around what stands beside them."
    return None if is_seen(text) else "There is nothing to be seen of it."


def steers(character: str) -> bool:
    """Whether it is not seen itself, but may change what is: its direction, say. Joiners do not."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS


def is_seen(text: str) -> bool:
    """Whether there is anything to be seen of it."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def fault_of_name(text: str) -> str | None:
    """For the merchant's own name of something: an order, a customer, a refund."""
    if text in (".", ".."):
        return "It cannot be . or .., which no path can name."
    if text != text.strip():
        return "White space around it is not part of it."
    return fault_of_text(text, most=LONGEST_NAME)


def fault_of_locale(tag: str) -> str | None:
    """For a BCP 47 tag, as far as its form tells."""
    return None if _LOCALE.match(tag) else "It is not a locale such as de-AT."


def normal_email(text: str) -> str:
    """The e-mail address in its normal form. Raises ValueError for what is none, as far as its form tells."""
    if len(text) > LONGEST_EMAIL:
        raise ValueError(f"Longer than maximum length {LONGEST_EMAIL}.")
    local, _, domain = text.rpartition("@")
    if _PLAIN_LOCAL.fullmatch(local) and len(domain) <= LONGEST_PLAIN_DOMAIN and domain.isascii():
        return f"{local}@{_normal_domain(domain)}"  # whose first part is as good as any, so its second decides
    return _normal(text)


@lru_cache(maxsize=4096)
def _normal_domain(domain: str) -> str:
    """Most people have their mailboxes at a few providers, and the check is a tenth of what an order costs."""
    return _normal(f"a@{domain}").removeprefix("a@")


def _normal(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


def fault_of_metadata(members: Mapping[str, Any]) -> str | None:
    """For what a shop keeps with something of ours."""
    if len(members) <= MOST_KEYS and all(
        isinstance(text, str) and 1 <= len(name) <= LONGEST_KEY and len(text) <= LONGEST_METADATA
        for name, text in members.items()
    ):
        return None
    return (
        f"It must be an object of at most {MOST_KEYS} names of 1 to {LONGEST_KEY} characters, each with a string of"
        f" at most {LONGEST_METADATA}."
    )


def fault_of_amount(minor: int, *, least: int = 0) -> str | None:
    """For minor units. The largest amount leaves room for sums in 64 bits."""
    if least <= minor <= LARGEST_AMOUNT:
        return None
    return f"It must be an integer in minor units, from {least} to {LARGEST_AMOUNT}."


def fault_of_instant(moment: datetime, *, now: datetime) -> str | None:
    """For when something happened: with its offset, since 1970, and not to come."""
    if moment.tzinfo is None:
        return "It must say its offset from UTC."
    if moment < EPOCH:
        return "It is before 1970."
    return "It is in the future." if moment > now + CLOCKS_DIFFER else None
