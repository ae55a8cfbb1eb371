"""Days are the merchant's: of 23 and 25 hours, east and west of UTC, over New Year, and at the ends of periods."""

from collections.abc import Callable

import pytest

from service.database.engine import Database
from service.statistics import rebuilding
from tests.shop import Shop
from tests.statistics.conftest import money, stats

Making = Callable[[str], Shop]


def orders_by_day(shop: Shop, query: str, interval: str = "day") -> dict[str, int]:
    """start -> orders, of the periods that have some."""
    pieces = stats(shop, f"timeseries?interval={interval}&{query}")["data"]
    return {piece["start"]: piece["orders"] for piece in pieces if piece["orders"]}


@pytest.mark.parametrize(
    ("zone", "moments", "days"),
    [
        (
            "Europe/Berlin",
            ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"],
            {"2026-03-28": 1, "2026-03-29": 2, "2026-03-30": 1},
        ),
        (
            "Europe/Berlin",
            ["2025-10-25T21:59:59Z", "2025-10-25T22:00:00Z", "2025-10-26T22:59:59Z", "2025-10-26T23:00:00Z"],
            {"2025-10-25": 1, "2025-10-26": 2, "2025-10-27": 1},
        ),
        ("Pacific/Kiritimati", ["2026-01-31T09:59:59Z", "2026-01-31T10:00:00Z"], {"2026-01-31": 1, "2026-02-01": 1}),
        ("Pacific/Marquesas", ["2026-02-01T09:29:59Z", "2026-02-01T09:30:00Z"], {"2026-01-31": 1, "2026-02-01": 1}),
        ("Asia/Kathmandu", ["2026-02-27T18:14:59Z", "2026-02-27T18:15:00Z"], {"2026-02-27": 1, "2026-02-28": 1}),
    ],
)
def test_an_order_belongs_to_the_merchants_day(
    shop_in: Making, work: Callable[[], None], zone: str, moments: list[str], days: dict[str, int]
) -> None:
    shop = shop_in(zone)
    for moment in moments:
        shop.order(ordered_at=moment)
    for _ in range(2):
        assert orders_by_day(shop, "") == days
        assert stats(shop, "summary")["time_zone"] == zone
        work()


def test_a_week_over_new_year_is_one_week_and_empty_days_are_there(shop_in: Making) -> None:
    shop = shop_in("America/New_York")
    for moment in ("2025-12-29T12:00:00Z", "2026-01-01T03:00:00Z", "2026-01-04T12:00:00Z", "2026-01-06T12:00:00Z"):
        shop.order("ben", ordered_at=moment)
    assert orders_by_day(shop, "from=2025-12-22&to=2026-01-12", "week") == {"2025-12-29": 3, "2026-01-05": 1}
    pieces = stats(shop, "timeseries?from=2025-12-30&to=2026-01-03")["data"]
    assert [piece["start"] for piece in pieces] == ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02"]
    assert [piece["orders"] for piece in pieces] == [0, 1, 0, 0]
    months = stats(shop, "timeseries?interval=month&from=2025-12-15&to=2026-01-15")["data"]
    assert [(of["start"], of["end"], of["orders"]) for of in months] == [
        ("2025-12-15", "2026-01-01", 2),
        ("2026-01-01", "2026-01-15", 2),
    ]


def test_the_29th_of_february_is_a_day_where_there_is_one(shop: Shop) -> None:
    shop.order(ordered_at="2024-02-29T12:00:00Z")
    assert stats(shop, "summary?from=2024-02-29&to=2024-03-01")["orders"] == 1
    assert stats(shop, "timeseries?interval=month&from=2024-02-01&to=2024-03-01")["data"][0]["end"] == "2024-03-01"
    assert shop.call("GET", "/stats/summary?from=2025-02-29", scope="marketing").status_code == 422


def test_refunds_and_voids_belong_to_their_own_day(shop: Shop, work: Callable[[], None]) -> None:
    code = shop.link(shop.program(hold_days=365))["code"]
    order = shop.order("ben", referral=code, ordered_at="2026-06-30T12:00:00Z")
    other = shop.order("cleo", referral=code, ordered_at="2026-06-30T12:00:00Z")
    refund = {"refund_id": "r", "amount": 2500, "refunded_at": "2026-07-01T12:00:00Z"}
    shop.post(f"/conversions/{order['conversion_id']}/refunds", refund)
    june, july = "?from=2026-06-01&to=2026-07-01", "?from=2026-07-01&to=2026-08-01"
    for _ in range(2):
        assert [money(shop, june)[name] for name in ("revenue", "refunded", "reward_cost")] == [10_000, 0, 4000]
        assert [money(shop, july)[name] for name in ("revenue", "refunded", "reward_cost")] == [0, 2500, -1000]
        assert (money(shop, june)["liability"], money(shop, july)["liability"]) == (4000, 3000)
        work()
    shop.post(f"/conversions/{other['conversion_id']}/void", {"reason": "cancelled"}, status=200)
    for _ in range(2):
        found = stats(shop, f"summary{june}")
        assert (found["orders"], found["new_customers"], found["money"][0]["revenue"]) == (1, 1, 5000)
        assert found["money"][0]["reward_cost"] == 4000  # it had cost that in June; the books took it back today
        assert money(shop)["reward_cost"] == 1000
        work()
    shop.post(f"/conversions/{order['conversion_id']}/refunds/r/reverse", status=200)
    assert (money(shop, july)["refunded"], money(shop)["reward_cost"]) == (0, 2000)


def test_the_first_moment_of_all_belongs_to_the_day_before_west_of_greenwich(
    shop_in: Making, work: Callable[[], None]
) -> None:
    shop = shop_in("America/New_York")
    code = shop.link(shop.program(hold_days=365))["code"]
    shop.order("ben", referral=code, ordered_at="1970-01-01T00:00:00Z")
    for _ in range(2):
        found = stats(shop, "summary")
        assert (found["from"], found["money"][0]["liability"]) == ("1969-12-31", 2000)
        assert stats(shop, "summary?from=1969-12-31&to=1970-01-01")["orders"] == 1
        assert stats(shop, "timeseries")["data"][0]["orders"] == 1
        work()


def test_days_that_have_nothing_any_more_begin_no_period(shop: Shop, work: Callable[[], None]) -> None:
    old = shop.order(ordered_at="2020-05-05T12:00:00Z")
    shop.order(ordered_at="2026-11-20T12:00:00Z")
    work()
    assert stats(shop, "summary")["from"] == "2020-05-05"
    shop.post(f"/conversions/{old['conversion_id']}/void", {"reason": "test"}, status=200)
    for _ in range(2):
        assert stats(shop, "summary")["from"] == "2026-11-20"
        work()


def test_each_period_stands_beside_the_one_before_it(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    for day in (1, 2, 8):
        shop.order(referral=code, ordered_at=f"2026-05-0{day}T12:00:00Z")
    found = stats(shop, "summary?from=2026-05-08&to=2026-05-15")
    assert (found["orders"], found["previous"]["orders"]) == (1, 2)
    assert (found["previous"]["from"], found["previous"]["to"]) == ("2026-05-01", "2026-05-08")
    assert stats(shop, "summary?from=1970-01-10&to=1971-01-10")["previous"] is None


def test_another_time_zone_counts_everything_anew(
    shop_in: Making, database: Database, work: Callable[[], None]
) -> None:
    shop = shop_in("UTC")
    shop.order(ordered_at="2026-01-31T23:30:00Z")
    link = shop.link(shop.program())
    shop.visit(link)
    work()
    assert orders_by_day(shop, "") == {"2026-01-31": 1}
    database.write(
        lambda session: rebuilding.change_time_zone(session, shop.merchant_id, "Europe/Berlin", lambda _: None)
    )
    for _ in range(2):
        assert orders_by_day(shop, "") == {"2026-02-01": 1}
        found = stats(shop, "summary")
        assert (found["time_zone"], found["visits"], found["unique_visitors"]) == ("Europe/Berlin", 1, 1)
        work()
