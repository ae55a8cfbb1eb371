"""The half year of the demo, told to the service as a shop would have told it: by the same use cases, at past times."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.conversions import conversions, refunds
from service.conversions.orders import Order as Reported
from service.conversions.refunds import NewRefund
from service.customers.contacts import Contact
from service.demo import half_year
from service.demo.half_year import DAYS, FIRST_NAMES, Happening, Link, Order, Refund, Visit
from service.ids import new_id
from service.links import links
from service.links import visits as following
from service.links.evidence import VisitEvidence, visit_token
from service.links.links import NewLink
from service.links.visitors import Visitor, classify
from service.programs import programs
from service.programs.programs import ProgramFields
from service.tokens import TokenSigner

CURRENCY = "EUR"
DISCOUNT_PERCENT, MOST_DISCOUNT = 10, 2000
"""What the demo's program gives to friends; the shop takes it off."""

SUMMER: ProgramFields = {
    "name": "Summer guests",
    "currency": CURRENCY,
    "destination_url": "https://shop.example/summer",
    "advocate_reward": {"type": "percent", "rate": "5.00", "max_amount": None, "as": "credit"},
    "friend_reward": {"type": "fixed", "amount": 500, "as": "discount"},
    "hold_days": 14,
}
SUMMER_ORDERS = (160, 151, 140, 128, 96, 80)
"""How many days ago; the program was paused before the last two."""

PAUSED_DAYS_AGO = 110


def first_day(now: datetime) -> datetime:
    """When the half year began."""
    return now - timedelta(days=DAYS)


@dataclass(slots=True)
class Telling:
    """What is told to whom, and what the service made of it so far."""

    signer: TokenSigner
    merchant_id: UUID
    program_id: UUID
    now: datetime
    made: dict[Link, tuple[UUID, str]] = field(default_factory=dict)
    seen: dict[int, VisitEvidence] = field(default_factory=dict)

    def all_of_it(self, session: Session) -> None:
        """Tell the whole half year."""
        for happening in half_year.happenings():
            self._one(session, happening)
        self._summer(session)

    def _one(self, session: Session, happening: Happening) -> None:
        at = self.now - timedelta(days=happening.days_ago)
        match happening:
            case Link():
                self._link(session, happening, at)
            case Visit():
                self._visit(session, happening, at)
            case Order():
                self._order(session, happening, at)
            case Refund():
                self._refund(session, happening, at)

    def _link(self, session: Session, of: Link, at: datetime) -> None:
        contact = Contact(of.advocate, _first_name(of.advocate))
        link, _ = links.create(session, self.merchant_id, NewLink(self.program_id, contact, of.channel), now=at)
        self.made[of] = link.link_id, link.code

    def _visit(self, session: Session, of: Visit, at: datetime) -> None:
        if classify("GET", {"User-Agent": of.agent}) is not Visitor.PERSON:
            return
        link_id, _ = self.made[of.link]
        self.seen[of.number] = VisitEvidence(self.merchant_id, link_id, new_id(), at)
        row = {
            "merchant_id": self.merchant_id,
            "link_id": link_id,
            "hour": at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
            "visitor": of.number.to_bytes(16),
            "visit_id": self.seen[of.number].visit_id,
            "visited_at": at,
        }
        session.execute(insert(following.Visit), [row])

    def _order(self, session: Session, of: Order, at: datetime) -> None:
        referral = None
        if of.visit is not None:
            referral = visit_token(self.signer, self.seen[of.visit.number])
        elif of.link is not None:
            referral = self.made[of.link][1]
        is_new = referral is not None and of.customer.startswith(("friend", "heard"))
        discount = min(of.goods * DISCOUNT_PERCENT // 100, MOST_DISCOUNT) if is_new else None
        contact = Contact(of.customer, _first_name(of.customer))
        order = Reported(of.name, of.goods - (discount or 0), CURRENCY, contact, referral, at, discount)
        conversions.record(session, self.signer, self.merchant_id, order, now=at)

    def _refund(self, session: Session, of: Refund, at: datetime) -> None:
        name = f"R-{of.order.name}"
        asked = NewRefund(name, full=True, order_id=of.order.name, refunded_at=at)
        if of.is_partial:
            asked = NewRefund(name, of.order.goods // 4, at, order_id=of.order.name)
        refunds.refund_of_order(session, self.merchant_id, asked, now=at)

    def _summer(self, session: Session) -> None:
        """A second program, which was paused: what comes by it since then is refused."""
        program, _ = programs.create(session, self.merchant_id, SUMMER, now=first_day(self.now))
        asked = NewLink(program.program_id, Contact("mara"), "mail")
        link, _ = links.create(session, self.merchant_id, asked, now=first_day(self.now))
        for days_ago in SUMMER_ORDERS:
            at = self.now - timedelta(days=days_ago)
            if days_ago < PAUSED_DAYS_AGO and program.status == "active":
                programs.change(session, self.merchant_id, program.program_id, {"status": "paused"}, now=at)
            guest = Contact(f"summer-{days_ago}", "Noa")
            order = Reported(f"S-{days_ago}", 4500, CURRENCY, guest, link.code, at, 500)
            conversions.record(session, self.signer, self.merchant_id, order, now=at)


def _first_name(customer: str) -> str:
    """What somebody is called: friends are named after the number of their order."""
    _, _, number = customer.partition("-")
    if not number:
        return FIRST_NAMES.get(customer, customer.capitalize())
    return half_year.OTHERS[int(number) % len(half_year.OTHERS)].capitalize()
