import pytest

from service.merchants.slugs import LONGEST, fault_of_slug, next_to, slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("Tea & more", "tea-and-more"),
        ("Müller's Laden GmbH", "mullers-laden-gmbh"),
        ("茶", "cha"),
        ("***", "shop"),
        ("x" * 120, "x" * 40),
    ],
)
def test_a_slug_is_like_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert fault_of_slug(slug) is None


def test_another_shop_of_that_name_has_another_one() -> None:
    assert next_to("acme", 2) == "acme-2"
    assert next_to("x" * 40, 12) == "x" * 37 + "-12"
    assert len(next_to("x" * 40, 12)) == LONGEST


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "ä", "a/b", "x" * 41, "a\n"])
def test_what_cannot_be_one_is_told(slug: str) -> None:
    assert fault_of_slug(slug)
