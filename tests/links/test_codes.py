import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.links import offence
from service.links.codes import LONGEST, TAIL, fault_of_code, fold, generate, is_kind, tidy

HEARD = ("0O", "1IL", "2Z", "5S", "8B")
"""What people take for each other when a code is read aloud or written down by hand."""
NAMES = {
    "Olivia": "OLIVIA",
    "Bob": "BOB",
    "J": "J",
    "Zoë": "ZOE",
    "Søren": "SOREN",
    "Łukasz": "LUKASZ",
    "Straße": "STRASSE",
    "O'Neil": "ONEIL",
    "Jean-Luc": "JEAN-LUC",
    "María José": "MARIA-JOSE",
    "Ольга": "OLGA",
    "Ελένη": "ELENI",
    "李明": "LIMING",
    "さくら": "SAKURA",
    "Đặng": "DANG",
    "İbrahim": "IBRAHIM",
    "محمد": "MHMD",
    "Peter": "PETER",
    "Ana 🌳": "ANA",
}


@given(st.none() | st.text(max_size=80), st.sampled_from([4, 5, 6, 8, 16]))
def test_a_generated_code_can_be_typed_and_is_matched(name: str | None, random_characters: int) -> None:
    code = generate(name, random_characters=random_characters)
    assert re.fullmatch("[A-Z0-9]+(-[A-Z0-9]+)+", code)
    assert len(code) <= 40
    assert fold(code) is not None
    assert fold(code.lower().replace("-", " ")) == fold(code) == fold(tidy(code))


@pytest.mark.parametrize(("name", "head"), NAMES.items())
def test_a_code_begins_with_the_whole_first_name_in_latin_letters(name: str, head: str) -> None:
    assert re.fullmatch(f"{head}-[{TAIL}]{{4}}", generate(name, random_characters=4))


def test_a_name_for_which_there_is_no_room_is_shortened() -> None:
    assert generate("Anna Wilhelmina Theodora", random_characters=4).startswith("ANNA-WILHELMINA-")
    assert len(fold(generate("Wolfeschlegelsteinhausenbergerdorff", random_characters=8)) or "") <= LONGEST


@pytest.mark.parametrize("name", ["Dick", "Kike", "", None, "🌳", "...", "Fuck You"])
def test_without_a_name_that_can_be_read_out_a_code_is_chance_alone(name: str | None) -> None:
    assert re.fullmatch(f"[{TAIL}]{{4}}-[{TAIL}]{{2}}", generate(name, random_characters=4))


def test_no_two_characters_of_chance_are_taken_for_each_other() -> None:
    for alike in HEARD:
        assert len(set(alike) & set(TAIL)) <= 1
    assert not set("AEIOU") & set(TAIL)


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=20), st.data())
def test_a_code_survives_being_read_aloud(code: str, data: st.DataObject) -> None:
    others = {one: alike for alike in HEARD for one in alike}
    heard = "".join(data.draw(st.sampled_from(others.get(character, character))) for character in code)
    between = data.draw(st.sampled_from(["", " ", "-", "–", "\u2011", "\u00a0", "_", ".", "\u200b"]))
    spelt = data.draw(st.sampled_from([str.lower, str.upper, str.title]))(between.join(heard))
    assert fold(spelt) == fold(code)


def test_ten_thousand_codes_are_ten_thousand_and_offend_nobody() -> None:
    names = [*NAMES, "Assunta", "Analía", "Titus", "Fanny", "Cumhur", "Pussy", "Olga", "Nick"]
    codes = [generate(name, random_characters=8) for name in itertools.islice(itertools.cycle(names), 10_000)]
    assert len({fold(code) for code in codes}) == 10_000
    listed = {word for word in offence._listed() if len(word) >= offence.LONG}
    for code in codes:
        assert is_kind(code)
        parts = code.split("-")
        assert not set(parts) & offence._listed(), code
        assert not any(word in code.replace("-", "") for word in listed), code


@pytest.mark.parametrize(
    "code", ["a/b/c/d", "Tea&More", "best.shop/x", "100%TEA", "#TEA-TIME", "-".join("ж" * 16), "AB"]
)
def test_what_no_address_could_carry_is_told(code: str) -> None:
    assert fault_of_code(code)


def test_a_name_of_many_words_is_there_as_far_as_there_is_room() -> None:
    assert generate("Maria del Carmen Josefa", random_characters=4).startswith("MARIA-DEL-CARMEN-")


@pytest.mark.parametrize(
    "code",
    [
        "SHIT25",
        "shit",
        "F-U-C-K",
        "FUC-K99",
        "FUCKYOU",
        "MYFUCKTEA",
        "PENISTEA",
        "8ITCH",
        "F4CK-99",
        "fuck you",
        "ar5ch",
        "SCHEISSE1",
        "mierda",
        "PUTA-7",
        "سكس1",
    ],
)
def test_what_offends_is_told(code: str) -> None:
    assert not is_kind(code)


@pytest.mark.parametrize(
    "code", ["WELCOME", "SUMMER25", "ANA10", "CLASSIC", "SUMMER-DEAL", "Scunthorpe", "PETER-7K3F", "ESSEX-TEA"]
)
def test_words_that_only_hold_another_one_do_not(code: str) -> None:
    assert is_kind(code)
    assert fold(code)


@pytest.mark.parametrize("code", ["", "AB", "-" * 30, "A" * 33, "😀😀😀😀😀", "...."])
def test_what_cannot_be_a_code_folds_to_none(code: str) -> None:
    assert fold(code) is None


def test_a_vanity_code_is_tidied() -> None:
    assert tidy("  ana  de--paw ") == "ANA-DE-PAW"
    assert tidy("ＡＮＡ\u00a0de–paw") == "ANA-DE-PAW"
    assert tidy("«Café Été»") == "CAFE-ETE"
