"""What is kept of each order, redemption, adjustment and link, and the totals of it.

`stats_entry` says what each of them adds to which day; every other table is a sum of that, kept by `totals`, but for
visits, which are counted from `visit` and need no entry. `fresh_visit` names the visits that no total has yet.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, SmallInteger, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from service.database.tables import Base
from service.statistics.tallies import Rollup

NAME = String(255).with_variant(String(255, collation="C"), "postgresql")
"""In the order of its bytes on every server: rankings go on from a name, in SQL and in Python alike."""


class EntryRow(Base):
    """An `entries.Entry`, as it is stored.

    presence: None, or `{"role": "buyer" or "advocate", "before": {...}}` with the days of an `entries.Presence`.
    """

    __tablename__ = "stats_entry"
    __table_args__ = (
        Index(None, "merchant_id", "day"),
        Index(None, "merchant_id", "customer_id"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    program_id: Mapped[UUID | None]
    channel: Mapped[str | None] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[str | None] = mapped_column(String(255))
    advocate_id: Mapped[str | None] = mapped_column(NAME)
    links: Mapped[int]
    orders: Mapped[int]
    referred_orders: Mapped[int]
    new_customers: Mapped[int]
    clients: Mapped[int]
    returned: Mapped[int]
    revenue: Mapped[int]
    refunded: Mapped[int]
    reward_cost: Mapped[int]
    liability: Mapped[int]
    rewards: Mapped[int]
    customers: Mapped[int]
    repeaters: Mapped[int]
    spent: Mapped[int]
    reasons: Mapped[list[Any]]
    presence: Mapped[dict[str, Any] | None]
    cohort: Mapped[date | None]
    is_referred: Mapped[bool | None]


class FreshVisit(Base):
    """A visit that no total has yet. A trigger on `visit` writes it, so none is missed."""

    __tablename__ = "fresh_visit"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    visitor: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)


class VisitorDay(Base):
    """That a visitor of a link was counted on a day."""

    __tablename__ = "stats_visitor"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    visitor: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)


class Daily(Base):
    """What a day brought, by scope and currency ("" for what is not about money)."""

    __tablename__ = "stats_daily"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    links: Mapped[int]
    visits: Mapped[int]
    visitors: Mapped[int]
    orders: Mapped[int]
    referred_orders: Mapped[int]
    new_customers: Mapped[int]
    clients: Mapped[int]
    revenue: Mapped[int]
    refunded: Mapped[int]
    reward_cost: Mapped[int]
    liability: Mapped[int]


class Reasons(Base):
    """How many orders of a day were declined for a reason."""

    __tablename__ = "stats_reason"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(24), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    orders: Mapped[int]


class CohortTotal(Base):
    """What the customers who were won in one month did in another."""

    __tablename__ = "stats_cohort"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    cohort: Mapped[date] = mapped_column(primary_key=True)
    is_referred: Mapped[bool] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    customers: Mapped[int]
    repeaters: Mapped[int]
    spent: Mapped[int]


class AdvocateTotal(Base):
    """What the friends of one advocate brought, for ever. What is ranked is kept in an index of its own."""

    __tablename__ = "stats_advocate"
    __table_args__ = tuple(
        Index(f"ix_stats_advocate_{name}", "merchant_id", "scope", "program_id", "channel", "currency", *ranked)
        for name, ranked in {
            "friends": ("friends", "advocate_id"),
            "value": ("net_lifetime_value", "advocate_id"),
            "rewards": ("rewards", "advocate_id"),
        }.items()
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    advocate_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    friends: Mapped[int]
    returned: Mapped[int]
    orders: Mapped[int]
    revenue: Mapped[int]
    refunded: Mapped[int]
    rewards: Mapped[int]
    net_lifetime_value: Mapped[int]


class PresenceTotal(Base):
    """How many people were there on a day who had last been there on another (0001-01-01 for never)."""

    __tablename__ = "stats_presence"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    scope: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    previous: Mapped[date] = mapped_column(primary_key=True)
    people: Mapped[int]


TOTALS: Mapping[Rollup, Table] = {Rollup(name): Base.metadata.tables[name] for name in Rollup}
