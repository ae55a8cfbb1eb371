"""PURE: codes, the short form of a link: words and digits that people say, hear, write down and type."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from anyascii import anyascii

from service.links.offence import is_offensive

LONGEST = 32
SHORTEST = 4
LONGEST_SHOWN = 40
"""With the dashes between its words."""

LONGEST_NAMED = 20
"""Of a first name, so much stands at the beginning of a code."""

BREAKS = re.compile("[/?&=#%]")
TAIL = "BCDFGHJKMNPQRSTVWXYZ34679"
"""What is drawn by chance: no two of it are taken for each other, and without vowels they make no words."""

DIGITS = "34679"
"""Those of them that are digits."""

LOOK_ALIKES = str.maketrans("01L258", "OIIZSB")
"""Digits and letters that are taken for others, and for which."""


def fold(code: str) -> str | None:
    """The code in the form in which codes are matched; None if it cannot be one.

    Without regard to case, width, accents and scripts, to blanks, dashes, punctuation and what nobody sees, and to
    characters that look like others.
    """
    folded = "".join(_words(code)).translate(LOOK_ALIKES)
    return folded if SHORTEST <= len(folded) <= LONGEST else None


def fault_of_code(code: str) -> str | None:
    """For a code that somebody wishes for."""
    if BREAKS.search(code):
        return "It cannot hold / ? & = # or %, which end a code in an address."
    if fold(code) is None or len(tidy(code)) > LONGEST_SHOWN:
        allowed = f"{SHORTEST} to {LONGEST} letters and digits"
        return f"A code has {allowed}, and blanks or dashes between them, such as SUMMER25."
    return None if is_kind(code) else "Somebody may take offence at that. Please choose another one."


def tidy(code: str) -> str:
    """A code as it will be shown: Latin capitals and digits, with single dashes between its words."""
    return "-".join(_words(code))


def is_kind(code: str) -> bool:
    """Whether nobody has to blush when it is read out."""
    return not is_offensive(_words(code))


def generate(first_name: str | None, *, random_characters: int) -> str:
    """A new code, such as `OLIVIA-7K3F`: the first name in Latin letters, and characters by chance.

    Without the name where there is none, or where it would offend somebody.
    """
    words = _words(first_name or "")
    name = words if is_kind("-".join(words)) else []
    while True:
        tail = "".join(secrets.choice(TAIL) for _ in range(random_characters if name else random_characters + 2))
        if not is_offensive([*name, tail]):
            return "-".join(
                [_shortened(name, min(LONGEST_NAMED, LONGEST - random_characters)), tail]
                if name
                else [tail[:-2], tail[-2:]]
            )


def near(wish: str, first_name: str | None) -> Iterator[str]:
    """Codes like one that was wished for and cannot be had. Whether these are free is for others to say.

    first_name: of whom it will be.
    """
    words, name = _words(wish), _words(first_name or "")
    candidates = [[*name, *words]] if name and name != words[: len(name)] else []
    candidates += [[*words, "".join(secrets.choice(DIGITS) for _ in range(2))] for _ in range(3)] if words else []
    for candidate in ("-".join(parts) for parts in candidates):
        if fault_of_code(candidate) is None:
            yield candidate
    yield generate(first_name, random_characters=4)


def _shortened(words: list[str], most: int) -> str:
    """The words of a name, as many as there is room for, and as much of the first one."""
    name = words[0][:most]
    for word in words[1:]:
        if len(name) + len(word) >= most:
            break
        name = f"{name}-{word}"
    return name


def _words(code: str) -> list[str]:
    """What stands between blanks and dashes of any kind, in Latin capitals and digits."""
    spaced = "".join(_character(character) for character in unicodedata.normalize("NFKC", code))
    if not spaced.isascii():
        spaced = "".join(character for character in anyascii(spaced) if character.isalnum() or character == " ")
    return spaced.upper().split()


def _character(character: str) -> str:
    """A letter or digit itself, a blank for what parts words, and nothing for the rest."""
    category = unicodedata.category(character)
    if category[0] in "LN":
        return character
    return " " if category in ("Pd", "Zs") or character.isspace() else ""
