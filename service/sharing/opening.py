"""From the address of a share page to what it is: whose, in which program, with which link."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from service.customers import tables as people
from service.customers.tables import Customer
from service.links import domains, links
from service.links.tables import Link
from service.merchants import tables as merchants
from service.programs import programs
from service.programs.tables import Program
from service.programs.terms import Terms, terms_of
from service.sharing import share_pages
from service.sharing.tables import SharePage
from service.tokens import TokenSigner


class NotOpen(Exception):
    """There is nothing to be seen at this address. merchant_id: whose it was, where we signed it."""

    def __init__(self, merchant_id: UUID | None = None) -> None:
        super().__init__("There is no share page at this address, or no more.")
        self.merchant_id = merchant_id


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is good now, and whose it is. zone: of the merchant's days."""

    token: str
    page: SharePage
    link: Link
    program: Program
    terms: Terms
    customer: Customer
    zone: ZoneInfo
    short_url: str


def named(signer: TokenSigner, token: str) -> tuple[UUID, UUID]:
    """(merchant, share page) of an address that we signed. Raises NotOpen."""
    payload = signer.read(share_pages.PURPOSE, token, size=32)
    if payload is None:
        raise NotOpen
    return UUID(bytes=payload[:16]), UUID(bytes=payload[16:])


def open_page(session: Session, signer: TokenSigner, token: str, *, ours: str, now: datetime) -> Opened:
    """All that the page of this address is about. ours: the service's own base of links. Raises NotOpen."""
    merchant_id, share_page_id = named(signer, token)
    page = share_pages.find(session, merchant_id, share_page_id, now=now)
    if page is None:
        raise NotOpen(merchant_id)
    link = links.get(session, merchant_id, page.link_id)
    customer = people.get(session, merchant_id, link.customer_id)
    if customer is None:
        raise NotOpen(merchant_id)
    program, in_force = programs.get(session, merchant_id, link.program_id)
    merchant = merchants.get(session, merchant_id)
    base_url = domains.bases(session, merchant_id).get(link.program_id, ours)
    return Opened(
        token=token,
        page=page,
        link=link,
        program=program,
        terms=terms_of(in_force.terms),
        customer=customer,
        zone=ZoneInfo(merchant.time_zone),
        short_url=links.short_url(base_url, merchant.slug, link),
    )
