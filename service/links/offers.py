"""What a link offers now, read in one statement: what an order that is placed now would be given."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Row, String, Uuid, bindparam, text

from service.database.engine import Database
from service.database.tables import Instant
from service.links.greetings import Offer
from service.links.states import state_of
from service.programs.terms import Terms, terms_of

_LOOK = (
    text("""
    SELECT merchant.name, merchant.time_zone, customer.first_name, customer.locale, link.code, link.expires_at,
           link.status AS link_status, program.status AS program_status, program_terms.terms
      FROM link
      JOIN merchant ON merchant.merchant_id = link.merchant_id
      JOIN customer ON customer.merchant_id = link.merchant_id AND customer.customer_id = link.customer_id
      JOIN program ON program.merchant_id = link.merchant_id AND program.program_id = link.program_id
      JOIN program_terms ON program_terms.merchant_id = program.merchant_id
           AND program_terms.program_id = program.program_id AND program_terms.terms_version = program.terms_version
     WHERE link.merchant_id = :merchant AND link.link_id = :link
""")
    .bindparams(bindparam("merchant", type_=Uuid), bindparam("link", type_=Uuid))
    .columns(
        name=String,
        time_zone=String,
        first_name=String,
        locale=String,
        code=String,
        expires_at=Instant,
        link_status=String,
        program_status=String,
        terms=JSON,
    )
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Where a friend can go whose link leads to no offer. name: None where nobody knows it."""

    name: str | None
    destination_url: str


_SHOP = text("""
    SELECT merchant.name, program.destination_url
      FROM merchant JOIN program ON program.merchant_id = merchant.merchant_id
     WHERE merchant.merchant_id = :merchant
     ORDER BY program.status, program.program_id DESC LIMIT 1
""").bindparams(bindparam("merchant", type_=Uuid))


def shop(database: Database, merchant_id: UUID) -> Shop | None:
    """The merchant's shop, as its newest program names it, an active one before others; None where there is none."""
    with database.statements() as connection:
        row = connection.execute(_SHOP, {"merchant": merchant_id}).one_or_none()
    return None if row is None else Shop(row.name, row.destination_url)


def find(database: Database, merchant_id: UUID, link_id: UUID, *, visited_at: datetime | None, now: datetime) -> Offer:
    """What the link, which exists, offers now to who followed it at this time; visited_at: None where nobody did."""
    with database.statements() as connection:
        row = connection.execute(_LOOK, {"merchant": merchant_id, "link": link_id}).one()
    terms = terms_of(row.terms)
    return Offer(
        merchant_name=row.name,
        advocate_name=row.first_name,
        code=row.code,
        terms=terms if _gives(row, now) and terms.friend_reward is not None else None,
        holds_until=_end(row, terms, visited_at),
        zone=ZoneInfo(row.time_zone),
        locale=row.locale,
    )


def _gives(row: Row[tuple[object, ...]], now: datetime) -> bool:
    return state_of(row.link_status, row.program_status, row.expires_at, now=now) == "active"


def _end(row: Row[tuple[object, ...]], terms: Terms, visited_at: datetime | None) -> datetime | None:
    """Until when an order counts that comes with this visit."""
    ends = [row.expires_at] if row.expires_at is not None else []
    if visited_at is not None:
        ends.append(visited_at + terms.attribution_window)
    return min(ends, default=None)
