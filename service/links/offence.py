"""PURE: words that nobody wants to read out at a till, in the five languages in which people are spoken to."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from anyascii import anyascii

LANGUAGES = ("english", "german", "french", "spanish", "arabic")
LONG = 6
"""From so many letters on, a word offends inside another one, too: shorter ones are parts of harmless words. One letter
less, and it does at their beginning or end.
"""

ALWAYS = frozenset({"FUCK"})
"""What offends wherever it stands."""

LONGEST = 12
"""Of the words that are looked for inside others."""


NAMES = frozenset(["CONCHA", "GERBER", "MOSE", "NAYAK", "NIK", "PETER", "ROSETTE", "SHARMA"])
"""Of the lists, what people are called."""

LEET = str.maketrans("013456789", "OIEASGTBG")
_LATIN, _LETTERS = re.compile("[^A-Z0-9]"), re.compile("[^A-Z]")


def is_offensive(words: Sequence[str]) -> bool:
    """Whether these words say something of the lists, digits read as digits or as the letters that they look like.

    words: of Latin capitals and digits, one after the other.
    """
    listed = _listed()
    for table in ({}, LEET):
        read = [word.translate(table) for word in words]
        whole = "".join(read)
        parts = [*read, whole, _LETTERS.sub("", whole), *_syllables(read)]
        if any(part in listed for part in parts) or any(part in listed for part in _inside(whole)):
            return True
        if any(word[: LONG - 1] in listed or word[1 - LONG :] in listed for word in (*read, whole)):
            return True
        if any(word in whole for word in ALWAYS):
            return True
    return False


def _syllables(words: Sequence[str]) -> Iterator[str]:
    """What is in the words but no word of theirs: letters and digits apart, and three or four of what holds digits."""
    for word in words:
        yield from re.findall("[A-Z]+|[0-9]+", word)
        if not word.isalpha():
            yield from (word[start : start + length] for length in (3, 4) for start in range(len(word)))


def _inside(whole: str) -> Iterator[str]:
    """What is in a text of the length of long words."""
    ends = range(LONG, LONGEST + 1)
    return (whole[start : start + length] for start in range(len(whole) - LONG + 1) for length in ends)


@lru_cache(maxsize=1)
def _listed() -> frozenset[str]:
    """The library's lists in Latin capitals. Loaded when they are first asked for."""
    from glin_profanity.data.dictionary import dictionary

    listed = {_LATIN.sub("", anyascii(word).upper()) for name in LANGUAGES for word in dictionary.get_words(name)}
    return frozenset(word for word in listed if len(word) > 2) - NAMES
