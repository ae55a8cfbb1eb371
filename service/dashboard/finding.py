"""Finding one thing by what somebody has at hand: an order's number, a code, a customer, an e-mail, an id of ours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.conversions.tables import conversions
from service.customers import tables as customers
from service.customers.mailboxes import fold
from service.customers.tables import Customer
from service.dashboard.words import FoundBy
from service.links import codes
from service.links import tables as links
from service.rewards.tables import redemptions, rewards
from service.values import fault_of_text

LONGEST = 255
MOST_PEOPLE = 20


class Kind(StrEnum):
    """What was found."""

    ORDER = "order"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing. name: its id in the address of its page. why: what of it was searched for. code: of its link."""

    kind: Kind
    name: str
    why: FoundBy
    code: str = ""


def find(session: Session, merchant_id: UUID, text: str) -> Sequence[Found]:
    """What this merchant has by this text, each once; nothing for a text that is no name of anything."""
    text = text.strip()
    if fault_of_text(text, most=LONGEST) is not None:
        return []
    found: dict[tuple[Kind, str], Found] = {}
    for look in LOOKS:
        for one in look(session, merchant_id, text):
            found.setdefault((one.kind, one.name), one)
    return list(found.values())


def _by_order(session: Session, merchant_id: UUID, text: str) -> Iterator[Found]:
    conversion_id = conversions.of_order(session, merchant_id, text)
    if conversion_id is not None:
        yield Found(Kind.ORDER, str(conversion_id), "order")


def _by_customer(session: Session, merchant_id: UUID, text: str) -> Iterator[Found]:
    if customers.get(session, merchant_id, text) is not None:
        yield Found(Kind.PERSON, text, "customer")


def _by_code(session: Session, merchant_id: UUID, text: str) -> Iterator[Found]:
    folded = codes.fold(text)
    link = None if folded is None else links.by_code(session, merchant_id, folded)
    if link is not None:
        yield Found(Kind.PERSON, link.customer_id, "code", link.code)


def _by_mailbox(session: Session, merchant_id: UUID, text: str) -> Iterator[Found]:
    if "@" not in text:
        return
    query = select(Customer.customer_id).where(Customer.merchant_id == merchant_id, Customer.folded_email == fold(text))
    for customer_id in session.scalars(query.order_by(Customer.customer_id).limit(MOST_PEOPLE)):
        yield Found(Kind.PERSON, customer_id, "e-mail")


def _by_id(session: Session, merchant_id: UUID, text: str) -> Iterator[Found]:
    try:
        sought = UUID(text)
    except ValueError:
        return
    if conversions.get(session, merchant_id, sought) is not None:
        yield Found(Kind.ORDER, str(sought), "order")
    reward = rewards.get(session, merchant_id, sought)
    if reward is not None:
        yield Found(Kind.ORDER, str(reward.conversion_id), "reward")
    redemption = redemptions.get(session, merchant_id, sought)
    if redemption is not None:
        yield Found(Kind.PERSON, redemption.customer_id, "redemption")
    link = links.get(session, merchant_id, sought)
    if link is not None:
        yield Found(Kind.PERSON, link.customer_id, "link", link.code)


LOOKS: tuple[Callable[[Session, UUID, str], Iterator[Found]], ...] = (
    _by_order,
    _by_customer,
    _by_code,
    _by_mailbox,
    _by_id,
)
