"""PURE: a believable half year of a small shop, each time the same: seasons, strong advocates, and what goes wrong."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

DAYS = 182
STRONG = {"mara": 30, "tomas": 18, "yuki": 12}
OTHERS = (
    "ada",
    "bo",
    "chi",
    "dario",
    "edda",
    "faye",
    "gil",
    "hana",
    "ines",
    "joao",
    "kofi",
    "lea",
    "milo",
    "nils",
    "olu",
    "pia",
    "quin",
    "rosa",
    "sami",
    "tess",
    "uma",
    "vito",
    "wren",
    "zoe",
)
FIRST_NAMES = {"tomas": "Tomás", "joao": "João", "ines": "Inês"}
CHANNELS = ("mail", "whatsapp", "instagram")
VISITS_A_DAY = 5.0
OTHER_ORDERS_A_DAY = 1.2
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
MACHINES = ("WhatsApp/2.24.6.77", "facebookexternalhit/1.1", "Twitterbot/1.0", "Googlebot/2.1")
"""What looks at shared links before people do."""

PREVIEWED = 0.4
"""How many visits come after that of a machine."""

REPAID = 0.07
"""How many orders are given back, at least in part."""


@dataclass(frozen=True, slots=True)
class Link:
    """An advocate makes a link, so many days ago."""

    days_ago: float
    advocate: str
    channel: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody follows a link. number: which visit it is."""

    days_ago: float
    link: Link
    number: int
    agent: str = BROWSER


@dataclass(frozen=True, slots=True)
class Order:
    """An order of goods of this worth, in minor units. visit: which brought it. link: whose code did."""

    days_ago: float
    name: str
    customer: str
    goods: int
    visit: Visit | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """An order is given back: all of it, or a quarter of its goods."""

    days_ago: float
    order: Order
    is_partial: bool


Happening = Link | Visit | Order | Refund


def happenings(seed: int = 7) -> list[Happening]:
    """All of it, in the order in which it happened."""
    told = list(_told(Random(seed)))
    told += _previews([one for one in told if isinstance(one, Visit)], Random(seed))
    return sorted(told, key=lambda one: -one.days_ago)


def _previews(visits: Sequence[Visit], chance: Random) -> Iterator[Visit]:
    """Machines that look at a link before somebody follows it; for the books and the numbers they are nobody."""
    for visit in visits:
        if chance.random() < PREVIEWED:
            before = min(visit.link.days_ago, visit.days_ago + 0.001)
            yield Visit(before, visit.link, visit.number, chance.choice(MACHINES))


def _told(chance: Random) -> Iterator[Happening]:
    links = [
        Link(DAYS - 1 - 0.55 * chance.random() * DAYS * (name not in STRONG), name, channel)
        for name in (*STRONG, *OTHERS)
        for channel in CHANNELS[: 3 if name in STRONG else chance.randint(1, 2)]
    ]
    yield from links
    weights = [STRONG.get(link.advocate, 2) for link in links]
    friends: list[str] = []
    numbers = iter(range(1, 100_000))
    for day in range(DAYS - 2, 0, -1):
        for _ in range(_poisson(chance, VISITS_A_DAY * _season(day))):
            link = chance.choices(links, weights)[0]
            visit = Visit(day - chance.random(), link, next(numbers))
            if visit.days_ago < link.days_ago:
                yield visit
                if chance.random() < 0.24:
                    yield from _ordered(chance, visit, friends, next(numbers))
        for _ in range(_poisson(chance, OTHER_ORDERS_A_DAY * _season(day))):
            yield from _other(chance, day, links, friends, next(numbers))


def _ordered(chance: Random, visit: Visit, friends: list[str], number: int) -> Iterator[Happening]:
    """A friend orders soon after the visit; now and then it is somebody who may not be referred."""
    when = max(0.05, visit.days_ago - chance.expovariate(1.0))
    kind = chance.random()
    if kind < 0.04:
        customer = visit.link.advocate
    elif kind < 0.1 and friends:
        customer = chance.choice(friends)
    else:
        customer = f"friend-{number}"
        friends.append(customer)
    order = Order(when, f"A-{number}", customer, _worth(chance), visit=visit)
    yield order
    yield from _regretted(chance, order)


def _other(chance: Random, day: int, links: Sequence[Link], friends: list[str], number: int) -> Iterator[Happening]:
    """An order without a link: of somebody who comes back, of a newcomer, or with a code that was heard."""
    kind, when = chance.random(), max(0.05, day - chance.random())
    if kind < 0.55 and friends:
        customer, link = chance.choice(friends), None
    elif kind < 0.62:
        customer, link = f"heard-{number}", chance.choice([one for one in links if one.days_ago > day + 1] or [None])
    else:
        customer, link = f"guest-{number % 90}", None
    order = Order(when, f"B-{number}", customer, _worth(chance), link=link)
    yield order
    yield from _regretted(chance, order)


def _regretted(chance: Random, order: Order) -> Iterator[Refund]:
    if chance.random() < REPAID:
        when = order.days_ago - chance.uniform(2, 16)
        if when > 0:
            yield Refund(when, order, chance.random() < 0.6)


def _season(day: int) -> float:
    """More towards the end of the year that the half year tells of, less in between; two days of seven are livelier."""
    wave = 1.0 + 0.45 * math.cos(2 * math.pi * day / DAYS)
    return wave * (1.3 if day % 7 < 2 else 0.9) * (1.6 if day < 10 else 1.0)


def _worth(chance: Random) -> int:
    """Minor units: mostly some forty, now and then far more."""
    return 10 * round(chance.lognormvariate(math.log(420), 0.5))


def _poisson(chance: Random, mean: float) -> int:
    """How often something happens that happens `mean` times on average. Source: Knuth's method."""
    limit, number, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        number, product = number + 1, product * chance.random()
    return number
