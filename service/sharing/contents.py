"""What stands on a customer's page: what there is to share, what has grown, and what they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.books import balances
from service.books.balances import CustomerBalance
from service.database.engine import Database
from service.formats import Formats
from service.links import offers
from service.links.greetings import greet
from service.links.states import LinkState, state_of
from service.sharing import channels, growth, invitations, looks
from service.sharing.opening import Opened

LINES = 10
"""Of the statement, so many are shown."""


@dataclass(frozen=True, slots=True)
class Wished:
    """What a customer sent from the page, and what is wrong with it, in their language."""

    message: str | None = None
    message_fault: str | None = None
    code: str = ""
    code_fault: str | None = None
    is_granted: bool = False
    suggestions: Sequence[str] = ()


def state(opened: Opened, *, now: datetime) -> LinkState:
    """What a friend who follows the page's link now would meet."""
    return state_of(opened.link.status, opened.program.status, opened.link.expires_at, now=now)


def contents(
    session: Session,
    database: Database,
    opened: Opened,
    wished: Wished,
    *,
    before: UUID | None,
    reader: Formats,
    now: datetime,
) -> dict[str, Any]:
    """All that the page's template names. before: the order before which the list of what has grown begins."""
    held = balances.balances(session, opened.link.merchant_id, opened.customer)
    return {
        "opened": opened,
        "wished": wished,
        **_to_share(database, opened, wished, reader, now),
        **_grown(session, opened, before, reader, now),
        **_owned(session, opened, held, now),
    }


def _to_share(database: Database, opened: Opened, wished: Wished, reader: Formats, now: datetime) -> dict[str, Any]:
    offer = offers.find(database, opened.link.merchant_id, opened.link.link_id, visited_at=None, now=now)
    invitation = invitations.invitation(offer, reader)
    said = wished.message if wished.message and not wished.message_fault else invitation
    return {
        "greeting": greet(offer, reader),
        "state": state(opened, now=now),
        "message": said,
        "ways": channels.ways(said, opened.short_url, invitations.subject(offer, reader)),
        "sheet": channels.marked(opened.short_url, channels.SHEET),
        "promises": list(invitations.promises(opened.terms, reader)),
    }


def _grown(session: Session, opened: Opened, before: UUID | None, reader: Formats, now: datetime) -> dict[str, Any]:
    merchant_id, customer_id, terms = opened.link.merchant_id, opened.customer.customer_id, opened.terms
    orders = looks.orders(session, merchant_id, customer_id, before=before, now=now)
    times = [] if before else looks.follows(session, opened.link, now=now)
    follows = growth.followed(times, opened.zone, most=looks.MOST_FOLLOWS)
    progress = None
    if terms.tiers:
        friends = looks.friends_so_far(session, opened.link.program_id, opened.customer, most=terms.tells_apart)
        progress = invitations.progress(terms, friends, reader)
    return {
        "grown": growth.grown(orders.orders, follows, opened.zone, reader),
        "stages": growth.STAGES,
        "older": orders.older,
        "is_first": before is None,
        "progress": progress,
    }


def _owned(session: Session, opened: Opened, held: Sequence[CustomerBalance], now: datetime) -> dict[str, Any]:
    merchant_id, customer_id = opened.link.merchant_id, opened.customer.customer_id
    entries, _ = balances.statement(session, merchant_id, customer_id, limit=LINES, before=None)
    available = {one.held.currency: one.held.available for one in held}
    return {
        "held": held,
        "lapses": looks.lapses(session, merchant_id, customer_id, available, now=now),
        "can_spend": any(available.values()),
        "entries": entries,
    }
