"""Rolling up loses nothing and doubles nothing: killed at any statement, by three workers, or tampered with."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.app import create_app
from service.database.engine import Database
from service.events import events
from service.events.kinds import SUBJECTS, Kind
from service.events.tables import Event, EventCursor
from service.events.upkeep import place_events
from service.ids import new_id
from service.merchants import keys
from service.settings import Settings
from service.statistics import rebuilding, reports, rolling
from service.statistics.tables import AdvocateTotal, Daily, EntryRow, FreshVisit, VisitorDay
from service.statistics.totals import Cut, Totals
from service.statistics.upkeep import roll_up
from tests.serving import SECRET
from tests.shop import BROWSER, Shop
from tests.statistics.conftest import stats
from tests.statistics.oracle import ByHand
from tests.statistics.test_property import EVER, by_hand, told

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "BATCH", 4)
    monkeypatch.setattr(rolling, "VISITS", 3)


def busy(shop: Shop, *, friends: int = 12) -> None:
    """Orders, visits, refunds and a void."""
    program = shop.program(hold_days=0)
    links = [shop.link(program, f"advocate-{number}") for number in range(3)]
    for number in range(friends):
        link = links[number % 3]
        shop.visit(link, User_Agent=f"{BROWSER} {number}")
        order = shop.order(f"friend-{number}", referral=link["code"])
        if number % 3 == 0:
            shop.refund(order, 1000, "r")
        if number % 5 == 0:
            shop.post(f"/conversions/{order['conversion_id']}/void", {"reason": "test"}, status=200)


def everything_is_counted_once(session: Session, shop: Shop) -> None:
    """The numbers are those by hand, nothing waits, and making them anew changes nothing."""
    totals, hand = Totals.of(session, shop.merchant_id), ByHand(session, shop.merchant_id)
    assert told(reports.summary(totals, Cut(), EVER).measures) == by_hand(hand, Cut(), EVER)
    assert (totals.pending.tallies, totals.pending.visits) == ({}, {})
    for _ in rebuilding.steps(lambda work: work(session), shop.merchant_id):
        pass
    assert rebuilding.mend_totals(session, shop.merchant_id, lambda _: None) == []


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_worker_that_is_killed_twenty_times_loses_and_doubles_nothing(
    shop: Shop, database: Database, database_url: str
) -> None:
    busy(shop)
    before = stats(shop, "summary")
    place_events(database, NOW)
    for statement in range(3, 63, 3):
        child = os.fork()
        if not child:
            roll_up_and_die(database_url, statement)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        assert stats(shop, "summary") == before
    roll_up(database, NOW)
    assert stats(shop, "summary") == before
    database.write(lambda session: everything_is_counted_once(session, shop))


def roll_up_and_die(url: str, statement: int) -> None:
    """In a child: roll up, and be killed at the nth statement."""
    left = [statement]

    def count(*_: Any) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        database = Database(url)
        event.listen(database.engine, "before_cursor_execute", count)
        roll_up(database, NOW)
    finally:
        os._exit(0)


def test_three_workers_amid_orders_count_everything_once(postgres_database: Database) -> None:
    database = postgres_database
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=NOW))
    url = database.engine.url.render_as_string(hide_password=False)
    own = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))
    over = [False]

    def work() -> None:
        while not over[0]:
            place_events(database, NOW)
            roll_up(database, NOW)

    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(work) for _ in range(3)]
        shop = Shop(own.test_client().open, made, merchant.merchant_id)
        try:
            busy(shop)
            found = stats(shop, "summary")
        finally:
            over[0] = True
        for one in workers:
            one.result()
    assert stats(shop, "summary") == found
    place_events(database, NOW)
    roll_up(database, NOW)
    assert stats(shop, "summary") == found
    database.write(lambda session: everything_is_counted_once(session, shop))
    own.extensions["orchard"].database.dispose()


def test_events_get_places_without_a_gap_and_what_commits_late_comes_last(postgres_database: Database) -> None:
    merchant, _ = postgres_database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=NOW))
    merchant_id = merchant.merchant_id
    late = Database(postgres_database.engine.url.render_as_string(hide_password=False))
    happened = [events.Happened(Kind.LINK_MADE, merchant_id)]
    with Session(late.engine) as slow:
        events.record(slow, merchant_id, happened, now=NOW)  # made first, committed last
        for _ in range(3):
            postgres_database.write(lambda session: events.record(session, merchant_id, happened, now=NOW))
        place_events(postgres_database, NOW)
        with postgres_database.reading() as session:
            assert [one.position for one in events.after(session, merchant_id, 0, limit=10)] == [1, 2, 3]
        slow.commit()
    place_events(postgres_database, NOW)
    with postgres_database.reading() as session:
        [last] = events.after(session, merchant_id, 3, limit=10)
        assert last.position == 4
        assert last.event_id < min(one.event_id for one in events.after(session, merchant_id, 0, limit=3))
    late.dispose()


def test_every_kind_of_event_is_about_something_and_says_no_name(shop: Shop, database: Database) -> None:
    busy(shop)
    with database.reading() as session:
        found = session.scalars(select(Event).where(Event.merchant_id == shop.merchant_id)).all()
        assert {one.kind for one in found} == {
            "link_made",
            "order_recorded",
            "order_refunded",
            "order_voided",
            "reward_earned",
            "reward_ripened",
            "reward_reversed",
        }
        orders = {conversion["conversion_id"] for conversion in shop.orders().values()}
        for one in found:
            assert one.kind == "link_made" or str(one.subject_id) in orders
    assert set(SUBJECTS) == set(Kind)


def test_what_was_tampered_with_is_mended_and_named(shop: Shop, database: Database) -> None:
    busy(shop)
    place_events(database, NOW)
    roll_up(database, NOW)
    before = stats(shop, "summary")
    mine = [model.merchant_id == shop.merchant_id for model in (Daily, EntryRow, AdvocateTotal, VisitorDay)]

    def tamper(session: Session) -> None:
        session.execute(update(Daily).where(mine[0]).values(visits=Daily.visits + 1, revenue=0))
        session.execute(update(EntryRow).where(mine[1], EntryRow.new_customers == 1).values(new_customers=0))
        session.execute(update(AdvocateTotal).where(mine[2]).values(friends=99))
        for row in session.scalars(select(VisitorDay).where(mine[3]).limit(3)):
            session.delete(row)

    database.write(tamper)
    assert stats(shop, "summary") != before

    def mend(session: Session) -> list[Any]:
        for _ in rebuilding.steps(lambda work: work(session), shop.merchant_id):
            pass
        return rebuilding.mend_totals(session, shop.merchant_id, lambda _: None)

    assert {str(rollup) for rollup, _ in database.write(mend)} >= {"stats_daily", "stats_advocate"}
    assert stats(shop, "summary") == before
    database.write(lambda session: everything_is_counted_once(session, shop))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(VisitorDay).where(mine[3])) == 12


def test_too_much_that_waits_is_said_and_answered_after_a_round(
    shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(shop, friends=3)
    monkeypatch.setattr(rolling, "MOST_PENDING", 5)
    response = shop.call("GET", "/stats/summary", scope="marketing")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert response.json["type"].endswith("statistics-behind")
    place_events(database, NOW)
    roll_up(database, NOW)
    assert stats(shop, "summary")["links"] == 3


def test_a_visit_is_queued_by_the_database_and_its_row_goes_when_it_is_counted(shop: Shop, database: Database) -> None:
    shop.visit(shop.link(shop.program()))
    waiting = select(func.count()).select_from(FreshVisit).where(FreshVisit.merchant_id == shop.merchant_id)
    with database.reading() as session:
        assert session.scalar(waiting) == 1
    roll_up(database, NOW + timedelta(days=1))
    with database.reading() as session:
        assert session.scalar(waiting) == 0


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Event, {"amount": 5, "currency": None, "position": None}),
        (Event, {"amount": None, "currency": "EUR", "position": None}),
        (Event, {"amount": None, "currency": None, "position": 0}),
        (EventCursor, {"reader": "x", "position": -1}),
    ],
)
def test_the_database_refuses_events_that_cannot_be(database: Database, model: Any, fields: dict[str, Any]) -> None:
    one = new_id()
    of_event = {"event_id": one, "kind": Kind.LINK_MADE, "subject_id": one, "part_id": None, "recorded_at": NOW}
    row = {"merchant_id": one, **(of_event if model is Event else {}), **fields}
    with pytest.raises(IntegrityError), Session(database.engine) as session:
        session.execute(insert(model), [row])


def test_two_events_of_a_merchant_have_not_one_place(database: Database) -> None:
    one = new_id()
    of_event = {"merchant_id": one, "kind": Kind.LINK_MADE, "subject_id": one, "recorded_at": NOW, "position": 1}
    with pytest.raises(IntegrityError), Session(database.engine) as session:
        session.execute(insert(Event), [{**of_event, "event_id": new_id()} for _ in range(2)])
