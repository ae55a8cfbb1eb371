"""Lists of a period: from a time or a day of the merchant's on, up to another one."""

from typing import Any
from urllib.parse import quote

import pytest

from service.database.engine import Database
from service.merchants.tables import Merchant
from tests.shop import Shop

TIMES = ["2026-03-01T22:30:00Z", "2026-03-01T23:30:00Z", "2026-03-02T22:59:59.999999Z", "2026-03-02T23:00:00Z"]


@pytest.fixture
def in_vienna(shop: Shop, database: Database) -> Shop:
    """A shop whose days are those of Vienna, an hour ahead of UTC, with orders around midnight."""

    def move(session: Any) -> None:
        session.get_one(Merchant, shop.merchant_id).time_zone = "Europe/Vienna"

    database.write(move)
    for number, moment in enumerate(TIMES):
        shop.order("ben", order_id=f"o-{number}", ordered_at=moment)
    return shop


def orders(shop: Shop, query: str) -> list[str]:
    return sorted(order["order_id"] for order in shop.get(f"/conversions?{query}")["data"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2026-03-02&to=2026-03-03", ["o-1", "o-2"]),
        ("from=2026-03-02", ["o-1", "o-2", "o-3"]),
        ("to=2026-03-02", ["o-0"]),
        (f"from={quote(TIMES[1])}&to={quote(TIMES[3])}", ["o-1", "o-2"]),
        ("from=2026-03-02T00:30:00%2B01:00&to=2026-03-02T00:30:00%2B01:00", []),
        ("from=2026-03-02&limit=1", ["o-3"]),
    ],
)
def test_a_list_is_of_its_period(in_vienna: Shop, query: str, found: list[str]) -> None:
    assert orders(in_vienna, query) == found


@pytest.mark.parametrize(
    "query", ["from=2026-02-30", "from=yesterday", "to=2026-03-01T00:00:00", "from=2026-03-02&to=2026-03-01", "from="]
)
def test_a_period_that_cannot_be_is_refused(shop: Shop, query: str) -> None:
    assert shop.get(f"/conversions?{query}", status=422)["errors"][0]["field"] in ("from", "to")


def test_every_list_of_what_happened_can_be_had_of_a_period(shop: Shop) -> None:
    order = shop.order("ben", referral=shop.link(shop.program())["code"])
    shop.refund(order, 1, "r-1")
    shop.reserve("ana", 1)
    asked = {"customer_id": "ana", "direction": "credit", "amount": 1, "currency": "EUR", "note": "x"}
    shop.post("/ledger/adjustments", asked)
    lists = ("programs", "links", "rewards", "redemptions", "conversions", "ledger/adjustments")
    for path in (*lists, f"conversions/{order['conversion_id']}/refunds"):
        assert shop.get(f"/{path}?from=2026-01-01")["data"], path
        assert shop.get(f"/{path}?to=2026-01-01")["data"] == [], path


def test_conversions_are_found_by_advocate_and_program(shop: Shop) -> None:
    program = shop.program()
    mine = shop.order("ben", referral=shop.link(program)["code"])
    shop.order("cleo", referral=shop.link(shop.program(), "eve")["code"])
    for query in ("advocate_id=ana", f"program_id={program['program_id']}", "advocate_id=ana&status=attributed"):
        assert [one["conversion_id"] for one in shop.get(f"/conversions?{query}")["data"]] == [mine["conversion_id"]]
    assert shop.get("/conversions?advocate_id=nobody")["data"] == []
