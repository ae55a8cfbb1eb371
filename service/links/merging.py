"""Two advocates who become one: all links and codes go on working, for the one that they are."""

from uuid import UUID

from sqlalchemy.orm import Session

from service.database.writing import write_now
from service.links import tables as storage


def merge(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    """Make the links of the one customer the other's; both are locked.

    Where both have one in the same place, a shop that asks for it is given the other's, and both go on working.
    """
    places = {_place(link) for link in storage.all_of(session, merchant_id, after)}
    for link in storage.all_of(session, merchant_id, before):
        if _place(link) in places:
            link.destination_key = link.link_id.bytes
        link.customer_id = after
    write_now(session)


def _place(link: storage.Link) -> tuple[UUID, str, bytes]:
    return link.program_id, link.channel, bytes(link.destination_key)
