"""What a text, an amount and an instant may be."""

from datetime import UTC, datetime, timedelta

import pytest

from service import values

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a", None),
        ("a" * 5, None),
        ("", "between 1 and 5"),
        ("a" * 6, "between 1 and 5"),
        (" ", "blank"),
        ("a\x00", "control"),
    ],
)
def test_a_text_is_not_blank_nor_too_long_and_holds_no_controls(text: str, fault: str | None) -> None:
    found = values.fault_of_text(text, most=5)
    assert (found is None) if fault is None else (found is not None and fault in found)


@pytest.mark.parametrize(
    ("tag", "good"), [("de", True), ("de-AT", True), ("zh_Hans_CN", True), ("x", False), ("de AT", False)]
)
def test_a_locale_has_its_form(tag: str, good: bool) -> None:
    assert (values.fault_of_locale(tag) is None) is good


@pytest.mark.parametrize(
    ("minor", "least", "good"), [(0, 0, True), (0, 1, False), (10**15, 0, True), (10**15 + 1, 0, False)]
)
def test_an_amount_is_within_its_bounds(minor: int, least: int, good: bool) -> None:
    assert (values.fault_of_amount(minor, least=least) is None) is good


@pytest.mark.parametrize(
    ("moment", "good"),
    [
        (NOW, True),
        (NOW + timedelta(days=1), True),
        (NOW + timedelta(days=1, microseconds=1), False),
        (values.EPOCH, True),
        (values.EPOCH - timedelta(microseconds=1), False),
        (NOW.replace(tzinfo=None), False),
    ],
)
def test_an_instant_is_between_1970_and_tomorrow_and_says_its_offset(moment: datetime, good: bool) -> None:
    assert (values.fault_of_instant(moment, now=NOW) is None) is good


@pytest.mark.parametrize("name", [".", "..", " a", "a\u00a0", "\ta"])
def test_a_name_can_stand_in_a_path_and_has_no_white_space_around_it(name: str) -> None:
    assert values.fault_of_name(name) is not None
    assert values.fault_of_name(f"a{name}b") is None or "\t" in name


def test_a_fault_says_what_is_wrong_and_within_which_bounds() -> None:
    assert values.fault_of_name("a" * 255) is None
    assert values.fault_of_name("a" * 256) == "Length must be between 1 and 255."
    assert values.fault_of_text("\u2028a", most=5) == "It is blank, or holds control characters."
    assert values.fault_of_locale("x") == "It is not a locale such as de-AT."
    assert values.fault_of_amount(-1) == f"It must be an integer in minor units, from 0 to {10**15}."
    assert values.fault_of_instant(NOW.replace(tzinfo=None), now=NOW) == "It must say its offset from UTC."
    assert values.fault_of_instant(NOW.replace(year=1969), now=NOW) == "It is before 1970."
    assert values.fault_of_instant(NOW + timedelta(days=2), now=NOW) == "It is in the future."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Acme", None),
        ("نرگس\u200cها", None),
        ("", "Length must be between 1 and 9."),
        ("a\x00", "It is blank, or holds control characters."),
        ("a\u202eb", "It holds characters that nobody sees and that turn around what stands beside them."),
        ("\u200d", "There is nothing to be seen of it."),
    ],
)
def test_what_strangers_are_shown_can_be_seen_and_turns_nothing_around(text: str, fault: str | None) -> None:
    assert values.fault_of_shown(text, most=9) == fault
