"""Balances changed by hand: goodwill and corrections."""

from typing import Any

import pytest

from tests.shop import Shop

GOODWILL = {
    "customer_id": "ana",
    "direction": "credit",
    "amount": 700,
    "currency": "EUR",
    "note": "Sorry for the wait.",
}


@pytest.fixture
def ana(shop: Shop) -> Shop:
    """A shop that knows Ana, who has nothing."""
    shop.put("/customers/ana", {"first_name": "Ana"}, status=201)
    return shop


def adjust(shop: Shop, *, status: int = 201, **fields: Any) -> Any:
    return shop.post("/ledger/adjustments", {**GOODWILL, **fields}, status=status)


def test_goodwill_is_available_at_once_and_stands_in_the_statement_with_its_text(ana: Shop) -> None:
    made = adjust(ana)
    assert {name: made[name] for name in GOODWILL} == GOODWILL
    assert ana.balance("ana") == {
        "currency": "EUR",
        "pending": 0,
        "available": 700,
        "reserved": 0,
        "owed": 0,
        "earned_total": 0,
        "spent_total": 0,
    }
    (entry,) = ana.get("/customers/ana/statement")["data"]
    assert (entry["kind"], entry["amount"], entry["text"]) == ("adjusted", 700, GOODWILL["note"])
    assert entry["available_after"] == 700
    assert ana.get(f"/ledger/adjustments/{made['adjustment_id']}") == made
    assert ana.get("/ledger/adjustments")["data"] == [made]
    expense = {x["account"]: x["debit"] for x in ana.get("/ledger/trial-balance")["accounts"]}
    assert expense["expense:adjustments"] == 700


def test_a_correction_takes_what_is_available_and_never_more(ana: Shop) -> None:
    adjust(ana)
    taken = adjust(ana, direction="debit", amount=300, note="It was for somebody else.")
    assert taken["direction"] == "debit"
    assert ana.available("ana") == 400
    assert ana.get("/customers/ana/statement")["data"][0]["amount"] == -300
    refused = adjust(ana, direction="debit", amount=401, status=409)
    assert refused["type"].endswith("#insufficient-balance")
    assert ana.available("ana") == 400
    assert len(ana.get("/ledger/adjustments")["data"]) == 2
    assert ana.get("/ledger/verification")["ok"] is True


def test_goodwill_pays_a_debt_first(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=None))["code"]
    order = shop.order(referral=code)
    shop.post(f"/redemptions/{shop.reserve('ana', 1000)['redemption_id']}/capture", {}, status=200)
    shop.refund(order, 5000, "r")
    assert shop.balance("ana")["owed"] == 1000
    adjust(shop, amount=1200)
    assert (shop.balance("ana")["owed"], shop.available("ana")) == (0, 200)
    assert [entry["kind"] for entry in shop.get("/customers/ana/statement?limit=2")["data"]] == [
        "debt_paid",
        "adjusted",
    ]
    assert shop.get("/ledger/verification")["ok"] is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -1),
        ("amount", 10**15 + 1),
        ("amount", 1.5),
        ("amount", "700"),
        ("currency", "XXX"),
        ("currency", "eur"),
        ("direction", "sideways"),
        ("note", ""),
        ("note", "   "),
        ("note", "x" * 501),
        ("note", None),
        ("customer_id", None),
    ],
)
def test_bad_values_are_named_and_change_nothing(ana: Shop, field: str, value: Any) -> None:
    problem = adjust(ana, status=422, **{field: value})
    assert [error["field"] for error in problem["errors"]] == [field]
    assert ana.get("/ledger/adjustments")["data"] == []


def test_a_missing_note_or_an_unknown_customer_is_refused(ana: Shop) -> None:
    without = {name: value for name, value in GOODWILL.items() if name != "note"}
    assert ana.post("/ledger/adjustments", without, status=422)["errors"][0]["field"] == "note"
    adjust(ana, customer_id="nobody", status=404)
    assert ana.call("POST", "/ledger/adjustments", GOODWILL, scope="checkout").status_code == 403
    assert ana.get("/ledger/transactions")["data"] == []


def test_the_same_idempotency_key_adjusts_once(ana: Shop) -> None:
    first = ana.call("POST", "/ledger/adjustments", GOODWILL, Idempotency_Key="k-1")
    again = ana.call("POST", "/ledger/adjustments", GOODWILL, Idempotency_Key="k-1")
    assert first.get_data() == again.get_data()
    assert ana.available("ana") == 700
