"""The languages that people are spoken to in: what is written in English here, in the words of gettext's catalogues.

`translations/<language>.po` are the catalogues, and `make translations` brings them up to date with the code.
"""

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = "en"
KNOWN = (SOURCE, "de", "fr", "es", "ar")
FOLDER = Path(__file__).parent / "translations"


def message(text: str) -> str:
    """The text itself: what stands in this is in the catalogues, and is translated where it is shown."""
    return text


@lru_cache
def catalogue(language: str) -> NullTranslations:
    """The words of one of the languages that are known; of any other, those of the source."""
    if language == SOURCE or language not in KNOWN:
        return NullTranslations()
    with (FOLDER / f"{language}.po").open("rb") as file:
        words = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    return GNUTranslations(compiled)
