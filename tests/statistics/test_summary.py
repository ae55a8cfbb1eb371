"""What marketing is told of real lives: of friends, visits, channels, programs, currencies and refusals."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ids import new_id
from service.links.visits import Visit
from tests.shop import BROWSER, Shop
from tests.statistics.conftest import money, stats

Work = Callable[[], None]
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def test_only_people_are_visitors_and_a_link_that_has_ended_has_none(shop: Shop, work: Work) -> None:
    program = shop.program()
    link, revoked = shop.link(program), shop.link(program, "bob")
    shop.visit(link)
    shop.visit(link)
    shop.visit(link, User_Agent=BROWSER + " other")
    shop.follow(link, User_Agent=BOT)
    shop.follow(link, Sec_Purpose="prefetch")
    shop.patch(f"/links/{revoked['link_id']}", {"status": "revoked"})
    assert shop.follow(revoked).status_code == 410
    for _ in range(2):
        found = stats(shop, "summary")
        assert (found["visits"], found["unique_visitors"], found["links"], found["advocates"]) == (2, 2, 2, 2)
        work()


def test_a_visitor_who_comes_back_on_a_day_is_two_visits_and_one_visitor(
    shop: Shop, database: Database, work: Work
) -> None:
    link = shop.link(shop.program(), channel="mail")
    shop.visit(link)
    for at in (datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 15, tzinfo=UTC)):
        database.write(partial(late, shop=shop, at=at))
    for _ in range(2):
        found = stats(shop, "summary?from=2026-05-03&to=2026-05-04&channel=mail")
        assert (found["visits"], found["unique_visitors"]) == (2, 1)
        assert stats(shop, "summary")["unique_visitors"] == 2
        work()


def late(session: Session, shop: Shop, at: datetime) -> None:
    """A visit by the visitor of today's that is stored today, of that time."""
    query = select(Visit).where(Visit.merchant_id == shop.merchant_id).order_by(Visit.visited_at.desc()).limit(1)
    visit = session.scalars(query).one()
    same = {"merchant_id": visit.merchant_id, "link_id": visit.link_id, "visitor": visit.visitor}
    session.execute(insert(Visit), [{**same, "visit_id": new_id(), "hour": at, "visited_at": at}])


def test_a_second_order_without_a_reward_makes_a_client_and_one_with_a_reward_does_not(shop: Shop, work: Work) -> None:
    once = shop.link(shop.program())["code"]
    twice = shop.link(shop.program(rewarded_orders=2), "bob")["code"]
    for friend, code in (("ben", once), ("cleo", twice)):
        shop.order(friend, referral=code)
        shop.order(friend)
    for _ in range(2):
        found = stats(shop, "summary")
        assert (found["new_customers"], found["clients"], found["referred_orders"]) == (2, 1, 4)
        work()


def test_an_order_that_was_never_one_gives_its_place_to_the_next(shop: Shop, work: Work) -> None:
    code = shop.link(shop.program())["code"]
    first = shop.order("ben", referral=code, ordered_at="2026-05-01T12:00:00Z")
    shop.order("ben", ordered_at="2026-06-01T12:00:00Z")
    shop.order("ben", ordered_at="2026-07-01T12:00:00Z")

    def by_month() -> list[tuple[int, int]]:
        pieces = stats(shop, "timeseries?interval=month&from=2026-05-01&to=2026-08-01")["data"]
        return [(piece["new_customers"], piece["clients"]) for piece in pieces]

    work()
    assert by_month() == [(1, 0), (0, 1), (0, 0)]
    shop.post(f"/conversions/{first['conversion_id']}/void", {"reason": "payment_failed"}, status=200)
    for _ in range(2):
        assert by_month() == [(0, 0), (1, 0), (0, 1)]
        assert stats(shop, "cohorts?from=2026-01-01")["data"][0]["month"] == "2026-06"
        work()
    shop.post(f"/conversions/{first['conversion_id']}/reopen", status=200)
    assert by_month() == [(1, 0), (0, 1), (0, 0)]


def test_orders_that_are_reported_late_are_where_they_were_placed(shop: Shop, work: Work) -> None:
    code = shop.link(shop.program(new_customers_only=False))["code"]
    shop.order("ben", referral=code, ordered_at="2026-05-10T12:00:00Z")
    work()
    shop.order("ben", ordered_at="2026-05-01T12:00:00Z")
    for _ in range(2):
        pieces = stats(shop, "timeseries?interval=week&from=2026-04-27&to=2026-05-11")["data"]
        assert [(piece["orders"], piece["viral_coefficient"]) for piece in pieces] == [(1, 1.0), (1, 0.0)]
        found = stats(shop, "summary?from=2026-05-01&to=2026-05-11")
        assert (found["orders"], found["viral_coefficient"]) == (2, 1.0)
        work()


def test_currencies_are_never_added(shop: Shop, work: Work) -> None:
    terms = {"advocate_reward": None, "friend_reward": {"type": "fixed", "amount": 100}}
    program = shop.program(other_currencies={"JPY": {**terms, "minimum_order_amount": 0, "tiers": []}})
    code = shop.link(program)["code"]
    shop.order("ben", referral=code)
    shop.order("cleo", referral=code, amount=3000, currency="JPY")
    for _ in range(2):
        assert [of["currency"] for of in stats(shop, "summary")["money"]] == ["EUR", "JPY"]
        assert (money(shop)["revenue"], money(shop, currency="JPY")["revenue"]) == (5000, 3000)
        assert (money(shop)["reward_cost"], money(shop, currency="JPY")["reward_cost"]) == (2000, 100)
        assert [of["currency"] for of in stats(shop, "summary?currency=JPY")["money"]] == ["JPY"]
        assert stats(shop, "advocates?currency=JPY")["data"][0]["friends"] == 1
        work()


def test_each_program_and_channel_has_its_own_numbers(shop: Shop, work: Work) -> None:
    one, other = shop.program(), shop.program()
    mail = shop.link(one, channel="mail")
    shop.link(other, channel="mail")
    shop.link(one)
    order = shop.order("ben", referral=shop.visit(mail))
    shop.order("cleo")
    for _ in range(2):
        of_one = stats(shop, f"summary?program_id={one['program_id']}")
        assert (of_one["links"], of_one["advocates"], of_one["orders"], of_one["visits"]) == (2, 1, 1, 1)
        assert of_one["money"][0]["liability"] is None
        assert stats(shop, f"summary?program_id={other['program_id']}")["orders"] == 0
        both = stats(shop, f"summary?program_id={one['program_id']}&channel=mail")
        assert (both["links"], both["orders"], both["viral_coefficient"]) == (1, 1, 0.5)
        assert [of["channel"] for of in stats(shop, "channels?channel=mail&currency=EUR")["data"]] == ["mail"]
        assert stats(shop, f"reasons?channel=mail&program_id={one['program_id']}&currency=EUR")["data"] == []
        channels = {of["channel"]: of for of in stats(shop, "channels")["data"]}
        assert {name: (of["links"], of["orders"]) for name, of in channels.items()} == {"": (1, 0), "mail": (2, 1)}
        assert stats(shop, "summary?channel=")["links"] == 1
        work()
    shop.refund(order, 5000, "all of it")
    assert money(shop, f"?program_id={one['program_id']}")["net_revenue"] == 0


def test_a_paused_program_brings_refusals_and_their_reasons(shop: Shop, work: Work) -> None:
    program = shop.program()
    code = shop.link(program)["code"]
    shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    shop.order("ben", referral=code)
    declined = shop.order("cleo", referral="no such thing")
    for _ in range(2):
        found = {(row["program_id"], row["reason"]): row["orders"] for row in stats(shop, "reasons")["data"]}
        assert found[program["program_id"], "program_paused"] == 1
        assert found[None, "invalid_referral"] == 1
        work()
    shop.post(f"/conversions/{declined['conversion_id']}/void", {"reason": "test"}, status=200)
    assert "invalid_referral" not in [row["reason"] for row in stats(shop, "reasons")["data"]]


def test_rewards_that_are_spent_denied_and_lapsed_are_told_as_the_books_do(shop: Shop, work: Work) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    lapsing = shop.link(shop.program(friend_reward=None, reward_expiry_days=5))["code"]
    shop.order("ben", referral=lapsing, ordered_at=long_ago)
    kept = shop.link(shop.program(friend_reward=None), "bob")["code"]
    for friend in ("cleo", "dan"):
        order = shop.order(friend, referral=kept)
    shop.post(f"/rewards/{order['rewards'][0]['reward_id']}/deny", {"note": "no"}, status=200)
    redemption = shop.reserve("bob", 700)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "b", "amount": 200})
    body = {"customer_id": "bob", "direction": "credit", "amount": 50, "currency": "EUR", "note": "sorry"}
    shop.post("/ledger/adjustments", body)
    shop.balance("ana")
    for _ in range(2):
        assert (money(shop)["reward_cost"], money(shop)["liability"]) == (1000, 1000 - 700 + 200 + 50)
        ranked = {one["customer_id"]: one for one in stats(shop, "advocates")["data"]}
        assert (ranked["ana"]["rewards"], ranked["bob"]["rewards"], ranked["bob"]["friends"]) == (0, 1000, 2)
        work()


def test_advocates_are_ranked_by_what_their_friends_kept(shop: Shop, work: Work) -> None:
    program = shop.program()
    codes = {name: shop.link(program, name)["code"] for name in ("ana", "bob", "cleo")}
    order = shop.order("f1", referral=codes["ana"], amount=9000, ordered_at="2026-05-01T12:00:00Z")
    shop.order("f2", referral=codes["bob"], amount=5000, ordered_at="2026-06-01T12:00:00Z")
    shop.order("f3", referral=codes["bob"], amount=1000, ordered_at="2026-06-01T12:00:00Z")
    shop.order("f2", amount=1000, ordered_at="2026-06-02T12:00:00Z")
    work()
    assert [one["customer_id"] for one in stats(shop, "advocates")["data"]] == ["ana", "bob"]
    shop.refund(order, 8500, "r")
    for _ in range(2):
        bob, ana = stats(shop, "advocates")["data"]
        assert (bob["customer_id"], bob["net_lifetime_value"], bob["friends"], bob["orders"]) == ("bob", 7000, 2, 3)
        assert (bob["friends_who_returned"], bob["repeat_rate"], bob["refund_rate"]) == (1, 0.5, 0.0)
        assert (ana["net_lifetime_value"], ana["refund_rate"]) == (500, 0.9444)
        first = stats(shop, "advocates?limit=1&sort=friends")
        second = stats(shop, f"advocates?limit=1&sort=friends&cursor={first['next_cursor']}")
        assert [one["customer_id"] for page in (first, second) for one in page["data"]] == ["bob", "ana"]
        assert second["next_cursor"] is None
        for more in ("", f"&program_id={program['program_id']}", "&channel="):
            in_may = stats(shop, f"advocates?from=2026-05-01&to=2026-06-01{more}")["data"]
            assert [(one["customer_id"], one["net_lifetime_value"]) for one in in_may] == [("ana", 9000)]
        assert stats(shop, "advocates?from=2026-05-01&channel=mail")["data"] == []
        work()


def test_cohorts_tell_whether_friends_are_better_customers(shop: Shop, work: Work) -> None:
    code = shop.link(shop.program())["code"]
    shop.order("ben", referral=code, ordered_at="2026-05-01T12:00:00Z")
    shop.order("ben", amount=2000, ordered_at="2026-06-01T12:00:00Z")
    for name in ("x", "y"):
        unreferred = shop.order(name, amount=3000, ordered_at="2026-05-02T12:00:00Z")
    refund = {"refund_id": "r", "amount": 1000, "refunded_at": "2026-06-02T12:00:00Z"}
    shop.post(f"/conversions/{unreferred['conversion_id']}/refunds", refund)
    for _ in range(2):
        [may] = stats(shop, "cohorts")["data"]
        assert may["month"] == "2026-05"
        assert (may["referred"]["customers"], may["referred"]["repeat_rate"]) == (1, 1.0)
        assert [(of["month"], of["amount"]) for of in may["referred"]["revenue_per_customer"]] == [
            ("2026-05", 5000),
            ("2026-06", 2000),
        ]
        assert (may["others"]["customers"], may["others"]["repeat_rate"]) == (2, 0.0)
        assert [of["amount"] for of in may["others"]["revenue_per_customer"]] == [3000, -500]
        work()


def test_orders_of_a_referral_that_gave_way_leave_its_cohort(shop: Shop, work: Work) -> None:
    program = shop.program()
    ana, bob = (shop.link(program, name)["code"] for name in ("ana", "bob"))
    shop.order("ben", referral=ana, ordered_at="2026-07-01T12:00:00Z")
    for day in (2, 3, 4):
        shop.order("ben", ordered_at=f"2026-07-0{day}T12:00:00Z")
    last = shop.order("ben", amount=700, ordered_at="2026-07-05T12:00:00Z")
    work()
    asked = {"referral": bob, "note": "told us", "overrule": ["already_referred", "existing_customer"]}
    shop.post(f"/conversions/{last['conversion_id']}/attribution", asked, status=200)
    for _ in range(2):
        [july] = stats(shop, "cohorts")["data"]
        assert [of["amount"] for of in july["referred"]["revenue_per_customer"]] == [700]
        work()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("summary?from=2026-02-01&to=2026-01-01", "to"),
        ("summary?from=2026-02-01T00:00:00Z", "from"),
        ("summary?from=2026-02-01T00:00:00", "from"),
        ("summary?to=yesterday", "to"),
        ("summary?to=0001-01-01", "to"),
        ("summary?program_id=x", "program_id"),
        ("summary?currency=euro", "currency"),
        ("summary?chanel=mail", "chanel"),
        ("summary?channel=%00", "channel"),
        ("summary?channel=a%0Ab", "channel"),
        (f"summary?channel={'x' * 41}", "channel"),
        ("timeseries?interval=year", "interval"),
        ("timeseries?from=1970-01-02&to=2970-01-01", "interval"),
        ("advocates?sort=name", "sort"),
        ("advocates?cursor=x", "cursor"),
        ("advocates?limit=0", "limit"),
    ],
)
def test_a_question_that_cannot_be_meant_is_refused_by_name(shop: Shop, query: str, field: str) -> None:
    problem = shop.get(f"/stats/{query}", scope="marketing", status=422)
    assert [fault["field"] for fault in problem["errors"]] == [field]


def test_the_end_of_all_dates_is_a_month_too(shop: Shop) -> None:
    for interval in ("day", "week", "month"):
        pieces = stats(shop, f"timeseries?interval={interval}&from=9999-11-20&to=9999-12-30")["data"]
        assert pieces[-1]["end"] == "9999-12-30"


def test_a_thousand_years_can_be_summed_up(shop: Shop) -> None:
    shop.order()
    assert stats(shop, "summary?from=1970-01-02&to=2970-01-01")["orders"] == 1
    assert stats(shop, "summary?from=2969-01-01")["orders"] == 0


def test_a_stranger_and_their_program_are_not_there(shop: Shop, new_shop: Callable[[], Shop], work: Work) -> None:
    program = shop.program()
    shop.order("ben", referral=shop.link(program)["code"])
    stranger = new_shop()
    for _ in range(2):
        for path in ("summary", "timeseries", "channels", "reasons", "cohorts", "advocates"):
            assert stranger.call("GET", f"/stats/{path}?program_id={program['program_id']}").status_code == 404
            assert "ana" not in stranger.call("GET", f"/stats/{path}").text
        assert stats(stranger, "summary")["orders"] == 0
        work()


def test_an_order_that_names_nobody_is_an_order_and_nobody_more(shop: Shop, work: Work) -> None:
    code = shop.link(shop.program())["code"]
    body = {"amount": 5000, "currency": "EUR", "customer": {}, "ordered_at": "2026-05-03T12:00:00Z"}
    plain, declined = (shop.post("/conversions", {**body, "order_id": name, "referral": code}) for name in ("a", "b"))
    shop.post(f"/conversions/{plain['conversion_id']}/void", {"reason": "test"}, status=200)
    period = "from=2026-05-01&to=2026-05-31"
    for _ in range(2):
        found = stats(shop, f"summary?{period}")
        assert (found["orders"], found["referred_orders"], found["new_customers"]) == (1, 0, 0)
        assert found["viral_coefficient"] is None, "nobody is no customer with an order"
        assert stats(shop, f"reasons?{period}")["data"][0]["reason"] == "unknown_customer"
        work()
    rows = shop.call("GET", "/exports/conversions.jsonl", scope="marketing").text.splitlines()
    assert [json.loads(row)["customer_id"] for row in rows if "order_id" in row] == [None, None]
    shop.refund(declined, 100, "r")
