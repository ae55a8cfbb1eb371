"""Codes that customers wish for on their page."""

from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy.orm import Session

from service.links import codes, links
from service.links import tables as storage
from service.links.names import shown_name
from service.links.tables import Link
from service.merchants import tables as merchants

MOST_SUGGESTED = 3


def grant(session: Session, merchant_id: UUID, link_id: UUID, wish: str, *, now: datetime) -> None:
    """Give the link, which exists, the code that its customer wishes for.

    Raises CodeTaken, and BadValues for what cannot be one.
    """
    links.change(session, merchant_id, link_id, {"code": wish}, now=now)


def has_room(session: Session, link: Link) -> bool:
    """Whether the link can be given one more code."""
    return storage.number_of_codes(session, link) < links.MOST_CODES


def suggestions(session: Session, merchant_id: UUID, wish: str, first_name: str | None) -> list[str]:
    """Codes like the one that was wished for, which nobody has yet."""
    found, merchant = codes.near(wish, shown_name(first_name)), merchants.get(session, merchant_id)
    free = (code for code in found if storage.is_free(session, merchant, codes.fold(code) or ""))
    return list(islice(free, MOST_SUGGESTED))
