"""Orders as the numbers see them: gathered from the core's tables and from the books, many at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.conversions.attribution import REFERRED
from service.conversions.tables.conversions import Conversion, Referral
from service.conversions.tables.refunds import Refund, is_reversed
from service.database.among import among
from service.ledger import proof
from service.links.tables import Link
from service.rewards import references
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.rewards import Reward
from service.statistics.entries import Entry, Movement, OrderFacts, Whose, of_order
from service.statistics.tables import EntryRow
from service.statistics.timelines import OF_NOBODY, Placed, Standing, Timeline

Standings = Mapping[UUID, Standing]


def entries_after(
    session: Session, merchant_id: UUID, changed: Iterable[UUID], zone: tzinfo
) -> tuple[set[UUID], list[Entry]]:
    """(orders, their entries as they stand) of these orders, and of those that are another thing because of them."""
    wanted = list(changed)
    if not wanted:
        return set(), []
    c = Conversion
    query = select(c.conversion_id, c.customer_id, c.ordered_at, c.voided_at)
    query = query.where(c.merchant_id == merchant_id, among(session, c.conversion_id, wanted))
    positions: dict[str, list[tuple[datetime, UUID]]] = defaultdict(list)
    of_all: dict[UUID, Standing] = {}
    for conversion_id, customer_id, ordered_at, voided_at in session.execute(query):
        if customer_id is not None:
            positions[customer_id].append((ordered_at, conversion_id))
        elif voided_at is None:
            of_all[conversion_id] = OF_NOBODY
    timelines = _timelines(session, merchant_id, list(positions), zone)
    standings = {name: timeline.standings() for name, timeline in timelines.items()}
    touched = set(wanted)
    for name, changes in positions.items():
        touched.update(timelines[name].near(changes))
    touched |= _no_longer_so(session, merchant_id, standings)
    for of_one in standings.values():
        of_all |= of_one
    facts = _facts(session, merchant_id, list(touched), of_all)
    return touched, [entry for one in facts for entry in of_order(one, zone)]


def _timelines(session: Session, merchant_id: UUID, names: Sequence[str], zone: tzinfo) -> dict[str, Timeline]:
    r, c = Referral, Conversion
    referrals = select(r.friend_id, r.advocate_id).where(
        r.merchant_id == merchant_id, among(session, r.friend_id, names)
    )
    brought_by = {row.friend_id: row.advocate_id for row in session.execute(referrals)}
    query = select(c.customer_id, c.ordered_at, c.conversion_id, c.advocate_id, c.status)
    query = query.where(c.merchant_id == merchant_id, among(session, c.customer_id, names), c.voided_at.is_(None))
    placed: dict[str, list[Placed]] = {name: [] for name in names}
    for name, ordered_at, conversion_id, advocate_id, status in session.execute(query):
        placed[name].append(Placed(ordered_at, conversion_id, advocate_id if status in REFERRED else None))
    in_order = {
        name: sorted(orders, key=lambda one: (one.ordered_at, one.conversion_id)) for name, orders in placed.items()
    }
    return {name: Timeline(orders, brought_by.get(name), zone) for name, orders in in_order.items()}


def _no_longer_so(session: Session, merchant_id: UUID, standings: Mapping[str, Standings]) -> set[UUID]:
    """The orders of these customers that are kept as a first or second one, or in another cohort than theirs is now."""
    e = EntryRow
    marked = or_(e.new_customers != 0, e.returned != 0, e.customers != 0, e.repeaters != 0)
    query = select(e.customer_id, e.subject_id, e.cohort, e.is_referred, marked)
    query = query.where(e.merchant_id == merchant_id, among(session, e.customer_id, standings))
    found: set[UUID] = set()
    for customer_id, order, cohort, is_referred, is_marked in session.execute(query):
        now = standings[str(customer_id)].get(order)
        counted = (now.cohort, now.is_referred) if now is not None and now.nth_of_cohort else (None, None)
        if is_marked or (cohort, is_referred) != counted:
            found.add(order)
    return found


def _facts(session: Session, merchant_id: UUID, orders: Sequence[UUID], standings: Standings) -> list[OrderFacts]:
    c, of_link = Conversion, (Link.merchant_id == Conversion.merchant_id) & (Link.link_id == Conversion.link_id)
    columns = (c.conversion_id, c.customer_id, c.advocate_id, c.program_id, c.currency, c.amount, c.status, c.reasons)
    query = select(*columns, c.ordered_at, Link.channel).outerjoin(Link, of_link)
    found = session.execute(query.where(c.merchant_id == merchant_id, among(session, c.conversion_id, orders))).all()
    refunds, earned = _refunds(session, merchant_id, orders), _earned(session, merchant_id, orders)
    movements = _movements(session, merchant_id, orders, earned)
    return [_of(row, standings, refunds, earned, movements) for row in found]


def _of(
    row: Any,
    standings: Standings,
    refunds: Mapping[UUID, list[tuple[datetime, int]]],
    earned: Mapping[UUID, list[Reward]],
    movements: Mapping[UUID, list[Movement]],
) -> OrderFacts:
    order, is_referred = row.conversion_id, row.status in REFERRED
    worth = [reward for reward in earned[order] if reward.remaining and reward.status != "denied"]
    return OrderFacts(
        whose=Whose(
            subject_id=order,
            program_id=row.program_id,
            channel=row.channel,
            currency=row.currency,
            customer_id=row.customer_id,
            advocate_id=row.advocate_id if is_referred else None,
        ),
        ordered_at=row.ordered_at,
        amount=row.amount,
        is_referred=is_referred,
        is_declined=row.status == "declined",
        has_reward=bool(worth),
        rewards=sum(reward.remaining - (reward.lapsed_amount or 0) for reward in worth if reward.side == "advocate"),
        standing=standings.get(order),
        reasons=tuple(row.reasons),
        refunds=refunds[order],
        movements=movements[order],
    )


def _refunds(session: Session, merchant_id: UUID, orders: Sequence[UUID]) -> dict[UUID, list[tuple[datetime, int]]]:
    of = (Refund.merchant_id == merchant_id, among(session, Refund.conversion_id, orders), ~is_reversed)
    given_back: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    for order, at, amount in session.execute(
        select(Refund.conversion_id, Refund.refunded_at, Refund.amount).where(*of)
    ):
        given_back[order].append((at, amount))
    return given_back


def _earned(session: Session, merchant_id: UUID, orders: Sequence[UUID]) -> dict[UUID, list[Reward]]:
    earned: dict[UUID, list[Reward]] = defaultdict(list)
    query = select(Reward).where(Reward.merchant_id == merchant_id, among(session, Reward.conversion_id, orders))
    for reward in session.scalars(query.execution_options(populate_existing=True)):
        earned[reward.conversion_id].append(reward)
    return earned


def _movements(
    session: Session, merchant_id: UUID, orders: Sequence[UUID], earned: Mapping[UUID, list[Reward]]
) -> dict[UUID, list[Movement]]:
    """What the books say of these orders. The end of a hold is left out: it changes neither cost nor liability."""
    names = {references.earned(order): order for order in orders if earned[order]}
    for order, rewards in earned.items():
        names |= {
            references.lapsed(order, reward.reward_id): order for reward in rewards if reward.used_amount is not None
        }
    c = RewardChange
    query = select(c.conversion_id, c.step, c.entry_id).where(
        c.merchant_id == merchant_id, among(session, c.conversion_id, orders)
    )
    for order, step, entry_id in session.execute(query):
        names[references.changed(order, references.Step(step), entry_id)] = order
    movements: dict[UUID, list[Movement]] = defaultdict(list)
    for effect in proof.effects_of(session, merchant_id, list(names)):
        movements[names[effect.reference]].append(Movement(effect.effective_at, effect.cost, effect.liability))
    return movements
