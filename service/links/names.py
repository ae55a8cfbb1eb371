"""PURE: first names as strangers are shown them, and as they stand in codes: short, in one line, and names."""

import re
import unicodedata

from service.values import is_seen, steers

LONGEST_NAME = 40
"""Of a first name, as it is shown."""

ADDRESS = re.compile(r"://|www\.|@|\w\s*[.\u3002]\w{2,}|\w\s+\.|(\d\W?){6,}", re.IGNORECASE)
"""What no first name holds, and an advertisement does: an address to visit, to write to or to call."""


def shown_name(first_name: str | None) -> str | None:
    """A first name as strangers are shown it: short, in one line; None where it is none, or an advertisement."""
    kept = "".join(character for character in first_name or "" if not steers(character) or character.isspace())
    name = " ".join(kept.split())
    if not is_seen(name) or ADDRESS.search(unicodedata.normalize("NFKC", name)):
        return None
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"
