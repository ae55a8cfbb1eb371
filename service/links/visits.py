"""Visits: each human follow of a link. Many and cheap, so this file writes them without the ORM."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    LargeBinary,
    String,
    TextClause,
    TextualSelect,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.tables import Base, Instant
from service.links import crowds
from service.links.crowds import CROWD, LEFT_OUT
from service.links.followers import Traits
from service.links.states import LinkStatus, state_of
from service.programs import programs
from service.programs.states import Landing, ProgramStatus

SAME_VISIT = timedelta(hours=1)


class Visit(Base):
    """One human follow of a link. On PostgreSQL the table is partitioned by month of `hour`.

    visitor: a keyed hash that tells two visitors of one link apart within a day: 6 bytes of their network and 10 of
    themselves. Of who asks not to be told apart, zeros and a part of the visit's id.
    device, language, referring_host: as the browser said. channel: the way by which the address was shared.
    hour: the start of the hour of the visit, so that one visitor cannot be stored twice in it.
    """

    __tablename__ = "visit"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    visitor: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    visit_id: Mapped[UUID]
    visited_at: Mapped[datetime]
    device: Mapped[str | None] = mapped_column(String(8))
    language: Mapped[str | None] = mapped_column(String(8))
    referring_host: Mapped[str | None] = mapped_column(String(253))
    channel: Mapped[str | None] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads, and in what state it and its program are.

    program_destination: the program's. own_destination, allowed_hosts: the link's, where it has one, and the hosts to
    which it may lead as the program is now.
    """

    program_id: UUID
    program_destination: str
    own_destination: str | None
    allowed_hosts: Sequence[str] | None
    program_status: ProgramStatus
    landing: Landing
    link_status: LinkStatus
    expires_at: datetime | None

    @property
    def destination_url(self) -> str:
        """Where friends are led: the link's own destination, while the program allows it."""
        if self.own_destination is None:
            return self.program_destination
        hosts = programs.hosts_of(self.program_destination, self.allowed_hosts or ())
        return self.own_destination if urlsplit(self.own_destination).hostname in hosts else self.program_destination

    def is_open(self, now: datetime) -> bool:
        """Whether a friend who follows the link now is sent on to the shop."""
        return state_of(self.link_status, self.program_status, self.expires_at, now=now) in ("active", "paused")


@dataclass(frozen=True, slots=True)
class Seen:
    """Who follows, as far as it is kept. visitor_before: as the same visitor was kept yesterday, or the same again."""

    visitor: bytes
    visitor_before: bytes
    traits: Traits


@dataclass(frozen=True, slots=True)
class Followed:
    """What a follow found: the link's target, and the visit that it is, new or of the hour before."""

    target: Target
    visit_id: UUID
    visited_at: datetime


_TARGET_FIELDS = [field.name for field in fields(Target)]
_TARGET = """
    SELECT program.program_id, program.destination_url AS program_destination, link.destination_url AS own_destination,
           CASE WHEN link.destination_url IS NOT NULL THEN program.allowed_hosts END AS allowed_hosts,
           program.status AS program_status, program.landing, link.status AS link_status, link.expires_at
      FROM link JOIN program ON program.merchant_id = link.merchant_id AND program.program_id = link.program_id
     WHERE link.merchant_id = :merchant AND link.link_id = :link
"""
_SEEN = """
    SELECT visit_id, visited_at FROM visit
     WHERE merchant_id = :merchant AND link_id = :link AND hour IN (:hour, :hour_before)
       AND visitor IN (:visitor, :visitor_before)
       AND visited_at > :since
     ORDER BY visited_at LIMIT 1
"""
_ADDED = """
    INSERT INTO visit (merchant_id, link_id, hour, visitor, visit_id, visited_at, device, language, referring_host,
                       channel)
    SELECT :merchant, :link, :hour, :visitor, :visit, :now, :device, :language, :referring_host, :channel {where}
    ON CONFLICT DO NOTHING
"""
_OPEN = "link_status = 'active' AND program_status <> 'ended' AND (expires_at IS NULL OR expires_at > :now)"


_INSTANTS = ("hour", "hour_before", "since", "now")


def _bound(sql: str) -> TextClause:
    named = set(re.findall(r":(\w+)", sql))
    instants = [bindparam(name, type_=Instant) for name in named.intersection(_INSTANTS)]
    ids = [bindparam(name, type_=Uuid) for name in named.intersection(("merchant", "link", "visit"))]
    return text(sql).bindparams(*instants, *ids).execution_options(prepared=True)


def _typed(sql: str) -> TextualSelect:
    return _bound(sql).columns(
        program_id=Uuid,
        program_destination=String,
        own_destination=String,
        allowed_hosts=JSON,
        program_status=String,
        landing=String,
        link_status=String,
        expires_at=Instant,
        visit_id=Uuid,
        visited_at=Instant,
    )


_LOOK = _typed(f"SELECT target.*, NULL AS visit_id, NULL AS visited_at FROM ({_TARGET}) AS target")
_LOOK_FOR_SEEN = _typed(
    f"WITH target AS ({_TARGET}), seen AS ({_SEEN})"
    " SELECT target.*, seen.visit_id, seen.visited_at FROM target LEFT JOIN seen ON true"
)
_CROWDED = _bound(f"SELECT {CROWD} AS visits").columns(visits=BigInteger)
_ADD = _bound(_ADDED.format(where="WHERE true"))
_LEAVE_OUT = _bound(LEFT_OUT.format(where="WHERE true"))
_NEW = f"FROM target, crowd WHERE {_OPEN} AND NOT EXISTS (SELECT FROM seen)"
_FOLLOW_AT_ONCE = _typed(
    f"WITH target AS ({_TARGET}), seen AS ({_SEEN}), crowd AS (SELECT {CROWD} AS visits), added AS ("
    + _ADDED.format(where=f"{_NEW} AND crowd.visits < :most")
    + "), left_out AS ("
    + LEFT_OUT.format(where=f"{_NEW} AND crowd.visits >= :most")
    + ") SELECT target.*, seen.visit_id, seen.visited_at FROM target LEFT JOIN seen ON true"
)
"""For PostgreSQL."""


def look(database: Database, merchant_id: UUID, link_id: UUID) -> Target | None:
    """Where the link leads, without a visit; None if there is no such link."""
    row = database.at_once(_LOOK, {"merchant": merchant_id, "link": link_id}).first()
    return None if row is None else _target(row)


def follow(
    database: Database, merchant_id: UUID, link_id: UUID, seen: Seen, *, visit_id: UUID, now: datetime
) -> Followed | None:
    """Store the visit, if the link is open and the visitor was not here within the hour; None if there is no such link.

    Where too many came from one network, it is counted as left out instead.

    One statement on PostgreSQL, committed asynchronously: a crash may lose the last visits, never an order.
    """
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    values = {
        **crowds.of_visitor(seen.visitor),
        "merchant": merchant_id,
        "link": link_id,
        "visitor": seen.visitor,
        "visitor_before": seen.visitor_before,
        "device": seen.traits.device,
        "language": seen.traits.language,
        "referring_host": seen.traits.referring_host,
        "channel": seen.traits.channel,
        "visit": visit_id,
        "hour": hour,
        "hour_before": hour - SAME_VISIT,
        "since": now - SAME_VISIT,
        "now": now,
    }
    if database.is_sqlite:
        row = _look_and_add(database, values, now)
    else:
        row = database.at_once(_FOLLOW_AT_ONCE, values).first()
    if row is None:
        return None
    return Followed(_target(row), row.visit_id or visit_id, row.visited_at or now)


def _target(row: Any) -> Target:
    return Target(**{name: getattr(row, name) for name in _TARGET_FIELDS})


def _look_and_add(database: Database, values: dict[str, Any], now: datetime) -> Any:
    row = database.at_once(_LOOK_FOR_SEEN, values).first()
    if row is not None and row.visit_id is None and _target(row).is_open(now):
        database.write(lambda session: _add(session, values), hastily=True)
    return row


def _add(session: Session, values: dict[str, Any]) -> None:
    is_crowded = session.execute(_CROWDED, values).one().visits >= values["most"]
    session.execute(_LEAVE_OUT if is_crowded else _ADD, values)
