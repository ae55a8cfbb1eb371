"""Two customers become one: everything of the one is the other's, and the old id means the other for ever."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from service import worker
from service.books import audit
from service.database.engine import Database
from service.statistics import rebuilding
from tests.shop import FIXED, Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, database: Database) -> Any:
    """Whatever a test did, the books verify and the numbers are right, before and after they are sealed and counted."""
    yield
    for _ in range(2):
        with database.reading() as session:
            assert audit.verify(session, shop.merchant_id).problems == []
        worker.round_of_upkeep(database, now=datetime.now(UTC))
    assert database.write(lambda s: rebuilding.mend_totals(s, shop.merchant_id, lambda _: None)) == []


def merge(shop: Shop, into: str, former: str, *, status: int = 200) -> dict[str, Any]:
    return dict(shop.post(f"/customers/{into}/merge", {"from": former}, status=status, scope="checkout"))


def earn(shop: Shop, customer: str, amount: int, **program: Any) -> dict[str, Any]:
    """A friend of the customer's earned them so much."""
    reward = {"type": "fixed", "amount": amount}
    program = shop.program(advocate_reward=reward, friend_reward=None, **program)
    return shop.order(referral=shop.link(program, customer)["code"], currency=program["currency"])


def test_balances_move_and_debts_are_paid_from_what_there_is_together(shop: Shop) -> None:
    earn(shop, "old", 1000)
    earn(shop, "old", 300, hold_days=14)
    shop.reserve("old", 200)
    earn(shop, "new", 50)
    spent = earn(shop, "new", 400)
    shop.post(f"/redemptions/{shop.reserve('new', 400)['redemption_id']}/capture", status=200)
    shop.refund(spent, 5000, "all")
    assert (shop.balance("new")["available"], shop.balance("new")["owed"]) == (0, 350)
    merged = merge(shop, "new", "old")
    assert merged["moved"] == [{"currency": "EUR", "pending": 300, "available": 800, "reserved": 200, "owed": 0}]
    held = shop.balance("new")
    assert (held["pending"], held["available"], held["reserved"], held["owed"]) == (300, 450, 200, 0)
    assert (held["earned_total"], held["spent_total"]) == (1350, 400)
    assert shop.balance("old") == held
    lines = shop.get("/customers/new/statement")["data"]
    assert [(line["kind"], line["amount"], line["available_after"]) for line in lines[:4]] == [
        ("debt_paid", -350, 450),
        ("merged", 200, 800),
        ("merged", 800, 800),
        ("merged", 300, 0),
    ]
    assert "account of yours" in lines[1]["text"]
    owed_by_age = shop.get("/ledger/liability")["by_age"]
    assert sum(line["amount"] for line in owed_by_age) == 300 + 450 + 200


def test_a_debt_moves_too(shop: Shop) -> None:
    spent = earn(shop, "old", 400)
    shop.post(f"/redemptions/{shop.reserve('old', 400)['redemption_id']}/capture", status=200)
    shop.refund(spent, 5000, "all")
    merge(shop, "new", "old", status=404)
    shop.put("/customers/new", {}, status=201)
    merge(shop, "new", "old")
    assert shop.balance("new")["owed"] == 400
    earn(shop, "new", 500)
    assert (shop.balance("new")["owed"], shop.available("new")) == (0, 100)


def test_what_was_set_aside_pending_or_lapsing_goes_on_under_the_other_id(shop: Shop, database: Database) -> None:
    shop.put("/customers/new", {}, status=201)
    earn(shop, "old", 1000, reward_expiry_days=30)
    order = earn(shop, "old", 100, hold_days=14)
    redemption = shop.reserve("old", 400)
    merge(shop, "new", "old")
    captured = shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {"amount": 300}, status=200)
    assert captured["customer_id"] == "new"
    assert shop.available("new") == 700
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "back", "amount": 100})
    shop.refund(order, 2500, "half")
    assert (shop.balance("new")["pending"], shop.available("new")) == (50, 800)
    worker.round_of_upkeep(database, now=datetime.now(UTC) + timedelta(days=70))
    assert shop.available("new") == 50  # what came back lapsed too, thirty days later


def test_everything_is_found_under_either_id(shop: Shop) -> None:
    shop.put("/customers/new", {}, status=201)
    program = shop.program()
    link = shop.link(program, "old", customer={"email": "old@example.com", "first_name": "Ana"})
    hers = shop.order("old", order_id="hers", referral=shop.link(program, "zoe")["code"])
    friend = shop.order("ben", referral=link["code"])
    spent = shop.reserve("old", 100)
    merge(shop, "new", "old")
    for name in ("old", "new"):
        customer = shop.get(f"/customers/{name}")
        assert (customer["customer_id"], customer["email"], customer["first_name"]) == ("new", "old@example.com", "Ana")
        assert [one["link_id"] for one in shop.get(f"/links?customer_id={name}")["data"]] == [link["link_id"]]
        found = shop.get(f"/conversions?customer_id={name}")["data"]
        assert [one["conversion_id"] for one in found] == [hers["conversion_id"]]
        found = shop.get(f"/conversions?advocate_id={name}")["data"]
        assert [one["conversion_id"] for one in found] == [friend["conversion_id"]]
        assert {one["customer_id"] for one in shop.get(f"/rewards?customer_id={name}")["data"]} == {"new"}
        found = shop.get(f"/redemptions?customer_id={name}")["data"]
        assert [one["redemption_id"] for one in found] == [spent["redemption_id"]]
    assert [one["customer_id"] for one in shop.get("/customers")["data"] if one["customer_id"] in ("old", "new")] == [
        "new"
    ]
    again = shop.order("old", order_id="hers", status=200, referral=shop.link(program, "zoe")["code"])
    assert again["customer_id"] == "new"
    assert shop.reserve("old", 50)["customer_id"] == "new"
    shop.put("/customers/old", {"first_name": "Anna"})
    assert shop.get("/customers/new")["first_name"] == "Anna"
    assert shop.order("old")["customer_id"] == "new"
    adjusted = {"customer_id": "old", "direction": "credit", "amount": 1, "currency": "EUR", "note": "x"}
    assert shop.post("/ledger/adjustments", adjusted)["customer_id"] == "new"


def test_links_and_codes_of_both_go_on_working_and_a_shop_that_asks_gets_one(shop: Shop) -> None:
    program = shop.program()
    links = {name: shop.link(program, name) for name in ("old", "new")}
    merge(shop, "new", "old")
    for number, name in enumerate(("old", "new")):
        order = shop.order(f"friend-{number}", referral=links[name]["code"])
        assert (order["status"], order["advocate_id"]) == ("attributed", "new")
        assert shop.link(program, name)["link_id"] == links["new"]["link_id"]


def test_what_the_two_earned_from_each_other_is_denied_while_pending_and_listed_otherwise(shop: Shop) -> None:
    pending, ripe = shop.program(hold_days=14, rewarded_orders=2), shop.program()
    first = shop.order("old", referral=shop.link(pending, "new")["code"])
    done = shop.order("new", referral=shop.link(ripe, "old")["code"])
    assert done["reasons"] == ["circular_referral"]
    merged = merge(shop, "new", "old")
    assert {one["reward_id"] for one in merged["denied"]} == {one["reward_id"] for one in first["rewards"]}
    assert (merged["kept"], merged["moved"]) == ([], [])
    assert {one["status"] for one in shop.get("/rewards?customer_id=new")["data"]} == {"denied"}
    assert shop.order("new")["status"] == "unattributed"


def test_what_was_not_pending_between_the_two_is_kept_and_listed(shop: Shop) -> None:
    order = shop.order("old", referral=shop.link(shop.program(), "new")["code"])
    merged = merge(shop, "new", "old")
    assert {one["reward_id"] for one in merged["kept"]} == {one["reward_id"] for one in order["rewards"]}
    assert shop.available("new") == 2000
    assert merge(shop, "new", "old") == merge(shop, "old", "new") == merged


def test_the_first_who_brought_either_stays(shop: Shop) -> None:
    program = shop.program(rewarded_orders=9)
    codes = {name: shop.link(program, name)["code"] for name in ("ana", "zoe")}
    shop.order("old", referral=codes["ana"])
    shop.order("new", referral=codes["zoe"])
    merge(shop, "new", "old")
    later = shop.order("new")
    assert (later["status"], later["advocate_id"]) == ("attributed", "ana")


def test_nobody_stands_above_themselves_afterwards(shop: Shop) -> None:
    program = shop.program(rewarded_orders=9)
    code = shop.link(program, "new")["code"]
    shop.order("middle", referral=code)
    shop.order("old", referral=shop.link(program, "middle")["code"])
    merge(shop, "new", "old")
    assert shop.order("new")["status"] == "unattributed"
    assert shop.order("middle")["advocate_id"] == "new"
    again = shop.order("new", referral=shop.link(program, "middle")["code"])
    assert again["reasons"] == ["circular_referral", "existing_customer"]


def test_the_cap_counts_the_friends_of_both(shop: Shop) -> None:
    program = shop.program(max_rewards_per_advocate=2, friend_reward=None, advocate_reward=FIXED)
    for name in ("old", "new"):
        shop.order(referral=shop.link(program, name)["code"])
    merge(shop, "new", "old")
    assert shop.order(referral=shop.link(program, "new")["code"])["reasons"] == ["cap_reached"]


def test_a_guest_who_signs_up_takes_along_what_they_have(shop: Shop) -> None:
    guest = {"customer_id": None, "email": "ben@example.com"}
    code = shop.link(shop.program())["code"]
    ordered = shop.order(customer=guest, referral=code)
    shop.put("/customers/ben", {"email": "ben@example.com"}, status=201)
    merge(shop, "ben", ordered["customer_id"])
    assert shop.available("ben") == 1000
    assert shop.order(customer=guest, referral=code)["customer_id"] == "ben"


@pytest.mark.parametrize(("first", "second"), [("old", "new"), ("new", "old")])
def test_an_advocate_who_gave_way_to_the_other_leaves_no_reward_twice(shop: Shop, first: str, second: str) -> None:
    program = shop.program()
    order = shop.order("ben", referral=shop.link(program, first)["code"])
    late = {"referral": shop.link(program, second)["code"], "note": "x", "overrule": []}
    shop.post(f"/conversions/{order['conversion_id']}/attribution", late, status=200)
    merge(shop, "new", "old")
    assert (shop.available("new"), shop.available("ben")) == (1000, 1000)
    shop.refund(order, 2500, "half")
    assert shop.available("new") == 500
    rewards = [one for one in shop.get("/rewards?customer_id=old")["data"] if one["side"] == "advocate"]
    assert sorted((one["status"], one["customer_id"]) for one in rewards) == [("available", "new"), ("reversed", "new")]
    for one in rewards:
        shop.post(f"/rewards/{one['reward_id']}/deny", {"note": "x"}, status=200)
    assert shop.available("new") == 0
    shop._expect(shop.call("DELETE", "/customers/new"), 200)


def test_what_was_all_spent_before_is_told_afterwards(shop: Shop) -> None:
    earn(shop, "old", 1000)
    redemption = shop.reserve("old", 1000)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.put("/customers/new", {}, status=201)
    merge(shop, "new", "old")
    held = shop.balance("new")
    assert (held["available"], held["earned_total"], held["spent_total"]) == (0, 1000, 1000)
    with ZipFile(BytesIO(shop.call("GET", "/customers/new/export").data)) as archive:
        kinds = [line["kind"] for line in json.loads(archive.read("customer.json"))["statement"]]
    assert kinds == ["spent", "reserved", "ripened", "earned"]


def test_merges_follow_each_other(shop: Shop) -> None:
    for number, name in enumerate(("a", "b", "c")):
        earn(shop, name, 10 ** (number + 1))
    merge(shop, "b", "a")
    merge(shop, "c", "a")
    for name in ("a", "b", "c"):
        assert shop.get(f"/customers/{name}")["customer_id"] == "c"
        assert shop.available(name) == 1110
    assert merge(shop, "a", "b")["customer"]["customer_id"] == "c"


@pytest.mark.parametrize(
    ("into", "former", "status"), [("ana", "ana", 422), ("ana", "nobody", 404), ("nobody", "ana", 404)]
)
def test_merges_with_oneself_or_with_nobody_are_refused(shop: Shop, into: str, former: str, status: int) -> None:
    shop.put("/customers/ana", {}, status=201)
    merge(shop, into, former, status=status)
    for body in ({}, {"from": ""}, {"from": 5}, {"from": None}, {"from": "x", "to": "y"}):
        shop.post("/customers/ana/merge", body, status=422)


def test_strangers_and_the_erased_cannot_be_merged(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    for name in ("ana", "ida"):
        shop.put(f"/customers/{name}", {}, status=201)
    stranger = new_shop()
    stranger.put("/customers/eve", {}, status=201)
    merge(stranger, "eve", "ana", status=404)
    merge(stranger, "ana", "eve", status=404)
    name = shop._expect(shop.call("DELETE", "/customers/ida"), 200)["customer_id"]
    merge(shop, "ana", name, status=422)
    merge(shop, name, "ana", status=422)


def test_whoever_became_one_is_erased_as_one(shop: Shop) -> None:
    for name in ("old", "new"):
        earn(shop, name, 100)
    merge(shop, "new", "old")
    receipt = shop._expect(shop.call("DELETE", "/customers/old"), 200)
    for name in ("old", "new"):
        assert shop._expect(shop.call("DELETE", f"/customers/{name}"), 200) == receipt
        shop.get(f"/customers/{name}", status=404)
    shop.put("/customers/old", {}, status=201)
    assert shop.available("old") == 0
