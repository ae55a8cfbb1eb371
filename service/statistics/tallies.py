"""PURE: from entries to totals, and back: what is to be added where, so that totals are sums of entries.

Each total is kept by scope, so that a number is as many rows away as it has days, whatever is asked: of everything, of
one program, of one channel, or of one channel of one program.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import IntEnum, StrEnum
from uuid import UUID

from service.statistics.entries import Entry, Presence

NO_PROGRAM = UUID(int=0)
NEVER = date.min


class Rollup(StrEnum):
    """A table of totals."""

    DAILY = "stats_daily"
    REASONS = "stats_reason"
    COHORTS = "stats_cohort"
    ADVOCATES = "stats_advocate"
    PRESENCE = "stats_presence"


class Scope(IntEnum):
    """By what a total is cut: bit 1 is the program, bit 2 the channel."""

    EVERYTHING = 0
    PROGRAM = 1
    CHANNEL = 2
    BOTH = 3


class Role(IntEnum):
    """As what somebody was there."""

    BUYER = 0
    ADVOCATE = 1


class Grain(IntEnum):
    """How exactly a presence says when somebody had been there before: the day, or the first day of its month."""

    DAY = 0
    MONTH = 1


KEYS: Mapping[Rollup, tuple[str, ...]] = {
    Rollup.DAILY: ("scope", "program_id", "channel", "day", "currency"),
    Rollup.REASONS: ("scope", "channel", "day", "program_id", "reason", "currency"),
    Rollup.COHORTS: ("scope", "program_id", "channel", "cohort", "is_referred", "currency", "month"),
    Rollup.ADVOCATES: ("scope", "program_id", "channel", "currency", "advocate_id"),
    Rollup.PRESENCE: ("role", "scope", "program_id", "channel", "grain", "day", "previous"),
}
MEASURES: Mapping[Rollup, tuple[str, ...]] = {
    Rollup.DAILY: (
        "links",
        "visits",
        "visitors",
        "orders",
        "referred_orders",
        "new_customers",
        "clients",
        "revenue",
        "refunded",
        "reward_cost",
        "liability",
    ),
    Rollup.REASONS: ("orders",),
    Rollup.COHORTS: ("customers", "repeaters", "spent"),
    Rollup.ADVOCATES: ("friends", "returned", "orders", "revenue", "refunded", "rewards", "net_lifetime_value"),
    Rollup.PRESENCE: ("people",),
}
VISITS, VISITORS = (MEASURES[Rollup.DAILY].index(name) for name in ("visits", "visitors"))
OF_FRIENDS = {"friends": "new_customers", "orders": "referred_orders", "net_lifetime_value": "net_revenue"}
"""What of an order's counts is counted for its advocate, where that has another name."""

Key = tuple[object, ...]
Tallies = dict[tuple[Rollup, Key], list[int]]
"""(table, key) -> what is to be added to each of its measures."""


def tally(entries: Iterable[Entry], into: Tallies, *, sign: int = 1) -> None:
    """Add what these entries say, or with sign -1 take it away again."""
    for entry in entries:
        for rollup, key, values in _lines(entry):
            row = into.get((rollup, key))
            if row is None:
                row = into[rollup, key] = [0] * len(values)
            for index, value in enumerate(values):
                row[index] += sign * value


def without_zeros(tallies: Tallies) -> Tallies:
    """The same, without what adds nothing."""
    return {key: values for key, values in tallies.items() if any(values)}


def scopes(program_id: UUID | None, channel: str | None) -> Iterator[tuple[Scope, UUID, str]]:
    """(scope, program, channel) of every total to which something belongs."""
    yield Scope.EVERYTHING, NO_PROGRAM, ""
    if program_id is not None:
        yield Scope.PROGRAM, program_id, ""
    if channel is not None:
        yield Scope.CHANNEL, NO_PROGRAM, channel
    if program_id is not None and channel is not None:
        yield Scope.BOTH, program_id, channel


Lines = Iterator[tuple[Rollup, Key, tuple[int, ...]]]


def _lines(entry: Entry) -> Lines:
    whose, c = entry.whose, entry.counts
    daily = tuple(getattr(c, name, 0) for name in MEASURES[Rollup.DAILY])  # visits stand in no entry
    won = tuple(getattr(c, OF_FRIENDS.get(name, name)) for name in MEASURES[Rollup.ADVOCATES])
    for scope, program_id, channel in scopes(whose.program_id, whose.channel):
        if any(daily):
            yield Rollup.DAILY, (scope, program_id, channel, entry.day, whose.currency), daily
        if whose.advocate_id is not None and any(won):
            yield Rollup.ADVOCATES, (scope, program_id, channel, whose.currency, whose.advocate_id), won
    yield from _reasons(entry)
    yield from _cohort(entry)
    if entry.buyer is not None:
        yield from _presence(Role.BUYER, (Scope.EVERYTHING, NO_PROGRAM, ""), entry.day, entry.buyer.previous)
    if entry.advocate is not None:
        yield from _advocate(entry, entry.advocate)


def _reasons(entry: Entry) -> Lines:
    whose = entry.whose
    places = [(Scope.EVERYTHING, ""), *([] if whose.channel is None else [(Scope.CHANNEL, whose.channel)])]
    for reason in entry.reasons:
        for scope, channel in places:
            key = (scope, channel, entry.day, whose.program_id or NO_PROGRAM, reason, whose.currency)
            yield Rollup.REASONS, key, (1,)


def _cohort(entry: Entry) -> Lines:
    cohort, c, whose = entry.cohort, entry.counts, entry.whose
    values = (c.customers, c.repeaters, c.spent)
    if cohort is None or not any(values):
        return
    places = scopes(whose.program_id, whose.channel) if cohort.is_referred else scopes(None, None)
    for scope, program_id, channel in places:
        month = entry.day.replace(day=1)
        key = (scope, program_id, channel, cohort.month, cohort.is_referred, whose.currency, month)
        yield Rollup.COHORTS, key, values


def _advocate(entry: Entry, presence: Presence) -> Lines:
    before = {
        Scope.EVERYTHING: presence.previous,
        Scope.PROGRAM: presence.in_program,
        Scope.CHANNEL: presence.in_channel,
        Scope.BOTH: presence.in_both,
    }
    for scope, program_id, channel in scopes(entry.whose.program_id, entry.whose.channel):
        yield from _presence(Role.ADVOCATE, (scope, program_id, channel), entry.day, before[scope])


def _presence(role: Role, place: tuple[Scope, UUID, str], day: date, previous: date | None) -> Lines:
    """One more on this day, by when they were there before; who was there on the same day is counted already."""
    if previous == day:
        return
    before = previous or NEVER
    yield Rollup.PRESENCE, (role, *place, Grain.DAY, day, before), (1,)
    yield Rollup.PRESENCE, (role, *place, Grain.MONTH, day, before.replace(day=1)), (1,)


def visits_on(day: date, program_id: UUID, channel: str, *, visits: int, visitors: int, into: Tallies) -> None:
    """Add visits of links of one program and channel, and how many of them are a visitor's first of the day."""
    for place in scopes(program_id, channel):
        row = into.setdefault((Rollup.DAILY, (*place, day, "")), [0] * len(MEASURES[Rollup.DAILY]))
        row[VISITS] += visits
        row[VISITORS] += visitors


def difference(before: Iterable[Entry], after: Iterable[Entry]) -> Tallies:
    """What is to be added where these entries take the place of those."""
    changed: Tallies = {}
    tally(before, changed, sign=-1)
    tally(after, changed)
    return without_zeros(changed)
