import pytest

from service.customers.mailboxes import fold, is_nobodys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@Example.com", "ana@example.com"),
        ("a.n.a@gmail.com", "ana+shop@googlemail.com"),
        ("ana+1@outlook.com", "ana+2@outlook.com"),
        ("ana@pm.me", "ana+x@proton.me"),
        ("ana@protonmail.com", "ana+x@pm.me"),
        ("ana+1@hotmail.co.uk", "ana@hotmail.co.uk"),
        ("ana+1@live.com.au", "ana@live.com.au"),
        ("ana+1@msn.com", "ana@msn.com"),
        ("ana@me.com", "ana+x@icloud.com"),
        ("ana+x@mac.com", "ana@icloud.com"),
        ("ana+x@fastmail.fm", "ana@fastmail.com"),
        ("a.n-a_+x@protonmail.ch", "ana@proton.me"),
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
        ("ana+1@live.evil.org", "ana@live.evil.org"),
        ("ana+1@outlook.example", "ana@outlook.example"),
        ("ana+1@live.co.uk.org", "ana@live.co.uk.org"),
        ("ana@gmail.com", "ben@gmail.com"),
        ('"ana@gmail.com"@example.com', "ana@example.com"),
    ],
)
def test_two_mailboxes_stay_two_where_the_provider_tells_them_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("email", "is_so"),
    [("NoReply@shop.example", True), ("no-reply@x.org", True), ("do_not.reply@x.org", True), ("reply@x.org", False)],
)
def test_a_mailbox_that_forms_fill_in_is_nobodys(email: str, is_so: bool) -> None:
    assert is_nobodys(fold(email)) is is_so
