"""Redemptions, adjustments and links as the numbers see them, many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, tzinfo
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion
from service.customers.tables import Customer
from service.database.among import among
from service.ledger import proof
from service.links.tables import Link
from service.rewards import references
from service.rewards.tables.redemptions import RedemptionReturn
from service.statistics.entries import Entry, Movement, Presence, Whose, of_link, of_money


def of_redemptions(session: Session, merchant_id: UUID, redemptions: Sequence[UUID], zone: tzinfo) -> list[Entry]:
    """What these redemptions add. That balance is set aside changes nothing of what is owed."""
    names = {references.settled(redemption): redemption for redemption in redemptions}
    r = RedemptionReturn
    query = select(r.redemption_id, r.entry_id).where(
        r.merchant_id == merchant_id, among(session, r.redemption_id, redemptions)
    )
    for redemption, entry_id in session.execute(query):
        names[references.returned(redemption, entry_id)] = redemption
    return _of_money(session, merchant_id, names, zone)


def of_adjustments(session: Session, merchant_id: UUID, adjustments: Sequence[UUID], zone: tzinfo) -> list[Entry]:
    """What these adjustments add."""
    names = {references.adjusted(adjustment): adjustment for adjustment in adjustments}
    return _of_money(session, merchant_id, names, zone)


def _of_money(session: Session, merchant_id: UUID, names: dict[str, UUID], zone: tzinfo) -> list[Entry]:
    movements: dict[tuple[UUID, str], list[Movement]] = defaultdict(list)
    for effect in proof.effects_of(session, merchant_id, list(names)):
        of = movements[names[effect.reference], effect.currency]
        of.append(Movement(effect.effective_at, effect.cost, effect.liability))
    return [
        entry
        for (subject, currency), moved in movements.items()
        for entry in of_money(Whose(subject, currency=currency), moved, zone)
    ]


def of_links(session: Session, merchant_id: UUID, links: Sequence[UUID], zone: tzinfo) -> tuple[set[UUID], list[Entry]]:
    """(links, what they add) of these links and of their advocates' others: each says when there was one before."""
    of_these = (
        select(Link.customer_id).where(Link.merchant_id == merchant_id, among(session, Link.link_id, links)).distinct()
    )
    names = session.scalars(of_these).all()
    query = select(Link).where(Link.merchant_id == merchant_id, among(session, Link.customer_id, names))
    of_advocates: dict[str, list[Link]] = defaultdict(list)
    for link in session.scalars(query.order_by(Link.created_at, Link.link_id)):
        of_advocates[link.customer_id].append(link)
    made = [entry for of_one in of_advocates.values() for entry in _of_advocate(of_one, zone)]
    return {link.link_id for of_one in of_advocates.values() for link in of_one}, made


def _of_advocate(links: Iterable[Link], zone: tzinfo) -> list[Entry]:
    """What the links of one advocate add, in the order in which they were made."""
    made: list[Entry] = []
    before: dict[tuple[UUID | None, str | None], date] = {}
    for link in links:
        whose = Whose(link.link_id, link.program_id, link.channel)
        places = ((None, None), (link.program_id, None), (None, link.channel), (link.program_id, link.channel))
        presence = Presence(*(before.get(place) for place in places))
        made += of_link(whose, link.created_at, presence, zone)
        before |= dict.fromkeys(places, link.created_at.astimezone(zone).date())
    return made


def of_customers(session: Session, merchant_id: UUID, owners: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """(orders, links) of these customers, who have got another name. owners: what the books call them."""
    if not owners:
        return set(), set()
    c, k = Conversion, Customer
    names = session.scalars(select(k.customer_id).where(k.merchant_id == merchant_id, k.owner_id.in_(owners))).all()
    of_them = or_(c.customer_id.in_(names), c.advocate_id.in_(names))
    orders = session.scalars(select(c.conversion_id).where(c.merchant_id == merchant_id, of_them))
    links = session.scalars(select(Link.link_id).where(Link.merchant_id == merchant_id, Link.customer_id.in_(names)))
    return set(orders), set(links)
