import pytest

from service.customers.mailboxes import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@Example.com", "ana@example.com"),
        ("a.n.a@gmail.com", "ana+shop@googlemail.com"),
        ("ana+1@outlook.com", "ana+2@outlook.com"),
        ("ana@pm.me", "ana+x@proton.me"),
        ("ana@protonmail.com", "ana+x@pm.me"),
        ("ana+1@hotmail.co.uk", "ana@hotmail.co.uk"),
    ],
)
def test_two_spellings_of_one_mailbox_are_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.na@example.com", "ana@example.com"),
        ("ana+1@example.com", "ana@example.com"),
        ("a.na@outlook.com", "ana@outlook.com"),
        ("ana@gmail.com", "ana@outlook.com"),
        ("ana@gmail.com", "ben@gmail.com"),
        ('"ana@gmail.com"@example.com', "ana@example.com"),
    ],
)
def test_two_mailboxes_stay_two_where_the_provider_tells_them_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)
