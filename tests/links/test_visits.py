"""What is kept of who follows, and for how long."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from service.database.engine import Database
from service.links.followers import seen_as_nobody
from service.links.upkeep import forget_visitor_keys
from service.links.visitor_keys import VisitorKey, VisitorKeys
from service.links.visits import Visit
from service.merchants import keys
from tests.shop import BROWSER, Shop

MIDNIGHT = datetime(2026, 11, 6, tzinfo=UTC)


def of_link(database: Database, link: dict[str, Any]) -> list[Visit]:
    with database.reading() as session:
        query = select(Visit).where(Visit.link_id == UUID(link["link_id"])).order_by(Visit.visited_at)
        return list(session.scalars(query))


def days(database: Database, shop: Shop) -> list[int]:
    with database.reading() as session:
        query = select(VisitorKey.day).where(VisitorKey.merchant_id == shop.merchant_id).order_by(VisitorKey.day)
        return [day.day for day in session.scalars(query)]


def test_a_visit_keeps_what_statistics_need_and_no_more(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    came = {"Accept_Language": "de-AT,de;q=0.9", "Referer": "https://chat.example/ana@example.com"}
    shop.follow({"url": f"{link['url']}?via=qr&utm_source=x"}, **came)
    [visit] = of_link(database, link)
    kept = (visit.device, visit.language, visit.referring_host, visit.channel)
    assert kept == ("phone", "de", "chat.example", "qr")
    assert "via=" not in shop.follow({"url": f"{link['url']}?via=qr"}).headers["Location"]


def test_whoever_asks_not_to_be_told_apart_is_not(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    for _ in range(2):
        shop.visit(link, Sec_GPC="1")
    visits = of_link(database, link)
    assert [visit.visitor for visit in visits] == [seen_as_nobody(visit.visit_id) for visit in visits]
    assert len({visit.visitor for visit in visits}) == 2


def test_midnight_makes_no_second_visit_and_the_next_day_nobody_is_known(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    with time_machine.travel(MIDNIGHT - timedelta(minutes=10)) as clock:
        first = shop.visit(link)
        clock.move_to(MIDNIGHT + timedelta(minutes=10))
        assert shop.visit(link) == first
        clock.move_to(MIDNIGHT + timedelta(minutes=51))
        assert shop.visit(link) != first
    one, other = of_link(database, link)
    assert one.visitor != other.visitor


def test_the_keys_of_days_that_are_over_are_thrown_away(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    for day in (0, 1, 2):
        with time_machine.travel(MIDNIGHT + timedelta(days=day, hours=12)):
            shop.visit(link)
    assert days(database, shop) == [6, 7, 8]
    forget_visitor_keys(database, MIDNIGHT + timedelta(days=2, minutes=59))
    assert days(database, shop) == [7, 8]
    forget_visitor_keys(database, MIDNIGHT + timedelta(days=2, hours=1))
    assert days(database, shop) == [8]


def test_a_visitors_day_is_the_merchants(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    change = partial(keys.change_merchant, merchant_id=shop.merchant_id, time_zone="Asia/Tokyo")
    database.write(lambda session: change(session))
    with time_machine.travel(datetime(2026, 11, 5, 23, tzinfo=UTC)) as clock:
        shop.visit(link)
        clock.shift(timedelta(hours=12))
        shop.visit(link)
        clock.shift(timedelta(hours=12))
        shop.visit(link)
    morning, evening, next_day = of_link(database, link)
    assert morning.visitor == evening.visitor != next_day.visitor
    forget_visitor_keys(database, datetime(2026, 11, 6, 15, 30, tzinfo=UTC))
    assert days(database, shop) == [6, 7]
    forget_visitor_keys(database, datetime(2026, 11, 6, 16, tzinfo=UTC))
    assert days(database, shop) == [7]


def test_all_processes_know_a_visitor_by_the_same_key(shop: Shop, database: Database) -> None:
    noon = MIDNIGHT + timedelta(hours=12)
    one, other = VisitorKeys(), VisitorKeys()
    today, yesterday = one.of(database, shop.merchant_id, now=noon)
    assert (len(today), yesterday) == (32, None)
    assert one.of(database, shop.merchant_id, now=noon) == other.of(database, shop.merchant_id, now=noon)
    next_day = noon + timedelta(hours=12)
    assert one.of(database, shop.merchant_id, now=next_day)[1] == today
    assert one.of(database, shop.merchant_id, now=next_day + timedelta(hours=1))[1] is None
    assert all(day.day == 7 for _, day in one._known)


def test_nothing_of_a_visitor_is_kept_that_could_be_read(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    shop.visit(link, User_Agent=BROWSER + " distinctive")
    [visit] = of_link(database, link)
    kept = " ".join(str(getattr(visit, column.key)) for column in Visit.__table__.columns)
    assert "127.0.0.1" not in kept
    assert "distinctive" not in kept


@pytest.mark.parametrize("headers", [{"Accept_Language": "x" * 8_000}, {"Referer": "https://" + "x" * 3_000}])
def test_headers_of_any_length_break_nothing(shop: Shop, headers: dict[str, str]) -> None:
    assert shop.visit(shop.link(shop.program()), **headers)
