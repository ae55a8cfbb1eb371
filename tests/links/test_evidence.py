import random
import string
from datetime import UTC, datetime

import pytest

from service.ids import new_id
from service.links.evidence import (
    CodeEvidence,
    LinkEvidence,
    VisitEvidence,
    link_token,
    read_link,
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


def test_what_cannot_be_a_referral_is_none_and_no_error() -> None:
    for noise in ("", " ", ".", "...", "a.b", "é.ü", "x" * 10_000, "." * 10_000, "\u0000.\u0000", "0O1I", "ANA"):
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
