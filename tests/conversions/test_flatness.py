"""An order reads as many rows when there are many as when there are few, also where nobody ever looked at the tables.

Measured in rows that indexes gave, which no noise moves: a plan that goes by the merchant alone reads all it has.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from service.app import create_app
from service.database.engine import Database
from service.merchants import keys
from service.settings import Settings
from tests.serving import SECRET
from tests.shop import FIXED, Shop
from tests.statements import asked_by, rows_read

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FEW, MANY, TOGETHER = 20, 160, 20
"""So many orders before, between, and measured. An order may read a fifth and one row more."""


class Life:
    """A shop's life, and what the database reads for it."""

    def __init__(self, database: Database) -> None:
        url = database.engine.url.render_as_string(hide_password=False)
        self.app = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))
        merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=NOW))
        self.shop = Shop(self.app.test_client().open, made, merchant.merchant_id)
        self.program = self.shop.program()
        self.database, self.orders = database, 0

    def rows_read(self) -> int:
        """By all indexes of the database until now."""
        self.app.extensions["orchard"].database.dispose()  # a connection that ends has told what it read
        return rows_read(self.database)

    def go_on(self, orders: int) -> None:
        """Everybody brings one friend, who orders twice, gives something back, and looks at the balance."""
        for _ in range(orders):
            self.orders += 1
            name = f"{self.orders}"
            link = self.shop.link(self.program, f"ana-{name}")
            referral = link["url"].rpartition("/")[2]
            order = self.shop.order(f"bob-{name}", referral=referral)
            self.shop.order(f"bob-{name}")
            self.shop.get(f"/conversions/{order['conversion_id']}")
            self.shop.refund(order, 100, f"back-{name}")
            self.shop.balance(f"bob-{name}")

    def rows_read_for_the_next(self, orders: int) -> int:
        """By these alone."""
        before = self.rows_read()
        self.go_on(orders)
        return self.rows_read() - before


def test_an_advocate_of_many_friends_costs_what_one_of_few_does(young: Database) -> None:
    """Up to what cap and tiers tell apart: who has brought more is not counted on."""
    life = Life(young)
    tiers = [{"from_referral": 5, "advocate_reward": FIXED}]
    loved = life.shop.link(life.shop.program(tiers=tiers, max_rewards_per_advocate=10))["url"].rpartition("/")[2]

    def rows_read_for(friends: int) -> int:
        before = life.rows_read()
        for _ in range(friends):
            life.shop.order(referral=loved)
        return life.rows_read() - before

    rows_read_for(FEW)
    first = rows_read_for(TOGETHER)
    rows_read_for(MANY)
    assert rows_read_for(TOGETHER) <= first * 1.2 + TOGETHER


@pytest.mark.parametrize("is_referred", [False, True])
def test_a_customer_of_many_orders_costs_what_one_of_few_does(young: Database, *, is_referred: bool) -> None:
    """Of all that they placed, only what earned is looked at."""
    life = Life(young)
    program = life.shop.program(new_customers_only=False, rewarded_orders=3)
    code = life.shop.link(program)["url"].rpartition("/")[2]
    given = {"referral": code} if is_referred else {}
    for _ in range(4 if is_referred else 0):
        life.shop.order("bob", **given)

    def rows_read_for(orders: int) -> int:
        before = life.rows_read()
        for _ in range(orders):
            life.shop.order("bob", **given)
        return life.rows_read() - before

    rows_read_for(FEW)
    first = rows_read_for(TOGETHER)
    rows_read_for(MANY)
    assert rows_read_for(TOGETHER) <= first * 1.2 + TOGETHER


@pytest.mark.parametrize("lasts", [None, 30])
def test_a_redemption_reads_what_is_left_and_not_what_was_spent(young: Database, lasts: int | None) -> None:
    life = Life(young)
    code = life.shop.link(life.shop.program(friend_reward=None, reward_expiry_days=lasts))["code"]

    def rows_read_for(redemptions: int) -> int:
        before = life.rows_read()
        for _ in range(redemptions):
            life.shop.order(referral=code)
            reserved = life.shop.reserve("ana", 1000)["redemption_id"]
            life.shop.post(f"/redemptions/{reserved}/capture", {}, status=200)
        return life.rows_read() - before

    rows_read_for(FEW)
    first = rows_read_for(TOGETHER)
    rows_read_for(MANY)
    assert rows_read_for(TOGETHER) <= first * 1.2 + TOGETHER


def test_the_hundredth_order_reads_what_the_first_did(young: Database) -> None:
    life = Life(young)
    life.go_on(FEW)
    first = life.rows_read_for_the_next(TOGETHER)
    life.go_on(MANY)
    assert life.rows_read_for_the_next(TOGETHER) <= first * 1.2 + TOGETHER


SMALL = {"merchant", "link_domain"}
"""Of these a merchant has a row or a few."""
GIVEN = re.compile(r"(?:SEARCH|SCAN) (\w+)(?:.*\((.*)\))?")


def read_at_large(plan: str, tables: set[str]) -> bool:
    """Whether a step of SQLite's plan reads all rows of a table, or all of one merchant."""
    step = GIVEN.match(plan)
    if step is None or step[1] not in tables:
        return False
    return not any(found != "merchant_id=?" and found.endswith("=?") for found in (step[2] or "").split(" AND "))


def spend(life: Life, buyer: str, code: str) -> None:
    """A referred order, a quote for the next one, a redemption; and the order is cancelled."""
    shop = life.shop
    order = shop.order(buyer, referral=code)
    asked = {"referral": code, "amount": 5000, "currency": "EUR", "customer": {"customer_id": buyer}}
    shop.post("/quotes", asked, status=200)
    reserved = shop.reserve(buyer, 100)
    shop.post(f"/redemptions/{reserved['redemption_id']}/capture", {}, status=200)
    shop.post(f"/conversions/{order['conversion_id']}/void", {"reason": "cancelled"}, status=200)


def test_sqlite_looks_up_whatever_an_order_needs(migrated_database_url: Callable[[str], str]) -> None:
    """Its plans are made from the statements alone, so that they are the same whatever is stored."""
    database = Database(migrated_database_url("sqlite"))
    life = Life(database)
    own = life.app.extensions["orchard"].database
    asked = asked_by(own, lambda: life.go_on(1))
    code = life.shop.link(life.shop.program(tiers=[{"from_referral": 2, "advocate_reward": FIXED}]), "cy")["code"]
    for number in (1, 2):
        asked += asked_by(own, partial(spend, life, f"dan-{number}", code))
    for name in ("eve", "eve-too"):  # one person with two customers
        one = {"email": "eve@example.com"}
        asked += asked_by(own, partial(life.shop.order, name, referral=code, customer=one))
    with database.engine.connect() as connection:
        tables = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
        large: list[tuple[str, str]] = []
        aliases = tables - SMALL | {"of_order", "of_link", "of_referral", "r", "c"}
        for statement in dict.fromkeys(asked):
            if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                continue
            values = (None,) * statement.count("?")
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            large += [(step[3], statement) for step in steps if read_at_large(step[3], aliases)]
    assert large == []
    assert len(set(asked)) > 25
    database.dispose()
