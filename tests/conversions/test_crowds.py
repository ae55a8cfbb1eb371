"""An order costs what it cost before, when others came by the thousand at once, whatever PostgreSQL knows of them.

Measured in rows that tables and indexes gave, which no noise moves. Rows are copied from one order, past the service.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from service.database.engine import Database
from tests.conversions.test_flatness import Life
from tests.shop import FIXED

CROWD, TOGETHER = 20_000, 10
COLUMNS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND is_generated = 'NEVER'"
    " AND table_schema = current_schema()"
)
FRIEND, ORDER = "'crowd-' || g", "md5('order' || g)::uuid"
LATER = "now() + interval '14 days'"


def copy(connection: Connection, table: str, which: str, changed: dict[str, str]) -> None:
    """Write this row as often as a crowd has heads; in `changed`, g is the number of one."""
    names = connection.execute(COLUMNS, {"table": table}).scalars().all()
    into, values = ", ".join(names), ", ".join(changed.get(name, name) for name in names)
    rows = f"{table}, generate_series(1, {CROWD}) AS g"
    connection.exec_driver_sql(f"INSERT INTO {table} ({into}) SELECT {values} FROM {rows} WHERE {which}")


def bring(connection: Connection, order_id: str, friend_id: str) -> None:
    """As many friends as a crowd has heads, to the advocate of this order, each with an order as this."""
    copy(connection, "customer", f"customer_id = '{friend_id}'", {"customer_id": FRIEND, "owner_id": ORDER})
    new = {"conversion_id": ORDER, "order_id": "'crowd-' || g", "customer_id": FRIEND}
    copy(connection, "conversion", f"order_id = '{order_id}'", new)
    copy(connection, "referral", f"friend_id = '{friend_id}'", {"friend_id": FRIEND})
    earned = {"reward_id": "md5(side || g)::uuid", "conversion_id": ORDER, "friend_id": FRIEND}
    earned |= {"customer_id": f"CASE side WHEN 'friend' THEN {FRIEND} ELSE customer_id END"}
    which = f"conversion_id = (SELECT conversion_id FROM conversion WHERE order_id = '{order_id}')"
    copy(connection, "reward", which, {**earned, "status": "'pending'", "available_at": LATER})


def order_often(connection: Connection, order_id: str) -> None:
    """As many orders as this one, of the same customer."""
    copy(
        connection,
        "conversion",
        f"order_id = '{order_id}'",
        {"conversion_id": "md5('often' || g)::uuid", "order_id": "'often-' || g"},
    )


@pytest.fixture
def crowded(young: Database) -> "Crowded":
    """A program with tiers, whose friends may order again, before the crowd."""
    return Crowded(young)


class Crowded:
    """One advocate and one friend, of whom there will be a crowd of friends and of orders; and somebody else."""

    def __init__(self, database: Database) -> None:
        self.life, self.database = Life(database), database
        shop = self.life.shop
        tiers = [{"from_referral": 5, "advocate_reward": FIXED}]
        program = shop.program(tiers=tiers, rewarded_orders=3, new_customers_only=False, hold_days=14)
        self.loved, self.others = (shop.link(program, name)["url"].rpartition("/")[2] for name in ("loved", "other"))
        self.of_loved = [self.order() for _ in range(6)]
        self.again = [self.order_again() for _ in range(6)]
        for _ in range(6):
            self.order_of_a_person()
        self.order_of_others()

    def order(self) -> dict[str, Any]:
        """Of a new friend of the loved one."""
        return self.life.shop.order(referral=self.loved)

    def order_again(self) -> dict[str, Any]:
        """Of the friend who orders often."""
        return self.life.shop.order("bob", referral=self.loved)

    def order_of_a_person(self) -> dict[str, Any]:
        """Of somebody who has two customers."""
        for name in ("eve", "eve-too"):
            order = self.life.shop.order(name, referral=self.loved, customer={"email": "eve@example.com"})
        return order

    def order_of_others(self) -> dict[str, Any]:
        """Of a new friend of somebody else."""
        return self.life.shop.order(referral=self.others)

    def come(self, *, is_analysed: bool) -> None:
        """Here they all are."""
        with self.database.engine.begin() as connection:
            bring(connection, self.of_loved[-1]["order_id"], self.of_loved[-1]["customer_id"])
            order_often(connection, self.again[-1]["order_id"])
        if is_analysed:
            self.database.count_anew("conversion", "customer", "referral", "reward")

    def rows_read_for(self, order: Callable[[], object]) -> int:
        """By some of these orders."""
        before = self.life.rows_read()
        for _ in range(TOGETHER):
            order()
        return self.life.rows_read() - before


@pytest.mark.parametrize("is_analysed", [False, True])
def test_an_advocate_of_a_crowd_costs_what_another_does(crowded: Crowded, *, is_analysed: bool) -> None:
    few = crowded.rows_read_for(crowded.order)
    crowded.come(is_analysed=is_analysed)
    for order in (crowded.order, crowded.order_of_others):
        assert crowded.rows_read_for(order) <= few * 1.2 + TOGETHER


@pytest.mark.parametrize("is_analysed", [False, True])
def test_a_crowd_costs_a_person_of_two_customers_nothing(crowded: Crowded, *, is_analysed: bool) -> None:
    few = crowded.rows_read_for(crowded.order_of_a_person)
    crowded.come(is_analysed=is_analysed)
    assert crowded.rows_read_for(crowded.order_of_a_person) <= few * 1.2 + TOGETHER


@pytest.mark.parametrize("is_analysed", [False, True])
def test_a_friend_of_a_crowd_of_orders_costs_what_another_does(crowded: Crowded, *, is_analysed: bool) -> None:
    few = crowded.rows_read_for(crowded.order_again)
    crowded.come(is_analysed=is_analysed)
    assert crowded.rows_read_for(crowded.order_again) <= few * 1.2 + TOGETHER
