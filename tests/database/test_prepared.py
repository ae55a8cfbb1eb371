"""What runs past SQLAlchemy's execution gives what SQLAlchemy would, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Executable,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.database.prepared import MOST_VALUES
from service.database.tables import Instant
from service.database.writing import insertion, numbered, write_now
from service.ids import new_id
from service.merchants.tables import Slug
from tests.shop import Shop
from tests.statements import asked_by

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
thing = Table(
    "thing",
    MetaData(),
    Column("thing_id", Uuid, primary_key=True),
    Column("name", String(20), nullable=False),
    Column("amount", BigInteger),
    Column("document", JSON(none_as_null=True)),
    Column("at", Instant()),
    Column("is_on", Boolean),
    Column("raw", LargeBinary),
)
ROWS = [
    {
        "thing_id": new_id(),
        "name": f"n{place}",
        "amount": 9_007_199_254_740_993 + place,
        "document": {"a": [1, "é", None]},
        "at": MOMENT,
        "is_on": place % 2 == 0,
        "raw": bytes([0, 255, place]),
    }
    for place in range(MOST_VALUES + 2)
] + [
    {"thing_id": new_id(), "name": "none", "amount": None, "document": None, "at": None, "is_on": None, "raw": None},
]
READS: dict[str, tuple[Any, dict[str, Any]]] = {
    "every type": (select(thing).order_by(thing.c.name), {}),
    "by a list of one": (select(thing).where(thing.c.name.in_(bindparam("names", expanding=True))), {"names": ["n1"]}),
    "by a list of two": (
        select(thing.c.name, thing.c.at)
        .where(thing.c.name.in_(bindparam("names", expanding=True)), thing.c.amount > bindparam("least"))
        .order_by(thing.c.name),
        {"names": ["n1", "n2"], "least": 0},
    ),
    "by no name at all": (
        select(thing.c.name).where(thing.c.name.in_(bindparam("names", expanding=True))),
        {"names": []},
    ),
    "by more names than are kept": (
        select(thing.c.name).where(thing.c.name.in_(bindparam("names", expanding=True))).order_by(thing.c.name),
        {"names": [f"n{place}" for place in range(MOST_VALUES + 1)]},
    ),
    "by a moment and a flag": (
        select(thing.c.name).where(thing.c.at == bindparam("at"), thing.c.is_on == bindparam("on")).order_by("name"),
        {"at": MOMENT, "on": True},
    ),
    "one parameter in several places": (
        select(thing.c.name, literal("x").label("x"))
        .where((thing.c.name == bindparam("name")) | (thing.c.name == func.lower(bindparam("name"))))
        .limit(3),
        {"name": "n3"},
    ),
    "written by hand": (
        text("SELECT thing_id, name FROM thing WHERE name = :name AND name LIKE '%\\:%' OR name = :name")
        .bindparams(bindparam("name", type_=String))
        .columns(thing_id=Uuid, name=String),
        {"name": "n3"},
    ),
    "nothing found": (select(thing).where(thing.c.name == bindparam("name")), {"name": "nobody"}),
}


def told(statement: Executable) -> Executable:
    """The same, to be run past SQLAlchemy."""
    return statement.execution_options(prepared=True)


@pytest.fixture(scope="module")
def filled(new_database_url: Callable[[str], str], backend: str) -> Iterator[Database]:
    """A database of things."""
    database = Database(new_database_url(backend))
    with database.engine.begin() as connection:
        thing.metadata.create_all(connection)
    database.write(lambda session: [session.execute(insertion(thing), numbered([row])) for row in ROWS])
    yield database
    database.dispose()


def rows_of(session: Session, statement: Any, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What is found, by names."""
    return [dict(row._mapping) for row in session.execute(statement, given)]


@pytest.mark.parametrize("read", READS)
def test_the_rows_are_those_of_sqlalchemy(filled: Database, read: str) -> None:
    statement, given = READS[read]
    with filled.reading() as session:
        wanted = rows_of(session, statement, given)
        for _ in range(2):
            assert rows_of(session, told(statement), given) == wanted


def test_a_value_that_is_missing_is_missed(filled: Database) -> None:
    statement, given = READS["by a moment and a flag"]
    prepared = told(statement)
    with filled.reading() as session:
        session.execute(prepared, given)
        with pytest.raises(KeyError, match="on"):
            session.execute(prepared, {"at": MOMENT})


def test_what_was_written_is_what_sqlalchemy_reads(filled: Database) -> None:
    with filled.reading() as session:
        stored = rows_of(session, select(thing), {})
    assert sorted(stored, key=lambda row: str(row["name"])) == sorted(ROWS, key=lambda row: str(row["name"]))


def test_a_json_null_is_not_the_absence_of_a_value(filled: Database) -> None:
    """As SQLAlchemy would: where the column's type says that None is SQL's."""
    with filled.reading() as session:
        assert rows_of(session, select(thing.c.name).where(thing.c.document.is_(None)), {}) == [{"name": "none"}]


def test_the_shape_of_an_answer_is_that_of_sqlalchemy(filled: Database) -> None:
    statement = told(select(thing.c.name, thing.c.amount).where(thing.c.name == bindparam("name")))
    with filled.reading() as session:
        row = session.execute(statement, {"name": "n1"}).one()
        assert (row.name, row.amount) == tuple(row)
        assert session.execute(statement, {"name": "nobody"}).first() is None


def test_a_key_that_is_taken_is_told_as_sqlalchemy_tells_it(filled: Database) -> None:
    attempts: list[int] = []

    def take_twice(session: Session) -> None:
        attempts.append(1)
        session.execute(insertion(thing), numbered([ROWS[0]]))
        session.execute(told(select(thing.c.name)), {})

    with pytest.raises(IntegrityError) as refused:
        filled.write(take_twice)
    assert "thing" in str(refused.value)
    assert "n0" not in str(refused.value.statement)  # values are nobody's to read
    assert len(attempts) > 1  # it was a race that somebody else may have won, so it was tried again


def test_a_statement_that_cannot_be_is_told_and_changes_nothing(filled: Database) -> None:
    wrong = told(text("SELECT nothing FROM nowhere").columns(nothing=String))

    def fail(session: Session) -> None:
        session.execute(told(update(thing).values(name=bindparam("new"))), {"new": "changed"})
        session.execute(wrong, {})

    with pytest.raises((ProgrammingError, OperationalError)):
        filled.write(fail)
    with filled.reading() as session:
        assert not rows_of(session, select(thing).where(thing.c.name == "changed"), {})


def test_inserts_wait_and_are_there_with_the_next_answer(filled: Database) -> None:
    name = "waited"

    def write(session: Session) -> list[dict[str, Any]]:
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": name}]))
        found = rows_of(session, told(select(thing.c.name).where(thing.c.name == bindparam("name"))), {"name": name})
        session.rollback()
        return found

    assert filled.write(write) == [{"name": name}]


def test_what_was_put_inside_a_part_that_is_undone_is_undone(filled: Database) -> None:
    look = told(select(thing.c.name).where(thing.c.name.in_(bindparam("names", expanding=True))).order_by(thing.c.name))

    def write(session: Session) -> None:
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "before"}]))
        nested = session.begin_nested()
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "inside"}]))
        nested.rollback()
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "after"}]))

    filled.write(write)
    names = {"names": ["before", "inside", "after"]}
    with filled.reading() as session:
        assert rows_of(session, look, names) == [{"name": "after"}, {"name": "before"}]


def test_what_is_prepared_stays_usable_after_a_part_was_undone(filled: Database) -> None:
    """psycopg lets go of what is prepared when a part is undone, once it has prepared something itself."""
    look = told(select(thing.c.name).where(thing.c.name == bindparam("name")))
    with filled.reading() as session:
        for _ in range(8):
            session.execute(text("SELECT count(*) FROM thing WHERE name = :name"), {"name": "n1"}).all()
        rows_of(session, look, {"name": "n1"})
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text("SELECT nothing FROM nowhere"))
        session.execute(text("SELECT 1")).all()
        assert rows_of(session, look, {"name": "n1"}) == [{"name": "n1"}]


def test_a_refusal_amid_prepared_statements_alone_undoes_them(filled: Database) -> None:
    def refuse(session: Session) -> None:
        with session.begin_nested():
            session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "refused"}]))
            raise LookupError

    def write(session: Session) -> None:
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "kept"}]))
        with suppress(LookupError):
            refuse(session)

    def undo(session: Session) -> None:
        session.execute(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": "refused"}]))
        session.rollback()

    filled.write(write)
    filled.write(undo)
    look = told(select(thing.c.name).where(thing.c.name.in_(bindparam("names", expanding=True))))
    with filled.reading() as session:
        assert rows_of(session, look, {"names": ["kept", "refused"]}) == [{"name": "kept"}]


def test_what_the_unit_of_work_has_yet_to_write_is_seen_once_it_is_written(shop: Shop, database: Database) -> None:
    look = told(select(Slug.__table__.c.slug).where(Slug.__table__.c.slug == bindparam("slug")))
    slug = f"s{new_id().hex}"

    def write(session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        session.add(Slug(slug=slug, merchant_id=UUID(str(shop.merchant_id))))
        before = rows_of(session, look, {"slug": slug})
        write_now(session)
        return before, rows_of(session, look, {"slug": slug})

    assert database.write(write) == ([], [{"slug": slug}])


def test_a_statement_that_returns_says_what(filled: Database) -> None:
    returning = told(update(thing).values(name=bindparam("new")).returning(thing.c.name))
    with pytest.raises(TypeError):
        filled.write(lambda session: session.execute(returning, {"new": "x"}))


def test_an_insert_alone_is_there_at_once(filled: Database) -> None:
    name = "alone"
    assert filled.at_once(insertion(thing), numbered([{**ROWS[0], "thing_id": new_id(), "name": name}])).first() is None
    look = told(select(thing.c.name).where(thing.c.name == bindparam("name")))
    with filled.reading() as session:
        assert rows_of(session, look, {"name": name}) == [{"name": name}]
    with pytest.raises(IntegrityError):
        filled.at_once(insertion(thing), numbered([ROWS[0]]))
    assert filled.at_once(look, {"name": name}).one().name == name


def test_a_database_that_went_away_leaves_no_dead_connection(postgres_database: Database) -> None:
    database = postgres_database
    look = told(select(func.pg_backend_pid().label("pid")))

    def ask(session: Session) -> Any:
        return session.execute(look, {}).one().pid

    with database.reading() as session:
        pid = ask(session)
        with database.statements() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(OperationalError) as lost:
            ask(session)
    assert lost.value.connection_invalidated
    assert database.write(ask) != pid
    with database.reading() as session:
        assert ask(session) != pid


def test_tests_that_count_statements_see_those_too(filled: Database) -> None:
    with filled.reading() as session:
        statement, given = READS["by a list of two"]
        session.connection()
        assert len(asked_by(filled, lambda: session.execute(told(statement), given))) == 1
