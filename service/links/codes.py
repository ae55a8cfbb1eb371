"""PURE: codes, the short form of a link that people read aloud and type."""

import secrets
import unicodedata

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ34679"
"""Without 0, 1, 2, 5, 8, I, L and O: none of these characters is taken for another one."""

LONGEST = 32
SHORTEST = 4
_PREFIX_LENGTH = 10


def fold(code: str) -> str | None:
    """The code in the form in which codes are matched, without case, blanks or dashes; None if it cannot be one."""
    folded = "".join(_words(code))
    return folded if SHORTEST <= len(folded) <= LONGEST and set(folded) <= set(ALPHABET) else None


def generate(first_name: str | None, *, random_characters: int) -> str:
    """A new code, such as `ANA-7K3F`: what is typable of the first name, and random characters."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(random_characters))
    plain = unicodedata.normalize("NFKD", first_name or "").upper()
    head = "".join(character for character in plain if character in ALPHABET)[:_PREFIX_LENGTH]
    return f"{head}-{tail}" if len(head) > 1 else f"{tail}-{secrets.choice(ALPHABET)}{secrets.choice(ALPHABET)}"


def tidy(code: str) -> str:
    """A vanity code as it will be shown: upper case, single dashes, no blanks at its ends."""
    return "-".join(_words(code))


def _words(code: str) -> list[str]:
    """The parts of a code between blanks and dashes of any kind, in upper case and compatible characters."""
    plain = unicodedata.normalize("NFKC", code).upper()
    seen = (character for character in plain if unicodedata.category(character) != "Cf")
    return "".join(" " if unicodedata.category(character) == "Pd" else character for character in seen).split()
