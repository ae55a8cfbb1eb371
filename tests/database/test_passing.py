"""Rows that only pass through are what the unit of work would read, and cannot be changed by mistake."""

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.exc import UnmappedInstanceError

from service.conversions.tables.conversions import Conversion
from service.database.engine import Database
from service.database.passing import passing
from service.rewards.tables.rewards import Reward
from tests.shop import Shop


@pytest.mark.parametrize("kind", [Conversion, Reward])
def test_they_are_what_the_unit_of_work_reads(database: Database, shop: Shop, kind: type[DeclarativeBase]) -> None:
    shop.order("bob", referral=shop.link(shop.program())["url"].rpartition("/")[2])
    columns: Any = kind.__table__.columns
    of_merchant = columns.merchant_id == shop.merchant_id
    with database.reading() as session:
        watched = session.scalars(select(kind).where(of_merchant)).all()
        passed = passing(session, kind, select(*columns).where(of_merchant))
    assert watched
    names = columns.keys()
    said = [[{name: getattr(one, name) for name in names} for one in rows] for rows in (watched, passed)]
    by_key = [sorted(rows, key=lambda row: [str(row[key.key]) for key in kind.__table__.primary_key]) for rows in said]
    assert by_key[0] == by_key[1]


def test_they_cannot_be_set_and_lack_what_was_not_asked_for(database: Database, shop: Shop) -> None:
    shop.order("bob")
    columns = Conversion.__table__.columns
    query = select(columns.amount, columns.status).where(columns.merchant_id == shop.merchant_id)
    with database.reading() as session:
        (order,) = passing(session, Conversion, query)
    assert order.status == "unattributed"
    with pytest.raises(AttributeError):
        order.amount = 1
    with pytest.raises(UnmappedInstanceError):
        str(order.order_id)


ALONE = """
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from service.database.passing import passing

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "thing"
    name: Mapped[str] = mapped_column(primary_key=True)

with Session(create_engine("sqlite://")) as session:
    Base.metadata.create_all(session.connection())
    session.connection().exec_driver_sql("INSERT INTO thing VALUES ('a')")
    print(passing(session, Thing, select(Thing.__table__))[0].name)
"""


def test_they_may_be_the_first_that_a_process_reads() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], check=True, capture_output=True, text=True)
    assert done.stdout == "a\n"
