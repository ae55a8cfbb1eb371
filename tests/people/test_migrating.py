"""Moving in with a history: old codes work, who brought whom is known, and balances are the books' own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from service import worker
from service.books import audit
from service.database.engine import Database
from service.errors import Unknown
from service.ids import new_id
from service.people import belongings, migrating
from service.people.migrating import Tally
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, database: Database) -> Iterator[None]:
    """Whatever a test did, the books verify, sealed or not."""
    yield
    for _ in range(2):
        with database.reading() as session:
            assert audit.verify(session, shop.merchant_id).problems == []
        worker.round_of_upkeep(database, now=datetime.now(UTC))


@pytest.fixture
def program(shop: Shop) -> dict[str, Any]:
    return shop.program(rewarded_orders=2)


@pytest.fixture
def move(shop: Shop, database: Database, program: dict[str, Any]) -> Any:
    """Moves these customers in; what became of them."""

    def run(*members: dict[str, Any]) -> Tally:
        now = datetime.now(UTC)
        lines = belongings.read([json.dumps(one).encode() for one in members], zone=UTC, now=now)
        program_id = UUID(program["program_id"])
        return migrating.migrate(database, shop.merchant_id, program_id, lines, now=now, advance=lambda: None)

    return run


def counts(tally: Tally) -> tuple[int, int, int]:
    return tally.moved, tally.known, len(tally.faults)


BALANCES = [{"currency": "EUR", "amount": 1500}, {"currency": "JPY", "amount": 90}]
ANA: dict[str, Any] = {
    "customer_id": "ana",
    "email": "ana@example.com",
    "first_name": "Ana",
    "codes": ["OLD-ANA", "ANA10"],
    "balances": BALANCES,
}
BEN: dict[str, Any] = {
    "customer_id": "ben",
    "brought_by": "ana",
    "brought_at": "2024-05-31",
    "since": "2024-05-31",
}


def test_balances_are_opened_against_an_account_of_their_own(shop: Shop, move: Any) -> None:
    assert counts(move(ANA)) == (1, 0, 0)
    assert (shop.available("ana"), shop.balance("ana", "JPY")["available"]) == (1500, 90)
    accounts = {(one["account"], one["currency"]): one for one in shop.get("/ledger/trial-balance")["accounts"]}
    assert accounts["equity:opening", "EUR"]["debit"] == 1500
    [line] = [one for one in shop.get("/customers/ana/statement")["data"] if one["currency"] == "EUR"]
    assert (line["kind"], line["text"]) == ("opened", "Brought along from before.")
    money = {one["currency"]: one for one in shop.get("/stats/summary", scope="marketing")["money"]}
    assert money["EUR"]["liability"] == 1500
    spent = shop.reserve("ana", 1500)
    shop.post(f"/redemptions/{spent['redemption_id']}/capture", status=200)
    assert shop.available("ana") == 0


def test_running_it_again_changes_nothing_and_another_amount_is_refused(shop: Shop, move: Any) -> None:
    move(ANA, BEN)
    before = shop.get("/ledger/transactions"), shop.get("/links"), shop.get("/customers")
    assert counts(move(ANA, BEN)) == (0, 2, 0)
    assert (shop.get("/ledger/transactions"), shop.get("/links"), shop.get("/customers")) == before
    other = move({**ANA, "balances": [{"currency": "EUR", "amount": 1501}]})
    assert [(fault.row, fault.field) for fault in other.faults] == [(1, "balances")]
    assert shop.available("ana") == 1500


def test_old_codes_go_on_working_and_the_last_one_is_shown(shop: Shop, move: Any, program: dict[str, Any]) -> None:
    move(ANA)
    assert shop.link(program)["code"] == "ANA10"
    for number, code in enumerate(("old ana", "ANA10")):
        order = shop.order(f"friend-{number}", referral=code)
        assert (order["status"], order["advocate_id"]) == ("attributed", "ana")
    taken = move({"customer_id": "eve", "codes": ["ana-10"]}, {"customer_id": "kim", "codes": ["x"]})
    assert [fault.row for fault in taken.faults] == [1, 2]


def test_who_brought_whom_is_known_and_no_friend_is_welcomed_twice(shop: Shop, move: Any) -> None:
    move(BEN, {"customer_id": "cleo", "brought_by": "ana", "rewarded_orders": 1})
    later = shop.order("ben")
    assert (later["status"], later["advocate_id"], later["rewards"]) == ("repeat", "ana", [])
    assert [shop.order("cleo")["status"] for _ in range(2)] == ["attributed", "repeat"]
    other = shop.link(shop.program(), "zoe")["code"]
    assert shop.order("ben", referral=other)["reasons"] == ["already_referred"]


def test_nobody_brings_themselves_or_comes_through_two(shop: Shop, move: Any) -> None:
    found = move(
        BEN,
        {"customer_id": "ana", "brought_by": "ben"},
        {"customer_id": "ana", "brought_by": "ana"},
        {"customer_id": "ben", "brought_by": "zoe"},
    )
    assert [(fault.row, fault.field) for fault in found.faults] == [(row, "brought_by") for row in (2, 3, 4)]
    code = shop.link(shop.program(), "ben")["code"]
    assert "circular_referral" in shop.order("ana", referral=code)["reasons"]


def test_a_fault_of_one_line_leaves_nothing_of_it_and_all_of_the_others(shop: Shop, move: Any) -> None:
    found = move({**ANA, "brought_by": "ana"}, BEN, {"customer_id": ".."})
    assert [(fault.row, fault.field) for fault in found.faults] == [(3, "customer_id"), (1, "brought_by")]
    assert shop.available("ana") == 0
    assert shop.get("/customers/ben")["since"].startswith("2024-05-31")


def test_who_is_refused_is_no_customer(shop: Shop, move: Any) -> None:
    said = [
        {"customer_id": "a"},
        {"customer_id": "b", "brought_by": "b"},
        {"customer_id": "c", "codes": ["GOOD-ONE"]},
        {"customer_id": "d", "codes": ["GOOD-ONE"]},
        {"customer_id": "e", "codes": ["ANOTHER-ONE"], "brought_by": "nobody-at-all"},
    ]
    refused = {said[fault.row - 1]["customer_id"] for fault in move(*said).faults}
    assert "d" in refused
    assert {one["customer_id"] for one in shop.get("/customers")["data"]} & set("abcde") == set("abcde") - refused


def test_what_was_brought_along_is_merged_and_erased_with_the_rest(shop: Shop, move: Any) -> None:
    move(ANA, BEN)
    shop.put("/customers/other", {}, status=201)
    shop.post("/customers/other/merge", {"from": "ana"}, status=200)
    assert shop.available("other") == 1500
    assert shop.order("ben")["advocate_id"] == "other"
    name = shop._expect(shop.call("DELETE", "/customers/other"), 200)["customer_id"]
    assert shop.available(name) == 0
    assert counts(move({"customer_id": "ana", "balances": BALANCES})) == (1, 0, 0)


@pytest.mark.parametrize("is_merged_first", [True, False])
def test_two_who_both_brought_something_along_become_one(shop: Shop, move: Any, is_merged_first: bool) -> None:
    old, new = ({"customer_id": name, "balances": BALANCES[:1]} for name in ("old", "new"))
    for name in ("old", "new"):
        shop.put(f"/customers/{name}", {}, status=201)
    if not is_merged_first:
        move(old, new)
    shop.post("/customers/new/merge", {"from": "old"}, status=200)
    move(old, new)
    assert shop.available("new") == 3000
    assert counts(move(old, new)) == (0, 2, 0)


def test_a_program_of_nobodys_is_unknown(shop: Shop, database: Database) -> None:
    now = datetime.now(UTC)
    with pytest.raises(Unknown):
        migrating.migrate(database, shop.merchant_id, new_id(), iter(()), now=now, advance=lambda: None)
