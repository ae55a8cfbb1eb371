"""A friend whose order failed comes back: what frees a referral, and what an earlier order is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service.conversions import replay
from service.database.engine import Database
from service.tokens import TokenSigner
from tests.shop import Shop

NOW = datetime.now(UTC)


def at(days: float) -> str:
    """A time so many days from now."""
    return (NOW + timedelta(days=days)).isoformat()


def deny(shop: Shop, order: dict[str, Any]) -> None:
    """Take every reward of the order away, as for a stolen card."""
    for reward in order["rewards"]:
        shop.post(f"/rewards/{reward['reward_id']}/deny", {"note": "stolen card"}, status=200)


def quoted(shop: Shop, referral: str, buyer: str) -> dict[str, Any]:
    """What an order of this buyer would be given."""
    body = {"referral": referral, "amount": 5000, "currency": "EUR", "customer": {"customer_id": buyer}}
    answer: dict[str, Any] = shop.post("/quotes", body, status=200, scope="checkout")
    return answer


@pytest.fixture
def code(shop: Shop) -> str:
    """Ana's code, in a program with a hold."""
    return str(shop.link(shop.program(hold_days=14))["code"])


@pytest.mark.parametrize("with_token", [True, False])
def test_a_friend_whose_first_order_was_cancelled_is_rewarded_for_the_next_one(
    shop: Shop, code: str, with_token: bool
) -> None:
    shop.refund(shop.order("ben", referral=code), 5000, "cancelled")
    assert quoted(shop, code, "ben")["eligible"]
    again = shop.order("ben", referral=code if with_token else None)
    assert (again["status"], again["advocate_id"], len(again["rewards"])) == ("attributed", "ana", 2)
    assert shop.balance("ana")["pending"] == shop.balance("ben")["pending"] == 1000
    assert shop.order("ben")["status"] == "repeat"


def test_an_order_given_back_in_part_stands(shop: Shop, code: str) -> None:
    shop.refund(shop.order("ben", referral=code), 4999, "nearly all")
    assert shop.order("ben", referral=code)["status"] == "repeat"


def test_a_denied_order_does_not_use_up_the_honest_next_one(shop: Shop, code: str) -> None:
    first = shop.order("ben", referral=code)
    deny(shop, first)
    assert quoted(shop, code, "ben")["eligible"]
    assert shop.order("ben", referral=code)["status"] == "attributed"


def test_an_order_of_which_one_reward_was_denied_stands(shop: Shop, code: str) -> None:
    first = shop.order("ben", referral=code)
    deny(shop, {"rewards": first["rewards"][:1]})
    assert shop.order("ben", referral=code)["status"] == "repeat"


def test_a_cancelled_order_without_a_referral_makes_no_existing_customer(shop: Shop, code: str) -> None:
    shop.refund(shop.order("ben"), 5000, "cancelled")
    assert quoted(shop, code, "ben")["eligible"]
    assert shop.order("ben", referral=code)["status"] == "attributed"


def test_a_referral_that_stands_on_nothing_gives_way_to_another_advocate(shop: Shop) -> None:
    program = shop.program(hold_days=14)
    ana, eve = shop.link(program)["code"], shop.link(program, "eve")["code"]
    shop.refund(shop.order("ben", referral=ana), 5000, "cancelled")
    assert quoted(shop, eve, "ben")["eligible"]
    brought = shop.order("ben", referral=eve)
    assert (brought["status"], brought["advocate_id"], brought["reasons"]) == ("attributed", "eve", [])
    assert "pending" not in shop.balance("ana") or shop.balance("ana")["pending"] == 0
    late = shop.order("ben", referral=ana)
    assert (late["status"], late["advocate_id"], late["reasons"]) == ("repeat", "eve", ["already_referred"])


def test_it_stays_where_a_rule_refuses_the_other_advocate(shop: Shop) -> None:
    program = shop.program(hold_days=14)
    ana, eve = shop.link(program)["code"], shop.link(program, "eve")
    shop.refund(shop.order("ben", referral=ana), 5000, "cancelled")
    shop.patch(f"/links/{eve['link_id']}", {"status": "revoked"})
    again = shop.order("ben", referral=eve["code"])
    assert (again["status"], again["advocate_id"], again["reasons"]) == ("attributed", "ana", ["already_referred"])


def test_two_friends_cannot_bring_each_other_by_way_of_cancelled_orders(shop: Shop) -> None:
    program = shop.program(hold_days=14)
    ana, ben = shop.link(program)["code"], shop.link(program, "ben")["code"]
    shop.refund(shop.order("ben", referral=ana), 5000, "cancelled")
    assert shop.order("ana", referral=ben)["reasons"] == ["circular_referral"]


def test_a_cancelled_order_counts_in_no_cap_and_no_tier(shop: Shop) -> None:
    better = {"from_referral": 2, "advocate_reward": {"type": "fixed", "amount": 3000}}
    code = shop.link(shop.program(tiers=[better], max_rewards_per_advocate=2, friend_reward=None))["code"]
    shop.refund(shop.order(referral=code), 5000, "cancelled")
    orders = [shop.order(referral=code) for _ in range(3)]
    assert [[reward["amount"] for reward in order["rewards"]] for order in orders] == [[1000], [3000], []]
    assert (orders[2]["status"], orders[2]["reasons"]) == ("declined", ["cap_reached"])


def test_a_cap_stops_the_advocate_and_not_the_friend(shop: Shop) -> None:
    code = shop.link(shop.program(max_rewards_per_advocate=1))["code"]
    shop.order(referral=code)
    promised = quoted(shop, code, "cleo")
    assert (promised["eligible"], promised["friend_reward"]["amount"]) == (True, 1000)
    second = shop.order("cleo", referral=code)
    assert (second["status"], second["reasons"]) == ("attributed", ["cap_reached"])
    assert [(reward["side"], reward["amount"]) for reward in second["rewards"]] == [("friend", 1000)]
    assert shop.balance("ana")["earned_total"] == 1000
    explained = shop.get(f"/conversions/{second['conversion_id']}/explanation")
    assert "Noted: cap_reached." in explained["staff_text"]


def test_the_cap_counts_those_for_whom_the_advocate_earned(shop: Shop) -> None:
    code = shop.link(shop.program(max_rewards_per_advocate=1, hold_days=14))["code"]
    first = shop.order(referral=code)
    for _ in range(2):
        assert shop.order(referral=code)["reasons"] == ["cap_reached"]
    deny(shop, {"rewards": [reward for reward in first["rewards"] if reward["side"] == "advocate"]})
    assert shop.order(referral=code)["reasons"] == []


def test_earlier_is_what_was_placed_earlier_however_late_it_was_reported(shop: Shop, code: str) -> None:
    shop.order("ben", ordered_at=at(-1))
    after_an_outage = shop.order("ben", referral=code, ordered_at=at(-2))
    assert (after_an_outage["status"], after_an_outage["reasons"]) == ("attributed", [])


@pytest.mark.parametrize("days", [-2, -3])
def test_an_order_placed_before_it_or_with_it_makes_an_existing_customer(shop: Shop, code: str, days: int) -> None:
    shop.order("ben", ordered_at=at(days))
    assert shop.order("ben", referral=code, ordered_at=at(-2))["reasons"] == ["existing_customer"]


@pytest.mark.parametrize("is_newest_first", [True, False])
def test_a_file_sorted_the_other_way_earns_the_same(
    shop: Shop, database: Database, signer: TokenSigner, tmp_path: Path, is_newest_first: bool
) -> None:
    program = shop.program(hold_days=0)
    rows = [
        "o-1,ben,5000,2026-03-01T09:00:00Z,ana",
        "o-2,ben,5000,2026-03-02T09:00:00Z,",
        "o-3,ben,5000,2026-03-03T09:00:00Z,",
    ]
    lines = ["order_id,customer_id,amount_minor,ordered_at,friend_of", *(reversed(rows) if is_newest_first else rows)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines))
    source = replay.Source(shop.merchant_id, UUID(program["program_id"]), "EUR")
    tally = replay.replay(database, signer, str(path), source, advance=lambda _: None)
    assert (tally.faults, tally.statuses["attributed"]) == ([], 1)
    assert shop.available("ana") == 1000
