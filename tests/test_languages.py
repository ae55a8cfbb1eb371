"""Everything that is said to people is said in every language, with the same values in it."""

import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from service import languages
from service.languages import FOLDER, KNOWN, SOURCE, catalogue

ROOT = Path(__file__).resolve().parents[1]
TRANSLATED = [language for language in KNOWN if language != SOURCE]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the code says."""
    file = tmp_path_factory.mktemp("words") / "words.pot"
    command = ["make", "-s", "words", f"WORDS={file}", f"BIN={Path(sys.executable).parent}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with file.open("rb") as text:
        return read_po(text)


def of(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as text:
        return read_po(text, locale=language)


def messages(words: Catalog) -> dict[object, Message]:
    return {message.id: message for message in words if message.id}


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(TRANSLATED)
    assert catalogue(SOURCE).gettext("Friends") == "Friends"


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_that_is_said_is_missing_and_nothing_is_kept_that_nobody_says(words: Catalog, language: str) -> None:
    said, known = messages(words), messages(of(language))
    assert len(said) > 300
    assert set(said) == set(known)
    for message in known.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_translation_has_the_values_of_what_it_translates(language: str) -> None:
    known = of(language)
    for message in messages(known).values():
        assert [str(fault) for fault in message.check(known)] == [], message.id
        if isinstance(message.id, tuple):
            assert len(message.string or ()) == known.num_plurals
    assert known.num_plurals == {"ar": 6}.get(language, 2)


def test_numbers_have_the_form_of_the_language() -> None:
    said = {number: catalogue("ar").ngettext("one friend", "%(number)s friends", number) for number in (1, 2, 3, 11)}
    assert said == {1: "صديق واحد", 2: "صديقان", 3: "%(number)s أصدقاء", 11: "%(number)s صديقًا"}
    assert catalogue("de").ngettext("one friend", "%(number)s friends", 1) == "ein Freund"


def test_a_language_that_nobody_translated_is_the_source() -> None:
    assert catalogue("tlh").gettext("Friends") == "Friends"
    assert languages.message("Friends") == "Friends"
