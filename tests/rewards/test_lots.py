"""Exact lots: what is left of each grant, whatever else the customer was ever given, spent or got back."""

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select, update

from service.books import mending
from service.database.engine import Database
from service.rewards.holdings import Purse, spread
from service.rewards.tables import lots
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import CustomerTotal
from tests.books.test_records import found, found_after, seal
from tests.shop import Shop

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=True) as clock:
        yield clock


@pytest.fixture
def code(shop: Shop) -> str:
    """Ana's code in a program whose rewards of EUR 10 are ripe at once and lapse after forty days."""
    return shop.link(shop.program(friend_reward=None, reward_expiry_days=40))["code"]


def by_hand(shop: Shop, amount: int, direction: str = "credit") -> None:
    said = {"customer_id": "ana", "direction": direction, "amount": amount, "currency": "EUR", "note": "By hand."}
    shop.post("/ledger/adjustments", said)


def spend(shop: Shop, reserved: int, *, captured: int | None = None) -> str:
    redemption_id: str = shop.reserve("ana", reserved)["redemption_id"]
    shop.post(f"/redemptions/{redemption_id}/capture", {"amount": captured or reserved}, status=200)
    return redemption_id


def give_back(shop: Shop, redemption_id: str, amount: int) -> None:
    shop.post(f"/redemptions/{redemption_id}/returns", {"return_id": f"back-{amount}", "amount": amount})


def left(shop: Shop, database: Database) -> list[int]:
    """What is left of ana's rewards, the first before others; the books are sound, and add up."""
    assert found(shop, database) == []
    with database.reading() as session:
        query = select(Reward.left_amount).where(Reward.merchant_id == shop.merchant_id, Reward.customer_id == "ana")
        return list(session.scalars(query.order_by(Reward.reward_id)))


def test_goodwill_that_was_spent_keeps_no_reward_from_lapsing(shop: Shop, code: str, clock: Any) -> None:
    by_hand(shop, 1000)
    spend(shop, 1000)
    for _ in range(2):
        shop.order(referral=code)
        clock.shift(41 * DAY)
        assert shop.available("ana") == 0


def test_what_came_back_after_its_time_stays_and_does_not_lapse_with_the_next_reward(
    shop: Shop, code: str, clock: Any
) -> None:
    shop.order(referral=code)
    redemption = spend(shop, 1000)
    clock.shift(50 * DAY)
    give_back(shop, redemption, 600)
    shop.order(referral=code)
    clock.shift(50 * DAY)
    assert shop.available("ana") == 600
    clock.shift(400 * DAY)
    assert shop.available("ana") == 600


def test_what_comes_back_shortly_before_its_time_lapses_thirty_days_later(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    order = shop.order(referral=code)
    redemption = spend(shop, 1000)
    clock.shift(39 * DAY)
    give_back(shop, redemption, 600)
    assert left(shop, database) == [600]
    clock.shift(29 * DAY)
    assert shop.available("ana") == 600
    clock.shift(2 * DAY)
    assert shop.available("ana") == 0
    [reward] = shop.get(f"/rewards?conversion_id={order['conversion_id']}")["data"]
    assert reward["status"] == "lapsed"
    assert left(shop, database) == [0]


def test_a_reservation_that_is_given_back_lengthens_nothing(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    shop.order(referral=code)
    clock.shift(39 * DAY)
    redemption = shop.reserve("ana", 700)
    assert left(shop, database) == [300]
    shop.post(f"/redemptions/{redemption['redemption_id']}/void", status=200)
    assert left(shop, database) == [1000]
    clock.shift(DAY)
    assert shop.available("ana") == 0


def test_what_expires_first_is_spent_first_then_what_never_does(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    endless = shop.link(shop.program(friend_reward=None))["code"]
    shop.order(referral=endless)
    shop.order(referral=code)
    clock.shift(DAY)
    shop.order(referral=code)
    by_hand(shop, 500)
    assert (left(shop, database), shop.available("ana")) == ([1000, 1000, 1000], 3500)
    spend(shop, 1200)
    assert left(shop, database) == [1000, 0, 800]
    spend(shop, 1000)
    assert left(shop, database) == [800, 0, 0]
    redemption = spend(shop, 1000)
    assert (left(shop, database), shop.available("ana")) == ([0, 0, 0], 300)
    give_back(shop, redemption, 300)  # the last spent comes back first: of the goodwill 200
    assert (left(shop, database), shop.available("ana")) == ([100, 0, 0], 600)


def test_of_a_part_that_is_captured_what_would_expire_last_comes_back(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    shop.order(referral=code)
    clock.shift(DAY)
    shop.order(referral=code)
    redemption = spend(shop, 1500, captured=300)
    assert left(shop, database) == [700, 1000]
    give_back(shop, redemption, 300)
    assert left(shop, database) == [1000, 1000]


def test_a_refund_takes_of_its_own_reward_first_and_then_what_expires_first(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    shop.order("ben", referral=code)
    clock.shift(DAY)
    second = shop.order("cleo", referral=code)
    clock.shift(DAY)
    shop.order("dan", referral=code)
    shop.refund(second, 2500, "half")
    assert left(shop, database) == [1000, 500, 1000]
    spend(shop, 1200)
    assert left(shop, database) == [0, 300, 1000]
    shop.refund(second, 2500, "rest")
    assert left(shop, database) == [0, 0, 800]


@pytest.mark.parametrize("lasts", [None, 40])
@pytest.mark.parametrize("spent", [1, 400, 600, 1000])
@pytest.mark.parametrize("back", [2500, 5000])
def test_both_rewards_of_an_order_are_taken_back_of_somebody_who_has_both(
    shop: Shop, database: Database, lasts: int | None, spent: int, back: int
) -> None:
    half = {"type": "percent", "rate": "10.00"}
    program = shop.program(advocate_reward=half, friend_reward=half, reward_expiry_days=lasts)
    order = shop.order("fay", referral=shop.link(program)["code"])
    shop.post("/customers/ana/merge", {"from": "fay"}, status=200)
    spend(shop, spent)
    shop.refund(order, back, "back")
    taken = 1000 * back // 5000
    held = shop.balance("ana")
    assert (held["available"], held["owed"]) == (max(0, 1000 - spent - taken), max(0, spent + taken - 1000))
    assert sum(left(shop, database)) == held["available"]
    shop.post(f"/conversions/{order['conversion_id']}/refunds/back/reverse", status=200)
    is_judged_again = back == 5000  # when it was gone wholly: and nobody refers themselves
    assert shop.available("ana") == (0 if is_judged_again else 1000 - spent)
    shop.post(f"/conversions/{order['conversion_id']}/void", {"reason": "cancelled"}, status=200)
    assert shop.balance("ana")["owed"] == spent
    assert sum(left(shop, database)) == 0


def test_a_debt_is_paid_of_what_ripens_and_of_what_comes_back(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    first = shop.order("ben", referral=code)
    redemption = spend(shop, 1000)
    shop.refund(first, 5000, "all")
    shop.order("cleo", referral=code)
    assert (shop.available("ana"), left(shop, database)) == (0, [0, 0])
    give_back(shop, redemption, 400)  # of an order that is gone: of no reward, so that it stays
    assert (shop.available("ana"), left(shop, database)) == (400, [0, 0])
    clock.shift(100 * DAY)
    assert shop.available("ana") == 400


def test_by_hand_is_taken_first_what_was_added_by_hand(shop: Shop, database: Database, code: str) -> None:
    shop.order(referral=code)
    by_hand(shop, 300)
    by_hand(shop, 200, "debit")
    assert (left(shop, database), shop.available("ana")) == ([1000], 1100)
    by_hand(shop, 200, "debit")
    assert (left(shop, database), shop.available("ana")) == ([900], 900)


def test_lots_move_with_who_becomes_one_with_another(shop: Shop, database: Database, code: str, clock: Any) -> None:
    shop.order("ben", referral=code)
    by_hand(shop, 100)
    other = shop.link(shop.program(friend_reward=None, reward_expiry_days=40), "eve")["code"]
    owes = shop.order("dan", referral=other)
    redemption = shop.reserve("eve", 1000)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.refund(owes, 1000, "part")
    shop.post("/customers/ana/merge", {"from": "eve"}, status=200)
    assert (shop.available("ana"), sum(left(shop, database))) == (900, 800)
    clock.shift(41 * DAY)
    assert shop.available("ana") == 100


def test_many_lots_are_read_as_far_as_they_are_needed(
    shop: Shop, database: Database, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots, "AT_ONCE", 2)
    endless = shop.link(shop.program(friend_reward=None))["code"]
    for which in [code] * 3 + [endless] * 3:
        shop.order(referral=which)
    shop.available("ana")

    def first(amount: int) -> list[int]:
        with database.reading() as session:
            return [lot.left for lot in lots.first(session, shop.merchant_id, "ana", "EUR", amount)]

    assert [len(first(amount)) for amount in (1, 2000, 2001, 5000, 9000)] == [2, 2, 6, 6, 6]
    spend(shop, 4500)
    assert left(shop, database) == [0, 0, 0, 0, 500, 1000]


def test_lots_that_were_edited_are_named_and_mended(shop: Shop, database: Database, code: str) -> None:
    shop.order(referral=code)
    by_hand(shop, 300)
    give_back(shop, spend(shop, 400), 100)
    seal(database)
    changes = (
        "UPDATE reward SET left_amount = left_amount - 1",
        "UPDATE reward SET left_amount = left_amount + 1",
        "UPDATE customer_total SET lasting = lasting + 1",
        "UPDATE customer_total SET lasting = 0",
        "UPDATE redemption_part SET amount = amount + 1",
        "UPDATE redemption_part SET given_back = given_back - 1",
        "DELETE FROM redemption_part",
    )
    mine = str(shop.merchant_id)
    named = [found_after(shop, database, f"{change} WHERE merchant_id = :id", mine) for change in changes]
    assert all(named)
    assert ["available" in problems[0] for problems in named] == [True] * 4 + [False] * 3


def test_rebuild_sets_what_never_lapses_right(shop: Shop, database: Database, code: str) -> None:
    shop.order(referral=code)
    by_hand(shop, 300)
    with database.engine.begin() as connection:
        connection.execute(update(CustomerTotal).where(CustomerTotal.merchant_id == shop.merchant_id).values(lasting=7))
    with database.reading() as session:
        wrong = mending.customers_with_wrong_totals(session, shop.merchant_id)
    assert wrong == ["ana"]
    assert database.write(lambda session: mending.mend_totals(session, shop.merchant_id, "ana")) == ["EUR"]
    assert found(shop, database) == []


def test_lots_of_before_are_filled_by_the_reckoning_of_before(
    shop: Shop, database: Database, code: str, clock: Any
) -> None:
    """Where nothing was given for good and spent, that is what they are."""
    endless = shop.link(shop.program(friend_reward=None))["code"]
    for which in (endless, code, code):
        shop.order(referral=which)
        clock.shift(DAY)
    by_hand(shop, 500)
    spend(shop, 1300)
    shop.link(shop.program(friend_reward=None), "eve")
    kept = left(shop, database), shop.available("ana")
    assert kept == ([1000, 0, 700], 2200)
    lots_of_before = importlib.import_module("service.migrations.versions.0017_lots")
    with database.engine.begin() as connection:
        for table, column in ((Reward, "left_amount"), (CustomerTotal, "lasting")):
            connection.execute(update(table).where(table.merchant_id == shop.merchant_id).values({column: 0}))
        with Operations.context(MigrationContext.configure(connection)):
            lots_of_before.fill()
    assert (left(shop, database), shop.available("ana")) == kept


@pytest.mark.parametrize(
    ("amount", "over", "expected"),
    [
        (0, [], [0]),
        (5, [], [5]),
        (0, [3, 4], [0, 0, 0]),
        (3, [3, 4], [3, 0, 0]),
        (5, [3, 4], [3, 2, 0]),
        (9, [3, 4], [3, 4, 2]),
    ],
)
def test_an_amount_is_spread_over_the_first_before_others(amount: int, over: list[int], expected: list[int]) -> None:
    assert spread(amount, over) == expected


def test_a_purse_pays_what_it_owes_before_it_has_more() -> None:
    purse = Purse(available=10, owed=0)
    assert (purse.lose(15), purse) == (5, Purse(0, 5))
    assert (purse.gain(3), purse) == (3, Purse(0, 2))
    assert (purse.gain(6), purse) == (2, Purse(4, 0))
