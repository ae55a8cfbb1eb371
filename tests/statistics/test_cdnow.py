"""Real orders with a seeded friendship graph: the numbers are those that pandas computes straight from the file."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from sqlalchemy.orm import Session

from service import worker
from service.conversions import replay
from service.conversions.replay import Source
from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema
from service.programs import programs
from service.programs.programs import ProgramFields
from service.statistics import rankings, reports
from service.statistics.periods import Interval, Period
from service.statistics.rankings import Asked, Ranking
from service.statistics.totals import Cut, Totals
from service.tokens import TokenSigner
from tests.serving import SECRET

TERMS: ProgramFields = {
    "name": "Friends",
    "currency": "USD",
    "destination_url": "https://shop.example",
    "advocate_reward": {"type": "fixed", "amount": 1000, "as": "credit"},
    "friend_reward": {"type": "percent", "rate": "10.00", "max_amount": None, "as": "credit"},
    "minimum_order_amount": 0,
}


def with_friends(cdnow: Path, folder: Path, customers: int) -> tuple[Path, "pd.DataFrame"]:
    """The orders of so many customers, a third of whom were brought by an earlier one; the same as a table."""
    orders = pd.read_csv(cdnow, dtype={"customer_id": str})
    orders = orders[orders["customer_id"].isin(orders["customer_id"].unique()[:customers])].copy()
    first = orders.drop_duplicates("customer_id").set_index("customer_id")["amount_minor"]
    chance, brought_by = Random(7), {}
    known: list[str] = []
    for name, amount in first.items():
        if known and amount > 0 and chance.random() < 0.33:
            brought_by[name] = chance.choice(known[-400:])
        known.append(name)
    orders["friend_of"] = orders["customer_id"].map(brought_by)
    path = folder / "with_friends.csv"
    orders.to_csv(path, index=False, quoting=csv.QUOTE_MINIMAL)
    orders["day"] = pd.to_datetime(orders["ordered_on"])
    orders["month"] = orders["day"].dt.strftime("%Y-%m")
    orders["nth"] = orders.groupby("customer_id").cumcount() + 1
    return path, orders


@pytest.fixture(scope="module")
def replayed(cdnow: Path, is_soak: bool, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(session, merchant, orders as a table), rolled up."""
    path, orders = with_friends(cdnow, tmp_path_factory.mktemp("cdnow"), CUSTOMERS if is_soak else 500)
    database = Database("sqlite://")
    schema.upgrade(database)
    now = datetime.now(UTC)
    merchant, _ = database.write(lambda session: keys.create_merchant(session, "CDNOW", "USD", now=now))
    program, _ = database.write(lambda session: programs.create(session, merchant.merchant_id, TERMS, now=now))
    source = Source(merchant.merchant_id, program.program_id, "USD")
    replay.replay(database, TokenSigner([SECRET]), str(path), source, advance=lambda _: None)
    worker.round_of_upkeep(database, now=now)
    with database.reading() as session:
        yield session, merchant.merchant_id, orders
    database.dispose()


CUSTOMERS = 2_357
EVER = Period(date(1997, 1, 1), date(1998, 7, 1))


@pytest.mark.soak
def test_every_month_is_what_the_file_says(replayed: tuple[Session, Any, "pd.DataFrame"]) -> None:
    session, merchant_id, orders = replayed
    referred = orders[orders["friend_of"].notna()]
    pieces = reports.series(Totals.of(session, merchant_id), Cut(), EVER, Interval.MONTH)
    assert len(pieces) == 18
    for piece in pieces:
        month, measures = f"{piece.period.first:%Y-%m}", piece.measures
        of_month, of_friends = orders[orders["month"] == month], referred[referred["month"] == month]
        assert measures.orders == len(of_month)
        assert measures.referred_orders == len(of_friends)
        assert measures.new_customers == (of_friends["nth"] == 1).sum()
        assert measures.clients == (of_friends["nth"] == 2).sum()
        assert measures.buyers == of_month["customer_id"].nunique()
        assert measures.money["USD"].revenue == of_friends["amount_minor"].sum()


def test_every_week_is_what_the_file_says(replayed: tuple[Session, Any, "pd.DataFrame"]) -> None:
    session, merchant_id, orders = replayed
    pieces = reports.series(Totals.of(session, merchant_id), Cut(), EVER, Interval.WEEK)
    weeks = orders.groupby(orders["day"].dt.to_period("W-SUN"))
    counted = {week.start_time.date(): (len(of), of["customer_id"].nunique()) for week, of in weeks}
    found = {}
    for piece in pieces:
        monday = piece.period.first.fromordinal(piece.period.first.toordinal() - piece.period.first.weekday())
        found[monday] = piece.measures.orders, piece.measures.buyers
    assert {week: counts for week, counts in found.items() if counts != (0, 0)} == counted


def test_cohorts_are_what_the_file_says(replayed: tuple[Session, Any, "pd.DataFrame"]) -> None:
    session, merchant_id, orders = replayed
    won = orders[orders["nth"] == 1].set_index("customer_id")["month"]
    orders = orders.assign(cohort=orders["customer_id"].map(won), is_referred=orders["friend_of"].notna())
    found = {f"{told.month:%Y-%m}": told for told in reports.cohorts(Totals.of(session, merchant_id), Cut(), EVER)}
    assert set(found) == set(won)
    for (cohort, is_referred), of in orders.groupby(["cohort", "is_referred"]):
        told = found[cohort].referred if is_referred else found[cohort].others
        sizes = of.groupby("customer_id").size()
        assert (told.customers, told.repeaters) == (len(sizes), (sizes > 1).sum())
        spent = of.groupby("month")["amount_minor"].sum()
        assert {month: amount for (_, month), amount in told.spent.items() if amount} == dict(spent[spent > 0])


def test_advocates_are_ranked_as_the_file_says(replayed: tuple[Session, Any, "pd.DataFrame"]) -> None:
    session, merchant_id, orders = replayed
    brought = orders[orders["friend_of"].notna()].groupby("friend_of")
    table = pd.DataFrame({"value": brought["amount_minor"].sum(), "friends": brought["customer_id"].nunique()})
    totals = Totals.of(session, merchant_id)
    for by, column in ((Ranking.VALUE, "value"), (Ranking.FRIENDS, "friends")):
        ranked = rankings.ranked(totals, Asked(Cut(), "USD", by, None, 10_000, None))
        assert {one.advocate_id: (one.net_lifetime_value, one.friends) for one in ranked} == {
            str(name): (row["value"], row["friends"]) for name, row in table.iterrows()
        }
        best = table.reset_index().sort_values([column, "friend_of"], ascending=False)["friend_of"]
        assert [one.advocate_id for one in ranked] == list(best)
