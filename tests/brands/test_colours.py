import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.brands.colours import NIGHT, PAPER, _rgb, contrast, fault_of_accent, in_dark, in_light

colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == 21
    assert contrast(_rgb("#777777"), (255, 255, 255)) == pytest.approx(4.478, abs=0.001)
    assert contrast((1, 2, 3), (1, 2, 3)) == 1


@given(colours)
def test_a_good_accent_is_told_from_the_page_in_both_schemes_and_what_stands_on_it_is_read(colour: str) -> None:
    fault = fault_of_accent(colour)
    if fault is not None:
        nearest = fault.split()[-3]
        assert fault_of_accent(nearest) is None, fault
        colour = nearest
    for page, accent in ((PAPER, in_light(colour)), (NIGHT, in_dark(colour))):
        assert contrast(_rgb(accent.colour), page) >= 3
        assert contrast(_rgb(accent.colour), _rgb(accent.text)) >= 4.5


@pytest.mark.parametrize("colour", ["", "red", "#fff", "2c6e36", "#2c6e3g", "#2c6e36\n", "#２c6e36"])
def test_what_is_no_colour_is_told(colour: str) -> None:
    assert "hexadecimal" in (fault_of_accent(colour) or "")


def test_a_colour_that_nobody_can_see_is_refused_with_one_that_they_can() -> None:
    assert fault_of_accent("#ffd400") == (
        "It is hardly told from the page (1.3 : 1, and 3 : 1 is needed). #a78b00 would do."
    )
