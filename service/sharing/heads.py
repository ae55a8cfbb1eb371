"""The head of a customer's page, in one look at the database: whether it is good, whose it is, and how it looks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, String, Uuid, bindparam, text

from service.brands.looks import Look, logo_path, look_of
from service.database.engine import Database
from service.database.tables import Instant
from service.programs.sites import origins_of
from service.sharing.opening import NotOpen

_HEAD = (
    text("""
    SELECT share_page.expires_at, customer.customer_id, customer.locale, program.destination_url,
           program.allowed_hosts, merchant.name, of_shop.said AS shop_said, of_program.said AS program_said,
           coalesce(of_program.logo_digest, of_shop.logo_digest) AS logo_digest
      FROM share_page
      JOIN link ON link.merchant_id = share_page.merchant_id AND link.link_id = share_page.link_id
      JOIN customer ON customer.merchant_id = link.merchant_id AND customer.customer_id = link.customer_id
      JOIN program ON program.merchant_id = link.merchant_id AND program.program_id = link.program_id
      JOIN merchant ON merchant.merchant_id = link.merchant_id
      LEFT JOIN brand AS of_shop ON of_shop.merchant_id = link.merchant_id AND of_shop.of_id = link.merchant_id
      LEFT JOIN brand AS of_program ON of_program.merchant_id = link.merchant_id
           AND of_program.of_id = link.program_id
     WHERE share_page.merchant_id = :merchant AND share_page.share_page_id = :page
""")
    .bindparams(bindparam("merchant", type_=Uuid), bindparam("page", type_=Uuid))
    .columns(
        expires_at=Instant,
        customer_id=String,
        locale=String,
        destination_url=String,
        allowed_hosts=JSON,
        name=String,
        shop_said=JSON,
        program_said=JSON,
        logo_digest=String,
    )
)


@dataclass(frozen=True, slots=True)
class Head:
    """What of a page is known first. sites: the origins at which it may be shown."""

    customer_id: str
    locale: str | None
    look: Look
    sites: list[str]


def find(database: Database, merchant_id: UUID, share_page_id: UUID, *, now: datetime) -> Head:
    """The head of a page that is good now. Raises NotOpen."""
    with database.statements() as connection:
        row = connection.execute(_HEAD, {"merchant": merchant_id, "page": share_page_id}).one_or_none()
    if row is None or row.expires_at <= now:
        raise NotOpen(merchant_id)
    logo = logo_path(merchant_id, row.logo_digest)
    return Head(
        customer_id=row.customer_id,
        locale=row.locale,
        look=look_of(row.name, row.shop_said, row.program_said, logo=logo),
        sites=origins_of(row.destination_url, row.allowed_hosts),
    )
