"""Share links: one for each advocate, program and channel."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.customers import Contact
from service.errors import BadValues, ReferralError, Unknown, refuse_faults
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ids import new_id
from service.links import codes
from service.links import tables as storage
from service.links.states import LinkStatus
from service.links.tables import Link
from service.programs import programs
from service.values import LONGEST_CHANNEL, fault_of_text

RANDOM_CHARACTERS = (4, 4, 5, 6, 8)
"""How many random characters a new code has, try by try: short first, longer where short ones are taken."""


class CodeTaken(ReferralError):
    """Another link of the merchant has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The code {code} belongs to another link.")
        self.code = code


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link as the shop asks for it. destination_url: None for the program's own. Raises BadValues."""

    program_id: UUID
    customer: Contact
    channel: str | None = None
    destination_url: str | None = None
    expires_at: datetime | None = None
    metadata: dict[str, str] | None = None

    def __post_init__(self) -> None:
        if self.channel is not None:
            refuse_faults({"channel": fault_of_text(self.channel, most=LONGEST_CHANNEL)})


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What is to be changed of a link; None leaves as it is."""

    status: LinkStatus | None = None
    code: str | None = None


def create(session: Session, merchant_id: UUID, asked: NewLink, *, now: datetime) -> tuple[Link, bool]:
    """The advocate's link, and whether this call made it: there is one for each program, customer and channel.

    Raises Unknown for the program, BadValues for a destination or an expiry that cannot be.
    """
    program, _ = programs.get(session, merchant_id, asked.program_id)
    if asked.destination_url is not None:
        programs.refuse_bad_destination(asked.destination_url, allowed_hosts=programs.hosts_of(program))
    if asked.expires_at is not None and asked.expires_at <= now:
        raise BadValues({"expires_at": "It must be in the future."})
    advocate = customers.introduce(session, merchant_id, asked.customer, now=now)
    existing = storage.of_customer(
        session,
        merchant_id,
        program_id=asked.program_id,
        customer_id=advocate.customer_id,
        channel=asked.channel or "",
    )
    if existing is not None:
        existing.shop_metadata = existing.shop_metadata if asked.metadata is None else asked.metadata
        return existing, False
    code = _free_code(session, merchant_id, advocate.first_name)
    link = Link(
        merchant_id=merchant_id,
        link_id=new_id(),
        program_id=asked.program_id,
        customer_id=advocate.customer_id,
        channel=asked.channel or "",
        code=code,
        folded_code=codes.fold(code),
        destination_url=asked.destination_url,
        status="active",
        expires_at=asked.expires_at,
        created_at=now,
        shop_metadata=asked.metadata,
    )
    session.add(link)
    events.record(session, merchant_id, [Happened(Kind.LINK_MADE, link.link_id)], now=now)
    return link, True


def get(session: Session, merchant_id: UUID, link_id: UUID, *, lock: bool = False) -> Link:
    """The merchant's link. Raises Unknown."""
    link = storage.get(session, merchant_id, link_id, lock=lock)
    if link is None:
        raise Unknown("link", link_id)
    return link


def change(session: Session, merchant_id: UUID, link_id: UUID, asked: LinkChange) -> Link:
    """Revoke a link, bring it back, or give it a code of its own.

    Raises Unknown, CodeTaken, and BadValues for what cannot be a code.
    """
    link = get(session, merchant_id, link_id, lock=True)
    code = asked.code
    if asked.status is not None:
        link.status = asked.status
    if code is not None:
        folded = codes.fold(code)
        if folded is None:
            allowed = f"{codes.SHORTEST} to {codes.LONGEST} characters of {codes.ALPHABET}"
            raise BadValues({"code": f"A code has {allowed}, and blanks or dashes between them."})
        holder = storage.by_code(session, merchant_id, folded)
        if holder is not None and holder.link_id != link_id:
            raise CodeTaken(code)
        link.code, link.folded_code = codes.tidy(code), folded
    return link


def _free_code(session: Session, merchant_id: UUID, first_name: str | None) -> str:
    for random_characters in RANDOM_CHARACTERS:
        code = codes.generate(first_name, random_characters=random_characters)
        if storage.by_code(session, merchant_id, codes.fold(code) or "") is None:
            return code
    return codes.generate(None, random_characters=2 * max(RANDOM_CHARACTERS))
