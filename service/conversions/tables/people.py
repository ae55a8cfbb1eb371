"""What orders and referrals say of a customer: said of another one."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import UNSYNCHRONIZED, Conversion, Referral, drop_referral


def hand_over(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    """Whatever orders say of the one customer, they say of the other; their seals are of what was."""
    c = Conversion
    for column in (c.customer_id, c.advocate_id):
        moved = update(c).where(c.merchant_id == merchant_id, column == before)
        session.execute(moved.values({column: after, c.is_sealed: False}), execution_options=UNSYNCHRONIZED)


def hand_over_referrals(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    """Whom the one customer brought, the other did; and who brought the one brought the other, who has nobody yet."""
    r = Referral
    for column in (r.friend_id, r.advocate_id):
        moved = update(r).where(r.merchant_id == merchant_id, column == before)
        session.execute(moved.values({column: after}), execution_options=UNSYNCHRONIZED)


def take_referrals(session: Session, merchant_id: UUID, friends: Collection[str]) -> Sequence[Referral]:
    """Who brought these customers, the first of them first, of whom it is said no more."""
    r = Referral
    query = select(r).where(r.merchant_id == merchant_id, r.friend_id.in_(friends)).order_by(r.created_at, r.friend_id)
    taken = session.scalars(query, execution_options={"populate_existing": True}).all()
    for referral in taken:
        session.expunge(referral)
    drop_referral(session, merchant_id, friends)
    return taken


def is_above(session: Session, merchant_id: UUID, customer_id: str, *, of: str) -> bool:
    """Whether somebody is this customer, or came through them, all the way up."""
    r, at = Referral, of
    seen: set[str] = set()
    while at != customer_id and at not in seen:
        seen.add(at)
        brought = session.scalar(select(r.advocate_id).where(r.merchant_id == merchant_id, r.friend_id == at))
        if brought is None:
            return False
        at = brought
    return at == customer_id


def between(session: Session, merchant_id: UUID, one: str, other: str) -> Sequence[UUID]:
    """The orders of the one by which the other is the advocate, either way round."""
    c = Conversion
    either = or_(and_(c.customer_id == one, c.advocate_id == other), and_(c.customer_id == other, c.advocate_id == one))
    query = select(c.conversion_id).where(c.merchant_id == merchant_id, either)
    return session.scalars(query.order_by(c.conversion_id)).all()


def ordered_by(merchant_id: UUID, customer_id: str) -> Select[tuple[UUID]]:
    """The orders of this customer, for a statement."""
    return select(Conversion.conversion_id).where(
        Conversion.merchant_id == merchant_id, Conversion.customer_id == customer_id
    )
