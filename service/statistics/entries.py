"""PURE: what one order, redemption, adjustment or link adds to the numbers of which days.

Entries are what is kept of each. When it changes, its entries are made anew, and what differs goes into the totals: so
the numbers follow from how things stand, and not from the path by which they came to.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from uuid import UUID

from service.statistics.timelines import Standing


@dataclass(frozen=True, slots=True)
class Whose:
    """What an entry belongs to. currency: "" where it is not about money. advocate_id: None for who was not brought."""

    subject_id: UUID
    program_id: UUID | None = None
    channel: str | None = None
    currency: str = ""
    customer_id: str | None = None
    advocate_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What is added, in numbers and in minor units; signed.

    rewards: what the advocate's own rewards are worth. The last three are of the customer's cohort.
    """

    links: int = 0
    orders: int = 0
    referred_orders: int = 0
    new_customers: int = 0
    clients: int = 0
    returned: int = 0
    revenue: int = 0
    refunded: int = 0
    reward_cost: int = 0
    liability: int = 0
    rewards: int = 0
    customers: int = 0
    repeaters: int = 0
    spent: int = 0

    @property
    def net_revenue(self) -> int:
        """The revenue less what was given back."""
        return self.revenue - self.refunded


@dataclass(frozen=True, slots=True)
class Presence:
    """That somebody was there on the entry's day, and on which day before; None where never.

    in_program, in_channel, in_both: the same, among what is of the same program, channel or both alone.
    """

    previous: date | None
    in_program: date | None = None
    in_channel: date | None = None
    in_both: date | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """The month (its first day) in which a customer was won, and whether by a referral."""

    month: date
    is_referred: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What one of them adds to one day. reasons: why an order was declined."""

    whose: Whose
    day: date
    counts: Counts
    reasons: Sequence[str] = ()
    buyer: Presence | None = None
    advocate: Presence | None = None
    cohort: Cohort | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What the books say of one moment, in minor units, signed."""

    effective_at: datetime
    cost: int
    liability: int


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as it stands. refunds: (when, minor units) of those that stand. rewards: the advocate's, minor units.

    standing: what it is among its customer's; None for a voided one.
    """

    whose: Whose
    ordered_at: datetime
    amount: int
    is_referred: bool
    is_declined: bool
    has_reward: bool
    rewards: int
    standing: Standing | None
    reasons: Sequence[str] = ()
    refunds: Sequence[tuple[datetime, int]] = ()
    movements: Sequence[Movement] = ()


@dataclass(slots=True)
class _Days:
    """The entries of one subject while they are made."""

    whose: Whose
    zone: tzinfo
    added: dict[date, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, at: datetime, **counts: int) -> date:
        """Count on the day of this moment. Returns that day."""
        day = at.astimezone(self.zone).date()
        for name, count in counts.items():
            self.added[day][name] += count
        return day

    def book(self, movements: Iterable[Movement]) -> None:
        """Count what the books say."""
        for movement in movements:
            self.add(movement.effective_at, reward_cost=movement.cost, liability=movement.liability)

    def entries(self) -> list[Entry]:
        """Of each day that has something, one."""
        made = [Entry(self.whose, day, Counts(**counts)) for day, counts in sorted(self.added.items())]
        return [entry for entry in made if entry.counts != Counts()]


def of_order(facts: OrderFacts, zone: tzinfo) -> list[Entry]:
    """What an order adds: a voided one nothing but what the books tell of it."""
    days = _Days(facts.whose, zone)
    days.book(facts.movements)
    standing = facts.standing
    if standing is None:
        return days.entries()
    of_referral, of_cohort = standing.nth_of_referral, standing.nth_of_cohort
    day = days.add(
        facts.ordered_at,
        orders=1,
        referred_orders=int(facts.is_referred),
        new_customers=int(of_referral == 1),
        clients=int(of_referral == 2 and not facts.has_reward),
        returned=int(of_referral == 2),
        revenue=facts.amount if facts.is_referred else 0,
        rewards=facts.rewards if facts.is_referred else 0,
        customers=int(of_cohort == 1),
        repeaters=int(of_cohort == 2),
        spent=facts.amount if of_cohort else 0,
    )
    for at, amount in facts.refunds:
        refunded, spent = amount if facts.is_referred else 0, -amount if of_cohort else 0
        days.add(at, refunded=refunded, spent=spent)
    cohort = Cohort(standing.cohort, standing.is_referred) if of_cohort else None
    return [
        replace(
            entry,
            cohort=cohort,
            reasons=facts.reasons if entry.day == day and facts.is_declined else (),
            buyer=Presence(standing.previous_day) if entry.day == day and facts.whose.customer_id else None,
        )
        for entry in days.entries()
    ]


def of_money(whose: Whose, movements: Iterable[Movement], zone: tzinfo) -> list[Entry]:
    """What a redemption or an adjustment adds."""
    days = _Days(whose, zone)
    days.book(movements)
    return days.entries()


def of_link(whose: Whose, created_at: datetime, advocate: Presence, zone: tzinfo) -> list[Entry]:
    """What a link adds."""
    days = _Days(whose, zone)
    days.add(created_at, links=1)
    return [replace(entry, advocate=advocate) for entry in days.entries()]
