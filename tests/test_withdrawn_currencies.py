"""A currency that is withdrawn: its books stay readable, exportable and spendable, and its orders are taken."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service import currencies
from service.conversions import replay
from service.database.engine import Database
from service.ledger import proof
from service.merchants.currencies import decimals
from service.tokens import TokenSigner
from tests.conftest import missing
from tests.shop import FIXED, Shop

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
BEFORE, AFTER = "2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z"


@pytest.fixture
def in_bgn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A program in BGN, made while one could pay in it; ana has 10.00 by it."""
    with monkeypatch.context() as before:
        before.setitem(currencies._EXPONENTS, "BGN", 2)
        program = shop.program(currency="BGN", friend_reward=None)
        shop.order("ben", referral=shop.link(program)["code"], currency="BGN")
    return program


def test_credit_in_it_is_spent_adjusted_and_shown(shop: Shop, in_bgn: dict[str, Any]) -> None:
    assert shop.balance("ana", "BGN")["available"] == 1000
    redemption = shop.reserve("ana", 400, currency="BGN")
    assert shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)["currency"] == "BGN"
    asked = {"customer_id": "ana", "direction": "debit", "amount": 100, "currency": "BGN", "note": "x"}
    assert shop.post("/ledger/adjustments", asked)["currency"] == "BGN"
    assert shop.get(f"/programs/{in_bgn['program_id']}")["currency"] == "BGN"


def test_it_is_exported_with_its_decimals(
    shop: Shop, database: Database, in_bgn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(currencies.WITHDRAWN, "BGN")
    with database.reading() as session:
        exponent = decimals(session, shop.merchant_id)
        journal = "".join(proof.export_journal(session, shop.merchant_id, "hledger", exponent=exponent))
    assert "10.00 BGN" in journal
    assert "1000 BGN" not in journal


def test_its_journal_is_accepted_by_both_judges(
    shop: Shop, database: Database, in_bgn: dict[str, Any], tmp_path: Path
) -> None:
    hledger = shutil.which("hledger") or missing("hledger (apt-get install hledger)")
    for form, judge in (("hledger", [hledger, "check", "-s", "-f"]), ("beancount", [BEAN_CHECK])):
        path = tmp_path / f"books.{form}"
        with database.reading() as session:
            exponent = decimals(session, shop.merchant_id)
            path.write_text("".join(proof.export_journal(session, shop.merchant_id, form, exponent=exponent)))
        subprocess.run([*judge, path], check=True, capture_output=True)


def test_orders_placed_while_it_was_valid_are_taken_by_anybody(
    shop: Shop, database: Database, signer: TokenSigner, tmp_path: Path
) -> None:
    assert shop.order(currency="BGN", ordered_at=BEFORE)["currency"] == "BGN"
    problem = shop.order(currency="BGN", ordered_at=AFTER, status=422)
    assert problem["errors"] == [{"field": "currency", "code": "invalid", "message": "It was withdrawn on 2026-01-01."}]
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id,customer_id,amount_minor,ordered_at\no-1,ben,5000,{BEFORE}\no-2,ben,5000,{AFTER}\n")
    source = replay.Source(shop.merchant_id, None, "BGN")
    tally = replay.replay(database, signer, str(path), source, advance=lambda _: None)
    assert (tally.new, tally.faults) == (1, [(3, "currency: It was withdrawn on 2026-01-01.")])


def test_whoever_has_books_in_it_is_believed(shop: Shop, in_bgn: dict[str, Any]) -> None:
    assert shop.order("ben", currency="BGN", ordered_at=AFTER)["status"] == "repeat"


@pytest.mark.parametrize("code", ["BGN", "XYZ", "XXX"])
def test_nothing_new_is_begun_in_what_one_cannot_pay_in(shop: Shop, code: str) -> None:
    body = {"name": "P", "currency": code, "destination_url": "https://shop.example"}
    assert shop.post("/programs", body, status=422)["errors"][0]["field"] == "currency"
    shop.order("ana")
    for path, more in (("/redemptions", {}), ("/ledger/adjustments", {"direction": "credit", "note": "x"})):
        asked = {"customer_id": "ana", "amount": 1, "currency": code, **more}
        assert shop.post(path, asked, status=422)["errors"][0]["field"] == "currency"
    shop.post("/quotes", {"referral": "x", "amount": 1, "currency": code}, status=422)


def test_the_lists_agree_with_the_librarys() -> None:
    assert set(currencies.WITHDRAWN).isdisjoint(currencies.known())
    assert currencies.is_valid_at("EUR", datetime.now(UTC))
    assert not currencies.is_valid_at("XXX", datetime.now(UTC))
    assert [currencies.decimals(code) for code in ("BGN", "BYR", "DEM", "KWD")] == [2, 0, 2, 3]


# A program in several currencies


def test_one_program_rewards_each_currency_in_its_own(shop: Shop) -> None:
    yen: dict[str, Any] = {"advocate_reward": {"type": "fixed", "amount": 900}, "minimum_order_amount": 3000}
    program = shop.program(other_currencies={"JPY": yen}, minimum_order_amount=2000, friend_reward=None)
    code = shop.link(program)["code"]
    assert shop.order(referral=code, amount=2000)["rewards"][0]["amount"] == 1000
    assert shop.order(referral=code, amount=2999, currency="JPY")["reasons"] == ["below_minimum"]
    [reward] = shop.order(referral=code, amount=3000, currency="JPY")["rewards"]
    assert (reward["amount"], reward["currency"], reward["side"]) == (900, "JPY", "advocate")
    assert shop.order(referral=code, amount=3000, currency="KWD")["reasons"] == ["currency_mismatch"]
    quote = shop.post("/quotes", {"referral": code, "amount": 3000, "currency": "JPY"}, status=200)
    assert quote["eligible"]
    stored = shop.get(f"/programs/{program['program_id']}")["other_currencies"]
    assert stored["JPY"] == {**yen, "advocate_reward": {**yen["advocate_reward"], "as": "credit"}} | {
        "friend_reward": None,
        "tiers": [],
    }


def test_a_changed_currency_needs_its_amounts_anew(shop: Shop) -> None:
    at = f"/programs/{shop.program(minimum_order_amount=500)['program_id']}"
    problem = shop.patch(at, {"currency": "USD"}, status=422)
    assert {fault["field"] for fault in problem["errors"]} == {
        "advocate_reward",
        "friend_reward",
        "minimum_order_amount",
    }
    changed = {"advocate_reward": FIXED, "friend_reward": None, "minimum_order_amount": 0}
    assert shop.patch(at, {"currency": "USD", **changed})["currency"] == "USD"
    assert shop.patch(at, {"currency": "USD"})["terms_version"] == 2


@pytest.mark.parametrize(
    ("fields", "doubtful"),
    [
        ({"advocate_reward": None, "friend_reward": None}, ["advocate_reward"]),
        ({"friend_reward": None}, ["advocate_reward"]),
        ({"minimum_order_amount": 999, "friend_reward": None}, ["advocate_reward"]),
        ({"minimum_order_amount": 1000}, []),
        ({"other_currencies": {"JPY": {}}, "minimum_order_amount": 1000}, ["other_currencies.JPY.advocate_reward"]),
    ],
)
def test_terms_that_are_probably_not_meant_are_warned_of(
    shop: Shop, fields: dict[str, Any], doubtful: list[str]
) -> None:
    program = shop.program(**fields)
    assert [warning["field"] for warning in program["warnings"]] == doubtful
    assert UUID(program["program_id"])


@pytest.mark.parametrize(
    ("others", "field"),
    [
        ({"EUR": {}}, "other_currencies.EUR"),
        ({"JPY": {"advocate_reward": {**FIXED, "as": "discount"}}}, "other_currencies.JPY.advocate_reward.as"),
        ({"BGN": {}}, "other_currencies.BGN.key"),
    ],
)
def test_other_currencies_are_held_to_the_same_rules(shop: Shop, others: dict[str, Any], field: str) -> None:
    body = {"name": "P", "currency": "EUR", "destination_url": "https://shop.example", "other_currencies": others}
    assert [fault["field"] for fault in shop.post("/programs", body, status=422)["errors"]] == [field]
