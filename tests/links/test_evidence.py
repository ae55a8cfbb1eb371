import json
import random
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.ids import new_id
from service.links.evidence import (
    CodeEvidence,
    Evidence,
    LinkEvidence,
    QuoteEvidence,
    VisitEvidence,
    as_document,
    link_token,
    of_document,
    quote_token,
    read_link,
    read_quote,
    read_referral,
    read_visit,
    visit_token,
)
from service.tokens import TokenSigner

OLD, NEW = "an-old-key-that-is-long-enough-00000", "a-new-key-that-is-long-enough-00000"
SIGNER = TokenSigner([OLD])
MERCHANT, LINK = new_id(), new_id()
VISIT = VisitEvidence(MERCHANT, LINK, new_id(), datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=UTC))
URL_SAFE = string.ascii_letters + string.digits + "-_."


def test_a_link_token_is_short_and_says_its_link() -> None:
    token = link_token(SIGNER, MERCHANT, LINK)
    assert len(token) <= 80
    assert set(token) <= set(URL_SAFE)
    assert read_link(SIGNER, token) == LinkEvidence(MERCHANT, LINK)


def test_a_visit_token_says_merchant_link_visit_and_time_to_the_microsecond() -> None:
    assert read_visit(SIGNER, visit_token(SIGNER, VISIT)) == VISIT


def test_tokens_of_one_purpose_are_not_tokens_of_another() -> None:
    assert read_visit(SIGNER, link_token(SIGNER, MERCHANT, LINK)) is None
    assert read_link(SIGNER, visit_token(SIGNER, VISIT)) is None


def test_old_keys_go_on_verifying_and_new_ones_sign() -> None:
    rotated = TokenSigner([OLD, NEW])
    assert read_link(rotated, link_token(SIGNER, MERCHANT, LINK)) == LinkEvidence(MERCHANT, LINK)
    assert read_link(TokenSigner([NEW]), link_token(rotated, MERCHANT, LINK)) == LinkEvidence(MERCHANT, LINK)
    assert read_link(TokenSigner([NEW]), link_token(SIGNER, MERCHANT, LINK)) is None


def test_another_merchants_token_proves_nothing() -> None:
    for token in (link_token(SIGNER, MERCHANT, LINK), visit_token(SIGNER, VISIT)):
        assert read_referral(SIGNER, token, MERCHANT) is not None
        assert read_referral(SIGNER, token, new_id()) is None


def test_a_code_is_read_without_regard_to_case_blanks_and_dashes() -> None:
    for spelled in ("ANA-7K3F", "ana7k3f", " Ana 7k3f ", "A-N-A–7K3F", "ana—7k3f"):
        assert read_referral(SIGNER, spelled, MERCHANT) == CodeEvidence("ANA7K3F")


@pytest.mark.parametrize(
    "around",
    [
        "{}.",
        "\u201c{}\u201d",
        "({})",
        "\ufeff{}",
        "{}\u200b",
        " {}\u00a0",
        "<{}>",
        "«{}»",
        "'{}'!",
        "{},",
        "\u2066{}\u2069",
        "{}\u2026",
    ],
)
def test_what_is_pasted_with_a_thing_is_not_the_thing(around: str) -> None:
    visit, link = visit_token(SIGNER, VISIT), link_token(SIGNER, MERCHANT, LINK)
    assert read_referral(SIGNER, around.format("ANA-7K3F"), MERCHANT) == CodeEvidence("ANA7K3F")
    assert read_referral(SIGNER, around.format(visit), MERCHANT) == VISIT
    for whole in (
        link,
        f"https://r.example/r/{link}",
        f"https://r.example/r/{link}/?utm_source=x",
        f"{link}&utm_source=x",
    ):
        assert read_referral(SIGNER, around.format(whole), MERCHANT) == LinkEvidence(MERCHANT, LINK), whole
    assert read_referral(SIGNER, around.format(f"https://s.example/?referral={visit}"), MERCHANT) == VISIT


def test_a_code_with_what_nobody_sees_in_it_is_still_the_code() -> None:
    assert read_referral(SIGNER, "ANA\u200b-\u20607K\u00ad3F", MERCHANT) == CodeEvidence("ANA7K3F")


def test_what_cannot_be_a_referral_is_none_and_no_error() -> None:
    for noise in ("", " ", ".", "...", "a.b", "é.ü", "x" * 10_000, "." * 10_000, "\u0000.\u0000", "0O1", "ANA"):
        assert read_referral(SIGNER, noise, MERCHANT) is None


@pytest.mark.soak
def test_mutated_tokens_are_all_refused(is_soak: bool) -> None:
    chance = random.Random(20260501)
    originals = [
        (link_token(SIGNER, MERCHANT, LINK), read_link),
        (visit_token(SIGNER, VISIT), read_visit),
    ]
    for number in range(100_000 if is_soak else 10_000):
        token, read = originals[number % 2]
        mutated = _mutate(token, chance)
        if mutated != token:
            assert read(SIGNER, mutated) is None, mutated


def test_the_last_character_has_one_spelling() -> None:
    token = link_token(SIGNER, MERCHANT, LINK)
    accepted = [last for last in URL_SAFE if read_link(SIGNER, token[:-1] + last) is not None]
    assert accepted == [token[-1]]


def _mutate(token: str, chance: random.Random) -> str:
    at = chance.randrange(len(token))
    match chance.randrange(6):
        case 0:
            return token[:at] + chance.choice(URL_SAFE) + token[at + 1 :]
        case 1:
            return token[:at] + token[at + 1 :]
        case 2:
            return token[:at] + chance.choice(URL_SAFE) + token[at:]
        case 3:
            return token[:at]
        case 4:
            return token[:-1] + chance.choice(URL_SAFE)
        case _:
            other = chance.randrange(len(token))
            letters = list(token)
            letters[at], letters[other] = letters[other], letters[at]
            return "".join(letters)


QUOTE = QuoteEvidence(MERCHANT, LINK, VISIT.visited_at, VISIT.visited_at, 3, "EUR", 500)


@pytest.mark.parametrize("quote", [QUOTE, replace(QUOTE, visited_at=None, discount_amount=0)])
def test_a_quote_token_says_all_that_was_promised(quote: QuoteEvidence) -> None:
    token = quote_token(SIGNER, quote)
    assert read_quote(SIGNER, token) == quote
    assert read_referral(SIGNER, token, MERCHANT) == quote
    assert read_referral(SIGNER, token, new_id()) is None
    assert read_quote(SIGNER, visit_token(SIGNER, VISIT)) is None
    assert quote.expires_at - quote.quoted_at == timedelta(days=1)


@pytest.mark.parametrize(
    "evidence",
    [
        VISIT,
        LinkEvidence(MERCHANT, LINK),
        CodeEvidence("ANA7K3F"),
        QUOTE,
        replace(QUOTE, visited_at=None),
    ],
)
def test_what_came_with_an_order_is_kept_as_a_document_and_read_again(evidence: Evidence) -> None:
    document = json.loads(json.dumps(as_document(evidence, "whatever")))
    assert of_document(document, MERCHANT) == evidence


def test_what_proves_nothing_is_kept_as_that() -> None:
    assert as_document(None, None) is None
    document = as_document(None, "nonsense")
    assert document == as_document(None, "nonsense") != as_document(None, "other")
    assert "nonsense" not in str(document)
    assert as_document(None, "x" * 5000) != as_document(None, "x" * 5001)
    assert of_document(document, MERCHANT) is None
    assert of_document(None, MERCHANT) is None
    with pytest.raises(ValueError, match="points"):
        of_document({"kind": "points"}, MERCHANT)


KEPT_BY_0_2 = [
    {"kind": "link", "link_id": str(LINK)},
    {"kind": "code", "folded_code": "ANA7K3F"},
    {"kind": "visit", "link_id": str(LINK), "visit_id": str(LINK), "visited_at": "2026-05-01T12:30:15.123456+00:00"},
    {
        "kind": "quote",
        "link_id": str(LINK),
        "visited_at": None,
        "quoted_at": "2026-05-01T12:30:15.123456+00:00",
        "terms_version": 3,
        "currency": "EUR",
        "discount_amount": 500,
    },
    {"kind": "unreadable", "digest": "00" * 32},
]
"""Documents as they are stored. One of each kind stays here for ever, as orders do in the databases."""


@pytest.mark.parametrize("document", KEPT_BY_0_2)
def test_documents_of_every_kind_ever_stored_are_read(document: dict[str, object]) -> None:
    assert (of_document(document, MERCHANT) is None) == (document["kind"] == "unreadable")


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/cart?a=1&referral={}&b=2",
        "https://shop.example/?referral={}#top",
        "https://orchard.example/r/{}",
        "https://orchard.example/r/{}/",
        " https://orchard.example/r/{} ",
    ],
)
def test_a_whole_url_is_read_for_the_token_that_it_holds(url: str) -> None:
    token = link_token(SIGNER, MERCHANT, LINK)
    assert read_referral(SIGNER, url.format(token), MERCHANT) == LinkEvidence(MERCHANT, LINK)
    assert read_referral(SIGNER, "https://orchard.example/c/acme/ana%2D7k3f", MERCHANT) == CodeEvidence(
        "ANA7K3F", "acme"
    )
    assert read_referral(SIGNER, "https://[broken", MERCHANT) is None


@pytest.mark.parametrize(
    ("referral", "slug"),
    [
        ("ANA-7K3F?via=qr", None),
        ("ANA-7K3F&utm_source=x", None),
        ("?referral=ANA-7K3F", None),
        ("referral=ANA-7K3F", None),
        ("/c/acme/ANA-7K3F", None),
        ("acme/ANA-7K3F?via=qr", None),
        ("localhost:8000/c/Acme/ANA-7K3F", "acme"),
        ("orchard.example/c/acme/ana-7k3f/", "acme"),
        ("https://orchard.example/c/acme/ANA-7K3F&utm_source=x", "acme"),
        ("http://orchard.example/c/acme/ANA-7K3F%3Fvia=qr", "acme"),
        ("https://shop.example/?referral=evil&referral=ANA-7K3F", None),
    ],
)
def test_a_code_is_read_out_of_whatever_somebody_copied(referral: str, slug: str | None) -> None:
    found = read_referral(SIGNER, referral, MERCHANT)
    assert isinstance(found, CodeEvidence)
    assert found.folded_code == "ANA7K3F"
    assert found.slug in (slug, "acme")
