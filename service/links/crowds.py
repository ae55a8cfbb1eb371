"""How many visits of one link are kept of one network, and how many were left out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, and_, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.links.followers import NETWORK_BYTES, OF_NO_NETWORK, VISITOR_BYTES
from service.links.tables import Link

MOST_OF_NETWORK, MOST_OF_NOBODY = 60, 600
"""So many visits of one link are kept in an hour that come from one network, and from people who asked not to be told
from others: whoever changes what they say of themselves with each request is no crowd."""

CROWD = """
    (SELECT count(*) FROM (
        SELECT 1 FROM visit
         WHERE merchant_id = :merchant AND link_id = :link AND hour = :hour
           AND visitor >= :network AND visitor <= :network_end
         LIMIT :most) AS of_network)
"""
"""How many visits of the hour came from the network, which visitors begin with, as far as it matters."""

LEFT_OUT = """
    INSERT INTO visit_left_out (merchant_id, link_id, hour, visits) SELECT :merchant, :link, :hour, 1 {where}
    ON CONFLICT (merchant_id, link_id, hour) DO UPDATE SET visits = visit_left_out.visits + 1
"""


class LeftOut(Base):
    """How many follows of a link in an hour were no visits, since too many had come from their network."""

    __tablename__ = "visit_left_out"
    __table_args__ = (CheckConstraint("visits > 0", name="visits"),)

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    visits: Mapped[int]


def of_visitor(visitor: bytes) -> dict[str, bytes | int]:
    """What `CROWD` is asked for who is kept as this visitor: the network, and how many of it are too many."""
    network = visitor[:NETWORK_BYTES]
    return {
        "network": network.ljust(VISITOR_BYTES, b"\0"),
        "network_end": network.ljust(VISITOR_BYTES, b"\xff"),
        "most": MOST_OF_NOBODY if network == OF_NO_NETWORK else MOST_OF_NETWORK,
    }


def left_out(
    session: Session,
    merchant_id: UUID,
    *,
    program_id: UUID | None,
    channel: str | None,
    begin: datetime,
    end: datetime,
) -> int:
    """How many follows were left out in the hours that begin in this period; of one program, one channel, or any."""
    of_link = and_(Link.merchant_id == merchant_id, Link.link_id == LeftOut.link_id)
    query = select(func.coalesce(func.sum(LeftOut.visits), 0)).join(Link, of_link)
    query = query.where(LeftOut.merchant_id == merchant_id, LeftOut.hour >= begin, LeftOut.hour < end)
    if program_id is not None:
        query = query.where(Link.program_id == program_id)
    if channel is not None:
        query = query.where(Link.channel == channel)
    return int(session.execute(query).scalar_one())
