import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.orm import Session

from service.books import audit
from service.books.upkeep import seal_records
from service.conversions import voids
from service.conversions.tables.conversions import Conversion
from service.customers import persons
from service.customers.known_mailboxes import Mailbox
from service.customers.tables import Customer
from service.database.engine import Database
from service.database.release import HEAD
from service.database.sqlite import wal_is_safe
from service.ids import new_id
from service.links import partitions
from service.merchants.tables import Merchant
from service.migrations import schema
from service.migrations.metadata import ALL
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward
from tests.migrations.test_frozen import FROZEN

DIRECTORIES = {"slug", "link_host"}
"""By which an address that names no merchant finds one: the same rows wherever the others are."""

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FOR_THE_WORKER = {"ix_reward_due", "ix_reward_expiring", "ix_redemption_stale", "ix_idempotency_created_at"}


def test_the_migrations_make_what_the_code_says(database: Database) -> None:
    with database.engine.connect() as connection:
        options = {"include_object": lambda thing, name, kind, *_: not (name or "").startswith("visit_")}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, cast("MetaData", ALL)) == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == HEAD


def test_upgrading_again_changes_nothing(database: Database) -> None:
    schema.upgrade(database)


def test_the_merchant_leads_every_key() -> None:
    for metadata in ALL:
        for table in metadata.tables.values():
            if table.name in DIRECTORIES:
                continue
            keys = [list(table.primary_key.columns)]
            keys += [list(key.columns) for key in table.constraints if hasattr(key, "columns") and len(key.columns) > 1]
            keys += [
                list(key.columns) for key in table.indexes if isinstance(key, Index) and key.name not in FOR_THE_WORKER
            ]
            for columns in keys:
                checks_only = all(column.name != "merchant_id" for column in columns) and columns != keys[0]
                assert columns[0].name == "merchant_id" or checks_only, (table.name, columns)


def test_there_are_no_sequences(database: Database) -> None:
    if database.is_sqlite:
        assert not inspect(database.engine).has_table("sqlite_sequence")
    else:
        with database.engine.connect() as connection:
            ours = text("SELECT count(*) FROM pg_sequences WHERE schemaname = current_schema()")
            assert connection.execute(ours).scalar() == 0


def test_visits_are_partitioned_by_month_on_postgresql(database: Database) -> None:
    if database.is_sqlite:
        return
    with database.engine.begin() as connection:
        partitions.prepare_partitions(connection, now=datetime(2031, 11, 30, tzinfo=UTC))
        names = connection.execute(text("SELECT relname FROM pg_class WHERE relname LIKE 'visit_2%'")).scalars().all()
    assert {"visit_2031_11", "visit_2031_12", "visit_2032_01", "visit_2032_02"} <= set(names)


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_used_only_where_it_is_sound(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe


@pytest.mark.parametrize(
    "table", ["program_terms", "refund", "refund_reversal", "amendment", "redemption_return", "reward_change"]
)
def test_history_is_append_only(database: Database, table: str) -> None:
    with database.engine.connect() as connection:
        kind = "trigger" if database.is_sqlite else "r"
        query = (
            "SELECT count(*) FROM sqlite_master WHERE type = :kind AND tbl_name = :name"
            if database.is_sqlite
            else "SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE relkind = :kind AND relname = :name AND tgname LIKE '%_no_%'"
        )
        assert connection.execute(text(query), {"kind": kind, "name": table}).scalar() == (
            2 if database.is_sqlite else 3
        )


def test_an_order_of_before_had_one_amount_that_was_all_three(
    backend: str, new_database_url: Callable[[str], str]
) -> None:
    database, merchant_id, order = Database(new_database_url(backend)), new_id(), Conversion.__table__
    schema.upgrade(database, "0002")
    same, customer = {"merchant_id": merchant_id}, {"customer_id": "ben"}
    times = {"ordered_at": NOW, "recorded_at": NOW}
    said = {"order_id": "o-1", "currency": "EUR", "status": "unattributed", "reasons": "[]", "decisions": "[]"}
    with database.engine.begin() as connection:
        connection.execute(insert(Merchant).values(**same, name="A", currency="EUR", created_at=NOW))
        connection.execute(insert(Customer).values(**same, **customer, owner_id=new_id(), created_at=NOW))
        stored = {**same, **customer, **said, "conversion_id": new_id(), "amount": 5000, "refunded_amount": 5}
        names = [*stored, "fingerprint", "ordered_at", "recorded_at"]
        binds = [bindparam(name, type_=order.c[name].type) for name in ("merchant_id", "conversion_id")]
        binds += [bindparam(name, type_=order.c[name].type) for name in times]
        places = ", ".join(f":{name}" for name in names)
        written = text(f"INSERT INTO conversion ({', '.join(names)}) VALUES ({places})").bindparams(*binds)
        connection.execute(written, {**stored, **times, "fingerprint": b""})
    schema.upgrade(database)
    with database.engine.connect() as connection:
        columns = order.c.amount, order.c.discount_amount, order.c.eligible_amount
        assert connection.execute(select(*columns)).one() == (5000, 0, 5000)
        reported = {"amount": 5000, "discount_amount": 0, "eligible_amount": 5000}
        assert connection.execute(select(order.c.reported)).scalar_one() == reported
    database.dispose()


# Databases of the releases before, with orders that earned, were refunded, reviewed, spent and lapsed


RELEASES = sorted((Path(__file__).parent / "releases").glob("*.json"))
"""Each: table -> its columns and rows, as SQLite stored them (`tests/migrations/keep.py`)."""


@pytest.fixture
def of_release(backend: str, new_database_url: Callable[[str], str]) -> Iterator[Callable[[Path], Database]]:
    """Makes a database as a release left it."""
    made = []

    def make(release: Path) -> Database:
        database = Database(new_database_url(backend))
        made.append(database)
        schema.upgrade(database, release.stem)
        stored = json.loads(release.read_text())
        tables = MetaData()
        tables.reflect(database.engine, only=list(stored))
        with database.engine.begin() as connection:
            for table in tables.sorted_tables:
                kept = stored.get(table.name, {"columns": [], "rows": []})
                connection.execute(delete(table))  # what a trigger wrote beside another table's rows
                rows = [dict(zip(kept["columns"], row, strict=True)) for row in kept["rows"]]
                if rows:
                    connection.execute(insert(table), [_typed(table, row) for row in rows])
        return database

    yield make
    for database in made:
        database.dispose()


@pytest.fixture
def of_before(of_release: Callable[[Path], Database]) -> Database:
    """As the first release left it."""
    return of_release(RELEASES[0])


def test_every_release_left_a_database() -> None:
    landed = {line.split()[1][:4] for line in FROZEN.read_text().splitlines()}
    assert landed - {"0001", "0002"} <= {release.stem for release in RELEASES}


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row with values of its columns' kinds."""
    return {name: _as(table.c[name].type, value) for name, value in row.items()}


def _as(kind: Any, value: Any) -> Any:
    if value is None or isinstance(kind, Integer | BigInteger):
        return value
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(kind, LargeBinary):
        return bytes.fromhex(value)
    if isinstance(kind, JSON):
        return json.loads(value)
    return bool(value) if isinstance(kind, Boolean) else value


@pytest.mark.parametrize("release", RELEASES, ids=[release.stem for release in RELEASES])
def test_books_of_before_are_sound_afterwards_and_every_order_can_be_changed(
    of_release: Callable[[Path], Database], release: Path
) -> None:
    database = of_release(release)
    schema.upgrade(database)
    with database.reading() as session:
        [merchant] = session.scalars(select(Merchant))
        assert list(audit.problems(session, merchant.merchant_id)) == []
        standing = select(Conversion.conversion_id).where(Conversion.status != "voided")
        orders = session.scalars(standing.order_by(Conversion.conversion_id)).all()
        worth = _worth(session, merchant.merchant_id)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for conversion_id in orders:
        for work in (
            partial(voids.void, asked=voids.Void("other")),
            partial(voids.reopen),
        ):
            database.write(partial(work, merchant_id=merchant.merchant_id, conversion_id=conversion_id, now=now))
    seal_records(database, now)
    with database.reading() as session:
        assert list(audit.problems(session, merchant.merchant_id)) == []
        assert _worth(session, merchant.merchant_id) == worth


def _worth(session: Session, merchant_id: UUID) -> list[tuple[Any, ...]]:
    """What each order is worth to whom, but for whom a later release knows to be a friend of before."""
    r = Reward
    query = select(r.conversion_id, r.side, r.customer_id, r.given_as, r.amount, r.reversed_amount).where(
        r.merchant_id == merchant_id, r.status != "denied", r.friend_id != "gus2"
    )
    return sorted(tuple(map(str, row)) for row in session.execute(query))


def test_what_had_lapsed_and_been_used_is_told_by_the_books(of_before: Database) -> None:
    schema.upgrade(of_before)
    with of_before.reading() as session:
        over = select(Reward.amount, Reward.reversed_amount, Reward.used_amount).where(Reward.used_amount.is_not(None))
        assert sorted(tuple(row) for row in session.execute(over)) == [
            (600, 600, 100),
            (1000, 500, 500),
            (1000, 500, 600),
            (1500, 1500, 0),
        ]
        lapsed = select(RewardChange.lapsed_amount).where(RewardChange.lapsed_amount != 0)
        assert sorted(session.scalars(lapsed)) == [-1500, -500, -400]
        claims = select(Redemption.claim).where(Redemption.order_id == "twice").order_by(Redemption.redemption_id)
        assert session.scalars(claims).all() == ["twice", None]
        given = select(Reward.amount).where(Reward.given_as == "discount").order_by(Reward.conversion_id)
        said = select(Conversion.discount_amount).where(Conversion.discount_amount > 0)
        assert session.scalars(said.order_by(Conversion.conversion_id)).all() == session.scalars(given).all() != []


def test_mailboxes_are_named_by_the_merchants_key_and_persons_and_tills_stay_what_they_were(
    backend: str, new_database_url: Callable[[str], str]
) -> None:
    database, merchant_id = Database(new_database_url(backend)), new_id()
    schema.upgrade(database, "0012")
    tables = MetaData()
    tables.reflect(database.engine, only=["merchant", "customer", "mailbox"])
    same = {"merchant_id": merchant_id}
    shop = {"name": "A", "currency": "EUR", "time_zone": "UTC", "slug": "a", "guest_key": b"k" * 32, "created_at": NOW}
    mailboxes = {
        "ana": "one@x.example",
        "anas-other": "one@x.example",
        "ben": "two@x.example",
        "till": "till@x.example",
    }
    people = [
        {
            **same,
            "customer_id": name,
            "owner_id": new_id(),
            "folded_email": mailbox,
            "person_id": _open_digest(merchant_id, mailbox) if mailbox == "one@x.example" else None,
            "created_at": NOW,
        }
        for name, mailbox in mailboxes.items()
    ]
    known = [
        {**same, "mailbox_id": _open_digest(merchant_id, mailbox), "is_shared": mailbox == "till@x.example"}
        for mailbox in sorted(set(mailboxes.values()))
    ]
    with database.engine.begin() as connection:
        written: dict[str, list[dict[str, Any]]] = {
            "merchant": [{**same, **shop}],
            "customer": people,
            "mailbox": known,
        }
        for name, rows in written.items():
            connection.execute(insert(tables.tables[name]), [_as_stored(tables.tables[name], row) for row in rows])
    schema.upgrade(database)
    with database.reading() as session:
        merchant = session.scalars(select(Merchant)).one()
        person_of = dict(session.execute(select(Customer.customer_id, Customer.person_id)).tuples().all())
        one = persons.mailbox_id_of(merchant, "one@x.example")
        assert person_of == {"ana": one, "anas-other": one, "ben": None, "till": None}
        assert persons.mailbox_of(session, merchant_id, "Till@x.example") is None
        assert persons.mailbox_of(session, merchant_id, "two@x.example") == "two@x.example"
        left = session.execute(select(Mailbox.mailbox_id, Mailbox.is_shared)).tuples().all()
        assert left == [(persons.mailbox_id_of(merchant, "till@x.example"), True)]
    database.dispose()


def _open_digest(merchant_id: UUID, mailbox: str) -> UUID:
    return UUID(bytes=hashlib.sha256(merchant_id.bytes + mailbox.encode()).digest()[:16], version=5)


def _as_stored(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row as a table takes it whose columns were read from the database: SQLite has texts for ids."""
    return {
        name: value.hex if isinstance(value, UUID) and not isinstance(table.c[name].type, Uuid) else value
        for name, value in row.items()
    }
