"""Handing out share pages, and finding them again by their addresses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.contacts import Contact
from service.database.writing import write_now
from service.errors import Unknown, refuse_faults
from service.ids import new_id
from service.links import links
from service.links import tables as storage
from service.links.links import NewLink
from service.links.tables import Link
from service.programs import programs
from service.sharing import tables
from service.sharing.tables import SharePage
from service.tokens import TokenSigner

PURPOSE = "share-page"
GOOD_FOR = timedelta(days=1)
"""A shop asks for a new address whenever it shows one; an old one in somebody else's hands is soon worth nothing."""


@dataclass(frozen=True, slots=True)
class NewSharePage:
    """A share page as the shop asks for it. return_url: at one of the program's hosts, None for no way back."""

    program_id: UUID
    return_url: str | None = None


def hand_out(
    session: Session, signer: TokenSigner, merchant_id: UUID, customer_id: str, asked: NewSharePage, *, now: datetime
) -> tuple[str, SharePage]:
    """A new address of the customer's page in a program, with their link, which is made if there is none: its token,
    and what is kept of it.

    Raises Unknown for the customer and the program, ProgramEnded where a link would have to be made for one, and
    BadValues for a return_url elsewhere.
    """
    customer = customers.get(session, merchant_id, customer_id)
    if customer.erased_at is not None:
        raise Unknown("customer", customer_id)
    program, _ = programs.get(session, merchant_id, asked.program_id)
    if asked.return_url is not None:
        hosts = programs.hosts_of(program.destination_url, program.allowed_hosts)
        refuse_faults({"return_url": programs.fault_of_destination(asked.return_url, allowed_hosts=hosts)})
    page = SharePage(
        merchant_id=merchant_id,
        share_page_id=new_id(),
        link_id=_link(session, merchant_id, customer.customer_id, asked.program_id, now=now).link_id,
        return_url=asked.return_url,
        expires_at=now + GOOD_FOR,
    )
    write_now(session, page)
    return signer.write(PURPOSE, merchant_id.bytes + page.share_page_id.bytes), page


def _link(session: Session, merchant_id: UUID, customer_id: str, program_id: UUID, *, now: datetime) -> Link:
    """The customer's link without a channel. One of a program that has ended still tells what has grown from it."""
    existing = storage.of_customer(
        session, merchant_id, program_id=program_id, customer_id=customer_id, channel="", destination_url=None
    )
    return existing or links.create(session, merchant_id, NewLink(program_id, Contact(customer_id)), now=now)[0]


def find(session: Session, merchant_id: UUID, share_page_id: UUID, *, now: datetime) -> SharePage | None:
    """The page, while it is good."""
    page = tables.get(session, merchant_id, share_page_id)
    return None if page is None or page.expires_at <= now else page
