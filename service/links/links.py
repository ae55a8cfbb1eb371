"""Share links: one for each advocate, program and channel."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.contacts import Contact
from service.database.writing import write_now
from service.errors import BadValues, ReferralError, Unknown, refuse_faults
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ids import new_id
from service.links import codes
from service.links import tables as storage
from service.links.names import shown_name
from service.links.states import LinkStatus
from service.links.tables import Code, Link
from service.merchants import tables as merchants
from service.merchants.tables import Merchant
from service.programs import programs
from service.values import LONGEST_CHANNEL, fault_of_text

RANDOM_CHARACTERS = (4, 4, 5, 6, 8)
"""How many random characters a new code has, try by try: short first, longer where short ones are taken."""

MOST_CODES = 20
"""Of one link: each that was ever given out is kept for it."""


class CodeTaken(ReferralError):
    """Another link of the merchant has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The code {code} belongs to another link.")
        self.code = code


class ProgramEnded(ReferralError):
    """The program gives nothing any more, and no new links either."""

    def __init__(self, program_id: UUID) -> None:
        super().__init__(f"Program {program_id} has ended, so a link could bring nobody a reward.")
        self.program_id = program_id


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


class LinkChange(TypedDict, total=False):
    """What is to be changed of a link: a field that is missing is not said. expires_at: None for never."""

    status: LinkStatus
    code: str
    expires_at: datetime | None


def create(session: Session, merchant_id: UUID, asked: NewLink, *, now: datetime) -> tuple[Link, bool]:
    """The advocate's link, and whether this call made it: there is one for each program, customer, channel and
    destination. An expiry that is said replaces the old one.

    Raises Unknown for the program, ProgramEnded, and BadValues for a destination or an expiry that cannot be.
    """
    program, _ = programs.get(session, merchant_id, asked.program_id)
    if program.status == "ended":
        raise ProgramEnded(program.program_id)
    if asked.destination_url is not None:
        allowed = programs.hosts_of(program.destination_url, program.allowed_hosts)
        programs.refuse_bad_destination(asked.destination_url, allowed_hosts=allowed)
    _refuse_past(asked.expires_at, now=now)
    advocate = customers.introduce(session, merchant_id, asked.customer, now=now)
    if advocate.erased_at is not None:
        raise Unknown("customer", advocate.customer_id)
    existing = storage.of_customer(
        session,
        merchant_id,
        program_id=asked.program_id,
        customer_id=advocate.customer_id,
        channel=asked.channel or "",
        destination_url=asked.destination_url,
    )
    if existing is not None:
        existing.shop_metadata = existing.shop_metadata if asked.metadata is None else asked.metadata
        existing.expires_at = asked.expires_at or existing.expires_at
        return existing, False
    link = Link(
        merchant_id=merchant_id,
        link_id=new_id(),
        program_id=asked.program_id,
        customer_id=advocate.customer_id,
        channel=asked.channel or "",
        code=_free_code(session, merchants.get(session, merchant_id), shown_name(advocate.first_name)),
        destination_url=asked.destination_url,
        destination_key=storage.key_of(asked.destination_url),
        status="active",
        expires_at=asked.expires_at,
        created_at=now,
        shop_metadata=asked.metadata,
    )
    write_now(session, link)
    _keep_code(session, link, now=now)
    events.record(session, merchant_id, [Happened(Kind.LINK_MADE, link.link_id)], now=now)
    return link, True


def get(session: Session, merchant_id: UUID, link_id: UUID, *, lock: bool = False) -> Link:
    """The merchant's link. Raises Unknown."""
    link = storage.get(session, merchant_id, link_id, lock=lock)
    if link is None:
        raise Unknown("link", link_id)
    return link


def change(session: Session, merchant_id: UUID, link_id: UUID, asked: LinkChange, *, now: datetime) -> Link:
    """Revoke a link, bring it back, renew it, or give it a code of its own. Its older codes go on working.

    Raises Unknown, CodeTaken, and BadValues for what cannot be a code or an expiry.
    """
    link = get(session, merchant_id, link_id, lock=True)
    if customers.get(session, merchant_id, link.customer_id).erased_at is not None:
        raise Unknown("link", link_id)
    link.status = asked.get("status", link.status)
    if "expires_at" in asked:
        _refuse_past(asked["expires_at"], now=now)
        link.expires_at = asked["expires_at"]
    if "code" in asked:
        _give_code(session, link, asked["code"], now=now)
    return link


def short_url(base_url: str, slug: str, link: Link) -> str:
    """The address that people can type. base_url: of the links of its program. slug: the merchant's."""
    return f"{base_url}/c/{slug}/{link.code}"


def _refuse_past(expires_at: datetime | None, *, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise BadValues({"expires_at": "It must be in the future."})


def _give_code(session: Session, link: Link, code: str, *, now: datetime) -> None:
    folded = codes.fold(code) or ""
    holder = storage.by_code(session, link.merchant_id, folded)
    is_free = storage.is_free(session, merchants.get(session, link.merchant_id), folded)
    if not is_free and (holder is None or holder.link_id != link.link_id):
        raise CodeTaken(codes.tidy(code))
    if holder is None or len(codes.tidy(code)) > codes.LONGEST_SHOWN:
        refuse_faults({"code": codes.fault_of_code(code)})
    if holder is None and storage.number_of_codes(session, link) >= MOST_CODES:
        raise BadValues({"code": f"The link has {MOST_CODES} codes, all of which work; it gets no more."})
    link.code = codes.tidy(code)
    if holder is None:
        _keep_code(session, link, now=now)


def _keep_code(session: Session, link: Link, *, now: datetime) -> None:
    folded = codes.fold(link.code) or ""
    write_now(session, Code(merchant_id=link.merchant_id, folded_code=folded, link_id=link.link_id, given_at=now))


def give_free_code(session: Session, merchant: Merchant, link: Link, *, now: datetime) -> None:
    """Give a link another code, which tells nobody's name."""
    link.code = _free_code(session, merchant, None)
    _keep_code(session, link, now=now)


def _free_code(session: Session, merchant: Merchant, first_name: str | None) -> str:
    for random_characters in RANDOM_CHARACTERS:
        code = codes.generate(first_name, random_characters=random_characters)
        if storage.is_free(session, merchant, codes.fold(code) or ""):
            return code
    return codes.generate(None, random_characters=2 * max(RANDOM_CHARACTERS))
