import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.links.codes import ALPHABET, fold, generate, tidy


@given(st.none() | st.text(max_size=80), st.sampled_from([4, 5, 6, 8, 16]))
def test_a_generated_code_can_be_typed_and_folds_to_itself(name: str | None, random_characters: int) -> None:
    code = generate(name, random_characters=random_characters)
    assert fold(code) == code.replace("-", "")
    assert fold(code.lower().replace("-", " ")) == fold(code)


def test_a_code_starts_with_what_is_typable_of_the_first_name() -> None:
    assert generate("Ana", random_characters=4).startswith("ANA-")
    assert generate("Zoë", random_characters=4).startswith("ZE-")
    assert "-" in generate("李", random_characters=4)


def test_no_two_characters_of_the_alphabet_look_alike() -> None:
    for pair in ("0O", "1I", "1L", "IL", "2Z", "5S", "8B"):
        assert not set(pair) <= set(ALPHABET)


@pytest.mark.parametrize("code", ["", "AB", "-" * 30, "HELLO", "ANA_7", "A" * 33, "ＡＮＡ\u0000KK"])
def test_what_cannot_be_a_code_folds_to_none(code: str) -> None:
    assert fold(code) is None


def test_a_vanity_code_is_tidied() -> None:
    assert tidy("  ana  de--paw ") == "ANA-DE-PAW"
    assert tidy("ＡＮＡ\u00a0de–paw") == "ANA-DE-PAW"
