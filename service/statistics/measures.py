"""PURE: every measure, defined in this one place: what is counted, and what is made of the counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

RATE_PARTS = 10_000


def rate(part: int, whole: int) -> float | None:
    """A share, to four digits, rounded half-even; None of nothing. Never of money."""
    return half_even(RATE_PARTS * part, whole) / RATE_PARTS if whole else None


def half_even(part: int, whole: int) -> int:
    """The quotient as a whole number, rounded half-even."""
    quotient, left = divmod(part, whole)
    twice = 2 * abs(left) - abs(whole)
    return quotient + (twice > 0 or (twice == 0 and quotient % 2))


def quotient(part: int, whole: int) -> str | None:
    """One amount by another as a decimal with two digits, rounded half-even; None by nothing or less."""
    if whole <= 0:
        return None
    return str(Decimal(half_even(100 * part, whole)).scaleb(-2))


@dataclass(slots=True)
class Money:
    """Amounts of one currency, in minor units. liability: None where what is asked for has none of its own."""

    revenue: int = 0
    refunded: int = 0
    reward_cost: int = 0
    liability: int | None = None
    new_customers: int = 0

    @property
    def net_revenue(self) -> int:
        """What is left of the revenue."""
        return self.revenue - self.refunded

    @property
    def cost_per_new_customer(self) -> int | None:
        """In minor units, rounded half-even; None without new customers."""
        return half_even(self.reward_cost, self.new_customers) if self.new_customers else None

    @property
    def return_on_rewards(self) -> str | None:
        """How many times what they cost the rewards brought in."""
        return quotient(self.net_revenue, self.reward_cost)


@dataclass(slots=True)
class Measures:
    """What a period brought. buyers: customers with an order in it, of whatever program and channel.

    money: currency -> its amounts.
    """

    links: int = 0
    advocates: int = 0
    visits: int = 0
    unique_visitors: int = 0
    orders: int = 0
    referred_orders: int = 0
    new_customers: int = 0
    clients: int = 0
    buyers: int = 0
    money: dict[str, Money] = field(default_factory=dict)

    @property
    def conversion_rate(self) -> float | None:
        """How many of the visitors became customers."""
        return rate(self.new_customers, self.unique_visitors)

    @property
    def viral_coefficient(self) -> float | None:
        """How many new customers each buyer brought."""
        return rate(self.new_customers, self.buyers)

    def count(self, currency: str, row: Mapping[str, int]) -> None:
        """Add what a day says of one currency ("" for what is not about money)."""
        self.links += row["links"]
        self.visits += row["visits"]
        self.unique_visitors += row["visitors"]
        self.orders += row["orders"]
        self.referred_orders += row["referred_orders"]
        self.new_customers += row["new_customers"]
        self.clients += row["clients"]
        if not currency:
            return
        money = self.money.setdefault(currency, Money())
        money.revenue += row["revenue"]
        money.refunded += row["refunded"]
        money.reward_cost += row["reward_cost"]
        money.new_customers += row["new_customers"]


@dataclass(frozen=True, slots=True)
class AdvocateMeasures:
    """What the friends of one advocate brought in one currency, in minor units. rewards: what the advocate got."""

    advocate_id: str
    friends: int
    returned: int
    orders: int
    revenue: int
    refunded: int
    rewards: int
    net_lifetime_value: int

    @property
    def repeat_rate(self) -> float | None:
        """The share of friends who ordered again."""
        return rate(self.returned, self.friends)

    @property
    def refund_rate(self) -> float | None:
        """The share of the revenue that was given back."""
        return rate(self.refunded, self.revenue)

    @property
    def is_something(self) -> bool:
        """Whether there is anything to tell."""
        return any((self.friends, self.orders, self.revenue, self.refunded, self.rewards))


@dataclass(slots=True)
class CohortMeasures:
    """Customers who were won in one month. spent: (currency, month) -> minor units less what was given back."""

    customers: int = 0
    repeaters: int = 0
    spent: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def repeat_rate(self) -> float | None:
        """The share of them who ordered again."""
        return rate(self.repeaters, self.customers)

    def per_customer(self) -> Sequence[tuple[str, str, int]]:
        """(currency, month, minor units for each customer, rounded half-even), in order."""
        if not self.customers:
            return []
        return [(*key, half_even(spent, self.customers)) for key, spent in sorted(self.spent.items())]
