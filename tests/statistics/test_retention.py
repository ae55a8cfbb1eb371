"""What only helps for a while goes when the merchant wants it to; the numbers stay."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update

from service import worker
from service.database.engine import Database
from service.errors import BadValues
from service.events.tables import Event, EventCursor
from service.ids import first_id_at, new_id
from service.links import partitions
from service.links.visits import Visit
from service.merchants import retention
from service.merchants.upkeep import forget_old
from service.statistics import rebuilding
from service.statistics.tables import FreshVisit, VisitorDay
from service.statistics.upkeep import forget_visits
from service.web.answers import StoredAnswer
from tests.shop import Shop
from tests.statistics.conftest import stats

NOW = datetime(2032, 6, 15, 12, tzinfo=UTC)
LONG_AGO = datetime(2029, 1, 10, 9, 30, tzinfo=UTC)


def choose(database: Database, shop: Shop, **days: int) -> None:
    database.write(partial(retention.choose, merchant_id=shop.merchant_id, days=days))


def visit(database: Database, shop: Shop, at: datetime, number: int = 1) -> None:
    """Somebody followed a link of the shop then."""
    link = shop.link(shop.program())
    row = {
        "merchant_id": shop.merchant_id,
        "link_id": UUID(link["link_id"]),
        "hour": at.replace(minute=0),
        "visitor": number.to_bytes(16, "big"),
        "visit_id": new_id(),
        "visited_at": at,
    }
    database.write(lambda session: session.execute(insert(Visit), [row]))


def kept(database: Database, shop: Shop, table: Any) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(table.merchant_id == shop.merchant_id)) or 0


def counted(shop: Shop) -> tuple[int, int]:
    summary = stats(shop, "summary?from=2029-01-01&to=2032-12-31")
    return summary["visits"], summary["unique_visitors"]


def round_at(database: Database, now: datetime = NOW) -> None:
    worker.round_of_upkeep(database, now=now)


def test_visits_that_are_too_old_go_and_their_numbers_stay(shop: Shop, database: Database) -> None:
    visit(database, shop, LONG_AGO)
    visit(database, shop, NOW - timedelta(days=31), 2)
    visit(database, shop, NOW - timedelta(days=29), 3)
    choose(database, shop, visits=30)
    round_at(database)
    assert counted(shop) == (3, 3)
    assert kept(database, shop, Visit) == kept(database, shop, VisitorDay) == 1
    with database.reading() as session:
        assert rebuilding.size(session, shop.merchant_id) > 0
    assert database.write(lambda s: rebuilding.mend_totals(s, shop.merchant_id, lambda _: None)) == []
    database.write(lambda s: rebuilding.change_time_zone(s, shop.merchant_id, "Asia/Tokyo", lambda _: None))
    assert counted(shop) == (3, 3)


def test_a_month_that_nobody_keeps_any_of_goes_whole(
    shop: Shop, new_shop: Callable[[], Shop], database: Database
) -> None:
    other = new_shop()
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            partitions.prepare_partitions(connection, now=LONG_AGO, months=1)
    for one in (shop, other):
        visit(database, one, LONG_AGO)
    choose(database, shop, visits=30)
    choose(database, other, visits=36_500)
    round_at(database)
    assert (kept(database, shop, Visit), kept(database, other, Visit)) == (0, 1)
    assert _has_month(database)
    choose(database, other, visits=800)
    round_at(database)
    assert kept(database, other, Visit) == 0
    assert not _has_month(database) or database.is_sqlite
    assert (counted(shop), counted(other)) == ((1, 1), (1, 1))


def _has_month(database: Database) -> bool:
    if database.is_sqlite:
        return True
    with database.engine.connect() as connection:
        return connection.scalar(text("SELECT to_regclass('visit_2029_01')")) is not None


def test_visits_that_are_in_no_total_yet_are_left(shop: Shop, database: Database) -> None:
    visit(database, shop, LONG_AGO)
    choose(database, shop, visits=30)
    forget_visits(database, NOW)
    assert kept(database, shop, Visit) == kept(database, shop, FreshVisit) == 1
    round_at(database)
    assert counted(shop) == (1, 1)


def test_events_that_are_too_old_go_once_they_were_read(shop: Shop, database: Database) -> None:
    code = shop.link(shop.program())["code"]
    shop.order(referral=code)
    choose(database, shop, events=2)
    later = datetime.now(UTC) + timedelta(days=3)
    of_shop = (EventCursor.merchant_id == shop.merchant_id, EventCursor.reader == "statistics")
    round_at(database, datetime.now(UTC))
    assert kept(database, shop, Event) > 0
    database.write(lambda s: s.execute(update(EventCursor).where(*of_shop).values(position=1)))
    forget_old(database, later)
    left = kept(database, shop, Event)
    assert left > 0
    choose(database, shop, events=2)
    round_at(database, later)
    assert kept(database, shop, Event) == 0
    before = stats(shop, "summary")["orders"]
    shop.order(referral=code)
    round_at(database, later)
    assert stats(shop, "summary")["orders"] == before + 1


def test_answers_are_kept_as_long_as_the_merchant_wants(shop: Shop, database: Database) -> None:
    body = {"order_id": "o", "amount": 1, "currency": "EUR", "customer": {"customer_id": "ana"}}
    for days, forgotten_after in ((2, 3), (10, 11)):
        choose(database, shop, answers=days)
        shop.post("/conversions", body, status=201 if days == 2 else 200, Idempotency_Key=f"key-{days}")
        round_at(database, datetime.now(UTC) + timedelta(days=forgotten_after - 2))
        choose(database, shop, answers=days)
        assert kept(database, shop, StoredAnswer) == 1
        round_at(database, datetime.now(UTC) + timedelta(days=forgotten_after))
        assert kept(database, shop, StoredAnswer) == 0


def test_nothing_is_looked_for_more_than_once_a_day(shop: Shop, database: Database) -> None:
    round_at(database)
    with database.reading() as session:
        assert shop.merchant_id not in {
            one.merchant_id for one in retention.due(session, now=NOW + timedelta(hours=23))
        }
        assert shop.merchant_id in {one.merchant_id for one in retention.due(session, now=NOW + timedelta(days=1))}


def test_days_that_nobody_can_keep_are_refused(shop: Shop, database: Database) -> None:
    for days in (0, 1, -3, 40_000):
        with pytest.raises(BadValues, match="2 to 36500"):
            choose(database, shop, visits=days)


def test_the_first_id_of_a_moment_is_below_all_that_are_made_from_then_on() -> None:
    before = datetime.now(UTC)
    made = new_id()
    assert first_id_at(before) <= made < first_id_at(before + timedelta(minutes=1))


def test_months_go_by_the_days_of_the_merchant_who_keeps_them_longest(shop: Shop, database: Database) -> None:
    database.write(lambda s: rebuilding.change_time_zone(s, shop.merchant_id, "Asia/Tokyo", lambda _: None))
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            partitions.prepare_partitions(connection, now=datetime(2032, 4, 1, tzinfo=UTC), months=1)
    visit(database, shop, datetime(2032, 4, 30, 16, 30, tzinfo=UTC))  # on the first of May, in Tokyo
    choose(database, shop, visits=30)
    round_at(database, datetime(2032, 5, 31, 0, 30, tzinfo=UTC))
    assert kept(database, shop, Visit) == 1
    assert database.write(lambda s: rebuilding.mend_totals(s, shop.merchant_id, lambda _: None)) == []
    round_at(database, datetime(2032, 6, 1, 0, 30, tzinfo=UTC))
    assert kept(database, shop, Visit) == 0
    assert counted(shop) == (1, 1)
