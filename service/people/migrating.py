"""Moving in from another system: customers with their codes, who brought them, and what they had to spend.

A line of the file is a transaction of its own, and running it again changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.tables import people as referrals
from service.conversions.tables.conversions import Referral
from service.customers import customers
from service.customers.contacts import Contact
from service.customers.rows import Fault
from service.database.batches import TOGETHER, each
from service.database.engine import Database
from service.database.writing import write_now
from service.errors import BadValues, ReferralError
from service.links import codes as spelling
from service.links import links
from service.links import tables as link_storage
from service.links.links import NewLink
from service.links.tables import Link
from service.people.belongings import Belongings
from service.programs import programs
from service.rewards import adjustments

EVERY_ORDER = 10**6
"""Where nobody says how many orders of a friend were rewarded before: all that there may be."""


@dataclass(slots=True)
class Tally:
    """What became of the lines. moved: how many brought something new."""

    moved: int = 0
    known: int = 0
    faults: list[Fault] = field(default_factory=list)


def migrate(
    database: Database,
    merchant_id: UUID,
    program_id: UUID,
    lines: Iterator[Belongings | Fault],
    *,
    now: datetime,
    advance: Callable[[], object],
) -> Tally:
    """Take over what each line tells, into this program. advance: told after some of them. Raises Unknown."""
    with database.reading() as session:
        programs.get(session, merchant_id, program_id)
    tally = Tally()
    work = partial(_move, merchant_id=merchant_id, program_id=program_id, now=now)
    while some := list(islice(lines, TOGETHER)):
        tally.faults += [one for one in some if isinstance(one, Fault)]
        moving = [one for one in some if isinstance(one, Belongings)]
        for one, done in zip(moving, each(database, moving, work, faults=(ReferralError,)), strict=True):
            if isinstance(done, Exception):
                named = next(iter(getattr(done, "faults", {})), None)
                tally.faults.append(Fault(one.told.row, named, str(done)))
            elif done:
                tally.moved += 1
            else:
                tally.known += 1
        advance()
    return tally


def _move(session: Session, one: Belongings, *, merchant_id: UUID, program_id: UUID, now: datetime) -> bool:
    """Take over one customer with all that they bring along. Returns whether anything of it is new."""
    customer_id = str(one.told.customer_id)
    _, is_new = customers.put(session, merchant_id, customer_id, one.told.said, now=now)
    if one.codes:
        is_new |= _give_codes(session, merchant_id, program_id, customer_id, one, now=now)
    if one.brought_by is not None:
        is_new |= _bring(session, merchant_id, program_id, customer_id, one, one.brought_by, now=now)
    for currency, amount in sorted(one.balances.items()):
        is_new |= adjustments.open_with(session, merchant_id, customer_id, amount, currency, now=now)
    return is_new


def _link(
    session: Session, merchant_id: UUID, program_id: UUID, customer_id: str, channel: str | None, now: datetime
) -> tuple[Link, bool]:
    return links.create(session, merchant_id, NewLink(program_id, Contact(customer_id), channel), now=now)


def _give_codes(
    session: Session, merchant_id: UUID, program_id: UUID, customer_id: str, one: Belongings, *, now: datetime
) -> bool:
    """Let the customer's link have these codes. Raises CodeTaken, and BadValues for what cannot be one."""
    link, is_new = _link(session, merchant_id, program_id, customer_id, one.channel, now)
    write_now(session)
    for code in one.codes:
        holder = link_storage.by_code(session, merchant_id, spelling.fold(code) or "")
        if holder is None or holder.link_id != link.link_id:
            links.change(session, merchant_id, link.link_id, {"code": code}, now=now)
            write_now(session)
            is_new = True
    return is_new


def _bring(
    session: Session,
    merchant_id: UUID,
    program_id: UUID,
    friend_id: str,
    one: Belongings,
    advocate_id: str,
    *,
    now: datetime,
) -> bool:
    """Note who brought the customer. Raises BadValues where that cannot be, or another did."""
    link, _ = _link(session, merchant_id, program_id, advocate_id, None, now)
    write_now(session)
    friend_id, advocate_id = (customers.current_id(session, merchant_id, name) for name in (friend_id, advocate_id))
    customers.lock_all(session, merchant_id, [friend_id, advocate_id])
    before = session.get(Referral, (merchant_id, friend_id), populate_existing=True)
    if before is not None:
        if before.advocate_id != advocate_id:
            raise BadValues({"brought_by": f"{before.advocate_id} brought this customer."})
        return False
    if referrals.is_above(session, merchant_id, friend_id, of=advocate_id):
        raise BadValues({"brought_by": "Nobody can bring themselves, or whoever brought them."})
    rewarded = EVERY_ORDER if one.rewarded_orders is None else one.rewarded_orders
    write_now(
        session,
        Referral(
            merchant_id=merchant_id,
            friend_id=friend_id,
            advocate_id=advocate_id,
            program_id=program_id,
            link_id=link.link_id,
            created_at=one.brought_at or now,
            rewarded_before=rewarded,
        ),
    )
    return True
