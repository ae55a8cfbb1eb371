"""What a link offers now, read in one statement: what an order that is placed now would be given."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Row, String, Uuid, bindparam, text

from service.brands import tables as brands
from service.brands.looks import Look, logo_path, look_of
from service.database.engine import Database
from service.database.tables import Instant
from service.links.greetings import Offer
from service.links.states import state_of
from service.programs.terms import Terms, terms_of

_LOOK = (
    text("""
    SELECT merchant.name, merchant.time_zone, customer.first_name, customer.locale, link.code, link.expires_at,
           link.status AS link_status, program.status AS program_status, program_terms.terms,
           of_shop.said AS shop_said, of_program.said AS program_said,
           coalesce(of_program.logo_digest, of_shop.logo_digest) AS logo_digest
      FROM link
      JOIN merchant ON merchant.merchant_id = link.merchant_id
      JOIN customer ON customer.merchant_id = link.merchant_id AND customer.customer_id = link.customer_id
      JOIN program ON program.merchant_id = link.merchant_id AND program.program_id = link.program_id
      JOIN program_terms ON program_terms.merchant_id = program.merchant_id
           AND program_terms.program_id = program.program_id AND program_terms.terms_version = program.terms_version
      LEFT JOIN brand AS of_shop ON of_shop.merchant_id = link.merchant_id AND of_shop.of_id = link.merchant_id
      LEFT JOIN brand AS of_program ON of_program.merchant_id = link.merchant_id
           AND of_program.of_id = link.program_id
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
        shop_said=JSON,
        program_said=JSON,
        logo_digest=String,
    )
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Where a friend can go whose link leads to no offer, and how the shop's pages look."""

    look: Look
    destination_url: str


_SHOP = (
    text("""
    SELECT merchant.name, program.destination_url, brand.said, brand.logo_digest
      FROM merchant
      JOIN program ON program.merchant_id = merchant.merchant_id
      LEFT JOIN brand ON brand.merchant_id = merchant.merchant_id AND brand.of_id = merchant.merchant_id
     WHERE merchant.merchant_id = :merchant
     ORDER BY (program.status = 'active') DESC, program.program_id DESC LIMIT 1
""")
    .bindparams(bindparam("merchant", type_=Uuid))
    .columns(name=String, destination_url=String, said=JSON, logo_digest=String)
)


def shop(database: Database, merchant_id: UUID) -> Shop | None:
    """The merchant's shop, as its newest program names it, an active one before others; None where there is none."""
    with database.statements() as connection:
        row = connection.execute(_SHOP, {"merchant": merchant_id}).one_or_none()
    return (
        None
        if row is None
        else Shop(look_of(row.name, row.said, logo=logo_path(merchant_id, row.logo_digest)), row.destination_url)
    )


def logo(database: Database, merchant_id: UUID, offer: Offer) -> bytes | None:
    """The image of the shop's logo, if it has one."""
    if offer.look.logo is None:
        return None
    with database.reading() as session:
        found = brands.logo(session, merchant_id, offer.look.logo.rpartition("/")[2])
    return None if found is None else found.content


def find(database: Database, merchant_id: UUID, link_id: UUID, *, visited_at: datetime | None, now: datetime) -> Offer:
    """What the link, which exists, offers now to who followed it at this time; visited_at: None where nobody did."""
    with database.statements() as connection:
        row = connection.execute(_LOOK, {"merchant": merchant_id, "link": link_id}).one()
    terms = terms_of(row.terms)
    return Offer(
        look=look_of(row.name, row.shop_said, row.program_said, logo=logo_path(merchant_id, row.logo_digest)),
        advocate_name=row.first_name,
        code=row.code,
        terms=_giving(terms) if _gives(row, now) else None,
        holds_until=_end(row, terms, visited_at),
        zone=ZoneInfo(row.time_zone),
        locale=row.locale,
    )


def _gives(row: Row[tuple[object, ...]], now: datetime) -> bool:
    return state_of(row.link_status, row.program_status, row.expires_at, now=now) == "active"


def _giving(terms: Terms) -> Terms | None:
    """The terms in the first currency in which a friend is given anything, the program's own before others."""
    known = (terms, *(other for _, other in sorted(terms.others.items())))
    return next((one for one in known if one.friend_reward is not None), None)


def _end(row: Row[tuple[object, ...]], terms: Terms, visited_at: datetime | None) -> datetime | None:
    """Until when an order counts that comes with this visit."""
    ends = [row.expires_at] if row.expires_at is not None else []
    if visited_at is not None:
        ends.append(visited_at + terms.attribution_window)
    return min(ends, default=None)
