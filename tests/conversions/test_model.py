"""Random histories of orders, refunds, redemptions, releases and time, against a small independent model.

The model knows no accounts and no database: it keeps each customer's balance as a shop would on paper.
"""

import copy
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from service.books import audit
from service.conversions import amendments, attributing, conversions, quotes, refunds, voids
from service.conversions.orders import Order
from service.conversions.standing import OrderVoided
from service.customers import customers
from service.customers.contacts import Contact
from service.database.engine import Database
from service.errors import BadValues
from service.ledger import books, proof
from service.ledger.books import InsufficientFunds
from service.links import links
from service.links.evidence import read_quote
from service.links.links import NewLink
from service.merchants import keys
from service.migrations import schema
from service.people import erasing, merging
from service.programs import programs
from service.rewards import redemptions, returns, reviews, upkeep
from service.rewards.redemptions import RedemptionContradicted, RedemptionSettled
from service.rewards.reviews import RewardSettled
from service.rewards.tables import totals
from service.tokens import TokenSigner
from tests.serving import SECRET

PEOPLE = ["ana", "ben", "cleo", "dan", "eve"]
START = datetime(2026, 1, 1, tzinfo=UTC)
HOLD, LASTS, KEPT = timedelta(days=1), timedelta(days=12), timedelta(days=30)
RATE, FIXED = Fraction(15, 100), 700
YEN, YEN_RATE = 90, Fraction(10, 100)
MAILBOXES = ["one@x.example", "two@x.example"]
MONEY = ("KWD", "JPY")
NUMBERS = itertools.count()


@dataclass
class Purse:
    pending: int = 0
    available: int = 0
    reserved: int = 0
    owed: int = 0
    lasting: int = 0

    def gain(self, amount: int) -> int:
        """Returns what the customer has of it, who pays the debt first."""
        paid = min(self.owed, amount)
        self.owed -= paid
        self.available += amount - paid
        return amount - paid

    def lose(self, amount: int) -> int:
        """Returns what the customer had of it."""
        taken = min(self.available, amount)
        self.available -= taken
        self.owed += amount - taken
        return taken


@dataclass
class Earned:
    """What somebody has of an order. worth: now; gross: before what came back; used: known once its time is over.

    left: what of it they have, to be spent or to lapse.
    """

    side: str
    who: str
    currency: str
    is_discount: bool
    ripe_at: datetime
    gross: int = 0
    worth: int = 0
    lapsed: int = 0
    used: int | None = None
    is_ripe: bool = False
    is_denied: bool = False
    is_current: bool = True
    over_at: datetime = START
    left: int = 0
    number: int = field(default_factory=lambda: next(NUMBERS))

    def __post_init__(self) -> None:
        self.over_at = self.ripe_at + LASTS

    @property
    def is_waiting(self) -> bool:
        return not (self.is_discount or self.is_ripe or self.is_denied) and self.worth > 0

    @property
    def may_lapse(self) -> bool:
        return self.is_ripe and not self.is_denied and self.worth > 0 and self.used is None

    def ripen(self, purse: Purse) -> None:
        self.is_ripe = True
        purse.pending -= self.worth
        self.left = purse.gain(self.worth)

    def put_back(self, amount: int, purse: Purse) -> int:
        """Returns what of it lapses with this one; the rest never does."""
        own = min(amount, self.worth - self.left) if self.may_lapse else 0
        self.left += own
        purse.lasting += amount - own
        return own

    def become(self, worth: int, purse: Purse, now: datetime, spend: Callable[[int], Any]) -> None:
        more, before = worth - self.worth, self.worth
        if self.is_denied or not more:
            return
        self.worth = worth
        if self.is_discount:
            return
        if not self.is_ripe:
            late = max(timedelta(0), now - self.ripe_at) if not before else timedelta(0)
            self.ripe_at, self.over_at = self.ripe_at + late, self.over_at + late
            purse.pending += more
            return
        if self.used is not None:
            lapsed = max(0, worth - self.used)
            more, self.lapsed = more - (lapsed - self.lapsed), lapsed
        if more < 0:
            taken = purse.lose(-more)
            own = min(self.left, taken)
            self.left -= own
            spend(taken - own)
        elif more:
            self.over_at = max(self.over_at, now + KEPT)
            self.put_back(purse.gain(more), purse)


@dataclass
class Bought:
    friend: str
    by: str | None
    currency: str
    amount: int
    discount: int | None
    eligible: int
    placed_at: datetime
    earned: list[Earned] = field(default_factory=list)
    refunds: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    status: str = ""
    is_small: bool = False
    advocate: str | None = None
    brings: str | None = None
    overruled: frozenset[str] = frozenset()

    @property
    def rewardable(self) -> int:
        return self.eligible if self.amount or self.discount else 0

    @property
    def is_too_small(self) -> bool:
        return not self.rewardable and "below_minimum" not in self.overruled

    @property
    def refunded(self) -> int:
        return sum(amount for amount, _ in self.refunds.values())

    @property
    def named(self) -> int:
        return sum(named or 0 for _, named in self.refunds.values())

    @property
    def now_earned(self) -> list[Earned]:
        return [one for one in self.earned if one.is_current]

    @property
    def stands(self) -> bool:
        """Whether it was neither voided, nor given back whole, nor denied whole."""
        is_gone = self.status == "voided" or (self.amount and self.refunded == self.amount)
        return not is_gone and (not self.now_earned or any(not one.is_denied for one in self.now_earned))

    def left_of(self, gross: int) -> int:
        """What of something earned is left after what came back so far."""
        if self.refunded and self.refunded == self.amount:
            return 0
        if not self.eligible or not self.amount:
            return gross
        shared = sum(amount for amount, named in self.refunds.values() if named is None)
        came_back = self.named + Fraction(self.eligible * shared, self.amount)
        return gross - round(gross * min(came_back / self.eligible, Fraction(1)))

    def earns(self) -> list[tuple[str, str, bool, int]]:
        """(side, who, whether as a discount, how much) of what it earns as it stands."""
        if self.status != "attributed" or self.is_too_small:
            return []
        discount = round(self.eligible * YEN_RATE)
        discount = min(discount, self.discount or 0)
        advocate = str(self.advocate)
        sides = {
            "KWD": [("advocate", advocate, False, round(self.eligible * RATE)), ("friend", self.friend, False, FIXED)],
            "JPY": [("advocate", advocate, False, YEN), ("friend", self.friend, True, discount)],
        }
        return [side for side in sides[self.currency] if side[3]]


@dataclass
class Held:
    who: str
    currency: str
    amount: int
    until: datetime
    order: str | None
    state: str = "reserved"
    spent: int = 0
    returned: int = 0
    parts: list[tuple[Earned | None, int]] = field(default_factory=list)


Part = tuple[Earned | None, int]
"""Of what, and how much; None for what never lapses."""


class Histories(RuleBasedStateMachine):
    """Each rule does one thing to both, and after each the balances are compared."""

    database: Database
    signer: TokenSigner

    def __init__(self) -> None:
        super().__init__()
        self.now, self.people = START, PEOPLE
        merchant, _ = self._write(keys.create_merchant, "Acme", "KWD")
        self.merchant_id = merchant.merchant_id
        fields = {
            "name": "P",
            "currency": "KWD",
            "destination_url": "https://shop.example",
            "advocate_reward": {"type": "percent", "rate": "15.00", "max_amount": None, "as": "credit"},
            "friend_reward": {"type": "fixed", "amount": FIXED, "as": "credit"},
            "other_currencies": {
                "JPY": {
                    "advocate_reward": {"type": "fixed", "amount": YEN, "as": "credit"},
                    "friend_reward": {"type": "percent", "rate": "10.00", "max_amount": None, "as": "discount"},
                    "minimum_order_amount": 0,
                    "tiers": [],
                }
            },
            "hold_days": HOLD.days,
            "rewarded_orders": 2,
            "reward_expiry_days": LASTS.days,
        }
        self.program, _ = self._write(programs.create, self.merchant_id, fields)
        self.codes, self.names = {}, {}
        for name in PEOPLE:
            asked = NewLink(self.program.program_id, Contact(name))
            link, _ = self._write(links.create, self.merchant_id, asked)
            self.codes[name], self.names[link.link_id] = link.code, name
        self.purses = {(name, money): Purse() for name in PEOPLE for money in MONEY}
        self.mailboxes: dict[str, str | None] = {}
        self.merged: dict[str, str] = {}
        self.erased: set[str] = set()
        self.brought_by: dict[str, tuple[datetime, str]] = {}
        self.orders: list[tuple[Any, Bought]] = []
        self.held: list[tuple[Any, Held]] = []

    def _write(self, use_case: Any, *arguments: Any, **more: Any) -> Any:
        return self._transaction(lambda session: use_case(session, *arguments, now=self.now, **more))

    def _transaction(self, work: Callable[[Session], Any]) -> Any:
        return self.database.write(work)

    def _refused(self, error: type[Exception], use_case: Any, *arguments: Any, **more: Any) -> None:
        with pytest.raises(error):
            self._write(use_case, *arguments, **more)

    def _all_earned(self) -> list[Earned]:
        return [earned for _, bought in self.orders for earned in bought.earned]

    # Time

    def _catch_up(self) -> None:
        """What time has done on paper, in the order in which it happened."""
        while happened := self._due():
            _, what, _, subject = min(happened, key=lambda event: event[:3])
            purse = self.purses[subject.who, subject.currency]
            if isinstance(subject, Held):
                self._let_go(subject)
            elif what == 0:
                subject.ripen(purse)
            else:
                purse.available -= subject.left
                subject.lapsed, subject.used, subject.left = subject.left, subject.worth - subject.left, 0
        self._sweep()

    def _due(self) -> list[tuple[datetime, int, int, Any]]:
        earned = list(enumerate(self._all_earned()))
        ripens = [(one.ripe_at, 0, number, one) for number, one in earned if one.is_waiting]
        stale = [(one.until, 1, number, one) for number, (_, one) in enumerate(self.held) if one.state == "reserved"]
        lapses = [(one.over_at, 2, number, one) for number, one in earned if one.may_lapse]
        return [event for event in (*ripens, *stale, *lapses) if event[0] <= self.now]

    def _spend(self, who: str, money: str, amount: int, *, lasting_first: bool = False) -> list[Part]:
        """Take from what expires first, and from what never lapses after it or before. Returns of what."""
        purse = self.purses[who, money]
        lots = [one for one in self._all_earned() if one.left and (one.who, one.currency) == (who, money)]
        ordered: list[Earned | None] = [*sorted(lots, key=lambda one: (one.over_at, one.number))]
        ordered.insert(0 if lasting_first else len(ordered), None)
        parts = []
        for lot in ordered:
            share = min(amount, purse.lasting if lot is None else lot.left)
            amount -= share
            if lot is None:
                purse.lasting -= share
            else:
                lot.left -= share
            parts.append((lot, share))
        assert amount == 0
        return [part for part in parts if part[1]]

    def _spending(self, earned: Earned) -> Callable[[int], Any]:
        return lambda amount: self._spend(earned.who, earned.currency, amount)

    def _put_back(self, held: Held, amount: int, *, lasts_until: datetime = START) -> None:
        """The last spent comes back first; of what comes back, what is spent first pays the debt."""
        purse = self.purses[held.who, held.currency]
        paid = amount - purse.gain(amount)
        held.parts.sort(key=lambda part: (part[0] is None, part[0] and (part[0].over_at, part[0].number)))
        back: list[Part] = []
        while amount:
            lot, share = held.parts.pop()
            back.insert(0, (lot, min(share, amount)))
            if share > amount:
                held.parts.append((lot, share - amount))
            amount -= back[0][1]
        for lot, share in back:
            gone = min(paid, share)
            paid -= gone
            if lot is None:
                purse.lasting += share - gone
            elif lot.put_back(share - gone, purse):
                lot.over_at = max(lot.over_at, lasts_until)

    def _let_go(self, held: Held) -> None:
        held.state = "voided"
        self.purses[held.who, held.currency].reserved -= held.amount
        self._put_back(held, held.amount)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self._catch_up()

    # People

    @rule(who=st.sampled_from(PEOPLE), mailbox=st.sampled_from(MAILBOXES) | st.none())
    def take_mailbox(self, who: str, mailbox: str | None) -> None:
        self._write(customers.put, self.merchant_id, who, {"email": mailbox})
        self.mailboxes[self._now(who)] = mailbox

    def _now(self, name: str) -> str:
        """Whom a name means, after all merges."""
        return self.merged.get(name, name)

    @rule(who=st.sampled_from(PEOPLE))
    def erase(self, who: str) -> None:
        """Forget a friend, whose ids are free for others from then on."""
        before = self._now(who)
        if any(before in (bought.by, bought.advocate) for _, bought in self.orders):
            return  # what a link that has ended does to orders that are judged again is not on paper
        done = self._write(erasing.erase, self.merchant_id, who, balance="lapse")
        after = erasing.name_of(done.erasure.erasure_id)
        for _, held in self.held:
            if held.who == before and held.state == "reserved":
                self._let_go(held)
        for money in MONEY:
            self.purses[after, money], self.purses[before, money] = self.purses[before, money], Purse()
        self.erased.add(after)
        ids = [name for name in PEOPLE if self._now(name) == before]
        self._call(before, after)
        self.merged = {name: now for name, now in self.merged.items() if now != after}
        self.mailboxes.pop(after)
        for earned in self._all_earned():
            is_open = not (earned.is_discount or earned.is_denied) and earned.worth > 0 and earned.used is None
            if earned.who == after and is_open:
                earned.over_at = max(earned.ripe_at, self.now)
        self._catch_up()
        for name in ids:
            for money in MONEY:
                self.purses[name, money] = Purse()
            link, _ = self._write(links.create, self.merchant_id, NewLink(self.program.program_id, Contact(name)))
            self.codes[name], self.names[link.link_id] = link.code, name

    def _sweep(self) -> None:
        """Whatever somebody has who was erased lapses, and what they owe is written off once nothing is on its way."""
        for name in self.erased:
            for money in MONEY:
                purse = self.purses[name, money]
                self._spend(name, money, purse.available, lasting_first=True)
                purse.available = 0
                if not purse.pending:
                    purse.owed = 0

    @rule(into=st.sampled_from(PEOPLE), former=st.sampled_from(PEOPLE))
    def merge(self, into: str, former: str) -> None:
        after, before = self._now(into), self._now(former)
        if into == former:
            self._refused(BadValues, merging.merge, self.merchant_id, into, former)
            return
        done = self._write(merging.merge, self.merchant_id, into, former)
        if after == before:
            return
        assert done.merge.customer_id == after
        self._deny_between(before, after)
        for money in MONEY:
            mine, theirs = self.purses[after, money], self.purses[before, money]
            mine.pending += theirs.pending
            mine.reserved += theirs.reserved
            mine.owed += theirs.owed
            mine.available += theirs.available
            mine.lasting += theirs.lasting
            self.purses[before, money] = Purse()
        self._call(before, after)
        for money in MONEY:
            purse = self.purses[after, money]
            paid = min(purse.available, purse.owed)
            purse.available, purse.owed = purse.available - paid, purse.owed - paid
            self._spend(after, money, paid)

    def _deny_between(self, before: str, after: str) -> None:
        for _, bought in self.orders:
            if {bought.friend, bought.advocate} == {before, after}:
                for earned in bought.earned:
                    if earned.is_waiting:
                        earned.become(0, self.purses[earned.who, earned.currency], self.now, self._spending(earned))
                        earned.is_denied = True

    def _call(self, before: str, after: str) -> None:
        """Whatever is said of the one is said of the other; who brought them first stays, without a circle."""
        self.merged = {name: after if now == before else now for name, now in self.merged.items()} | {before: after}
        for _, bought in self.orders:
            bought.friend, bought.advocate = self._now(bought.friend), bought.advocate and self._now(bought.advocate)
            bought.by = bought.by and self._now(bought.by)
            for earned in bought.earned:
                earned.who = self._now(earned.who)
        for _, held in self.held:
            held.who = self._now(held.who)
        mailbox = self.mailboxes.pop(before, None)
        self.mailboxes[after] = self.mailboxes.get(after) or mailbox
        brought = sorted(self.brought_by.pop(name) for name in (before, after) if name in self.brought_by)
        self.brought_by = {friend: (at, self._now(by)) for friend, (at, by) in self.brought_by.items()}
        for at, by in brought:
            above = self._now(by)
            while above != after and above in self.brought_by:
                above = self.brought_by[above][1]
            if above != after:
                self.brought_by[after] = (at, self._now(by))
                break

    # Orders

    @rule(
        friend=st.sampled_from(PEOPLE),
        by=st.sampled_from(PEOPLE) | st.none(),
        amount=st.integers(0, 20_000),
        money=st.sampled_from(MONEY),
        discount=st.none() | st.integers(0, 2_000),
        percent=st.none() | st.integers(0, 100),
        quoted=st.booleans(),
    )
    def order(
        self,
        friend: str,
        by: str | None,
        amount: int,
        money: str,
        discount: int | None,
        percent: int | None,
        quoted: bool = False,
    ) -> None:
        name, code = f"o-{len(self.orders)}", self.codes[by] if by else None
        by = by and self._now(by)
        promise = self._promise(friend, code, amount, money) if code and quoted else None
        if promise is not None:
            token, by, off = promise
            self._record(Order(name, amount - off, money, Contact(friend), token), by, off, amount)
            return
        before = amount + (discount or 0)
        said = None if percent is None else before * percent // 100
        eligible = before if said is None else said
        order = Order(name, amount, money, Contact(friend), code, discount_amount=discount, eligible_amount=said)
        self._record(order, by, discount, eligible)

    def _promise(self, friend: str, code: str, amount: int, money: str) -> tuple[str, str, int] | None:
        """(quote, whose, what is taken off), where something is promised."""
        asked = quotes.Question(code, amount, money, Contact(friend))
        quote = self._write(quotes.quote, self.signer, self.merchant_id, asked)
        if quote.token is None:
            return None
        read = read_quote(self.signer, quote.token)
        assert read is not None
        assert read.discount_amount == (round(amount * YEN_RATE) if money == "JPY" else 0)
        return quote.token, self._now(self.names[read.link_id]), read.discount_amount

    def _record(self, order: Order, by: str | None, discount: int | None, eligible: int) -> None:
        recorded = self._write(conversions.record, self.signer, self.merchant_id, order)
        assert isinstance(order.customer, Contact)
        friend, money = self._now(order.customer.customer_id), order.currency
        bought = Bought(friend, by, money, order.amount, discount, eligible, self.now)
        self._become(bought, *self._judge(bought), at_once=True)
        self.orders.append((recorded.conversion.conversion_id, bought))
        assert recorded.conversion.status == bought.status
        assert [r.amount for r in recorded.rewards] == [earned.gross for earned in bought.earned]
        self._catch_up()

    def _judge(self, bought: Bought, by: str | None = None) -> tuple[str, bool]:
        """(status, whether its amount alone is what speaks against it)"""
        friend, by = bought.friend, by or bought.by
        standing, mine = self._others(bought), self._mine(friend)
        if mine is None:
            return self._first(bought, by, standing) if by else ("unattributed", False)
        holds = any(one.status in ("attributed", "repeat") and one.advocate == mine for one in standing)
        if by and by not in self._same(mine) and not holds:
            status, _ = self._first(bought, by, standing)
            if status == "attributed":
                return status, False
        if sum(bool(one.now_earned) for one in standing) >= 2:
            return "repeat", False
        reasons = self._later(bought, mine)
        return ("declined", reasons == {"below_minimum"}) if reasons else ("attributed", False)

    def _same(self, name: str) -> set[str]:
        """All customers who are one person with this one."""
        mailbox = self.mailboxes.get(name)
        return {name} | {other for other, has in self.mailboxes.items() if has and has == mailbox}

    def _referral(self, friend: str) -> str | None:
        """By which of the friend's customers they were brought first."""
        brought = [(self.brought_by[name][0], name) for name in self._same(friend) if name in self.brought_by]
        return min(brought)[1] if brought else None

    def _mine(self, friend: str) -> str | None:
        """Who brought this friend, by whichever customer."""
        name = self._referral(friend)
        return self.brought_by[name][1] if name else None

    def _later(self, bought: Bought, mine: str) -> set[str]:
        """What speaks against a later order of a friend of this advocate."""
        said = {"self_referral": mine in self._same(bought.friend), "below_minimum": not bought.rewardable}
        return {name for name, holds in said.items() if holds} - (bought.overruled & {"self_referral"})

    def _reasons(self, bought: Bought, by: str, standing: list[Bought]) -> set[str]:
        above: set[str] = set()
        further = {by}
        while further:
            theirs = set[str]().union(*(self._same(name) for name in further))
            further = {self.brought_by[name][1] for name in theirs if name in self.brought_by} - above
            above |= further
        friends = self._same(bought.friend)
        said = {
            "self_referral": by in friends,
            "circular_referral": bool(friends & above),
            "existing_customer": any(one.placed_at <= bought.placed_at for one in standing),
            "below_minimum": not bought.rewardable,
        }
        return {name for name, holds in said.items() if holds}

    def _first(self, bought: Bought, by: str, standing: list[Bought]) -> tuple[str, bool]:
        """What the first order is for which this advocate's referral is given."""
        reasons = self._reasons(bought, by, standing) - bought.overruled
        if not reasons:
            friends = self._same(bought.friend)
            for name in {bought.friend} if by in friends else friends:
                self.brought_by.pop(name, None)
            self.brought_by[bought.friend] = (self.now, by)
            bought.brings = by
        return ("declined", reasons == {"below_minimum"}) if reasons else ("attributed", False)

    def _become(self, bought: Bought, status: str, is_small: bool, *, at_once: bool = False) -> None:
        bought.status, bought.is_small = status, is_small
        mine, bought.brings = bought.brings or self._mine(bought.friend), None
        bought.advocate = mine if status in ("attributed", "repeat") else None
        self._settle(bought, at_once=at_once)

    def _settle(self, bought: Bought, *, at_once: bool = False) -> None:
        """Bring what everybody has of this order to what it earns as it stands."""
        due = {(side, who, is_discount): gross for side, who, is_discount, gross in bought.earns()}
        for earned in sorted(bought.earned, key=lambda one: not one.is_current):
            earned.gross = due.pop((earned.side, earned.who, earned.is_discount), 0)
            earned.is_current = earned.gross > 0
        for (side, who, is_discount), gross in due.items():
            bought.earned.append(Earned(side, who, bought.currency, is_discount, bought.placed_at + HOLD, gross))
        for earned in bought.earned:
            purse = self.purses[earned.who, bought.currency]
            worth = bought.left_of(earned.gross) if earned.is_current else 0
            if at_once and not earned.is_discount:
                earned.worth = worth
                purse.pending += worth
            else:
                earned.become(worth, purse, self.now, self._spending(earned))
        self._catch_up()

    def _order(self, pick: int) -> tuple[Any, Bought]:
        return self.orders[pick % len(self.orders)]

    @precondition(lambda self: self.orders)
    @rule(
        pick=st.integers(0, 10**6),
        amount=st.integers(1, 20_000),
        all_of_it=st.booleans(),
        named=st.none() | st.integers(0, 20_000),
    )
    def refund(self, pick: int, amount: int, all_of_it: bool, named: int | None) -> None:
        conversion_id, bought = self._order(pick)
        left = bought.amount - bought.refunded
        amount = left if all_of_it and left else amount
        name = f"r-{next(NUMBERS)}"
        asked = refunds.NewRefund(name, amount, eligible_amount=named)
        if bought.status == "voided":
            self._refused(OrderVoided, refunds.refund, self.merchant_id, conversion_id, asked)
        elif amount > left or (named or 0) > max(0, bought.eligible - bought.named):
            self._refused(BadValues, refunds.refund, self.merchant_id, conversion_id, asked)
        else:
            self._write(refunds.refund, self.merchant_id, conversion_id, asked)
            bought.refunds[name] = (amount, named)
            self._settle_refunds(bought)

    def _settle_refunds(self, bought: Bought) -> None:
        for earned in bought.now_earned:
            purse = self.purses[earned.who, bought.currency]
            earned.become(bought.left_of(earned.gross), purse, self.now, self._spending(earned))
        self._catch_up()

    @precondition(lambda self: any(bought.refunds for _, bought in self.orders))
    @rule(pick=st.integers(0, 10**6))
    def reverse_a_refund(self, pick: int) -> None:
        with_refunds = [(number, bought) for number, bought in self.orders if bought.refunds]
        conversion_id, bought = with_refunds[pick % len(with_refunds)]
        name = sorted(bought.refunds)[pick % len(bought.refunds)]
        if bought.status == "voided":
            self._refused(OrderVoided, refunds.reverse, self.merchant_id, conversion_id, name)
            return
        for _ in range(2):
            self._write(refunds.reverse, self.merchant_id, conversion_id, name)
        was_gone = bought.refunded == bought.amount
        del bought.refunds[name]
        if was_gone and bought.status == "attributed":
            self._become(bought, *self._judge_again(bought))
        else:
            self._settle_refunds(bought)

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0, 10**6))
    def void_an_order(self, pick: int) -> None:
        conversion_id, bought = self._order(pick)
        self._write(voids.void, self.merchant_id, conversion_id, voids.Void("cancelled"))
        if bought.status == "voided":
            return
        bought.status = "voided"
        self._settle(bought)
        for _, held in self.held:
            if held.order == f"o-{pick % len(self.orders)}" and held.state == "reserved":
                self._let_go(held)

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0, 10**6))
    def reopen(self, pick: int) -> None:
        conversion_id, bought = self._order(pick)
        if bought.status != "voided":
            self._refused(voids.OrderStands, voids.reopen, self.merchant_id, conversion_id)
            return
        reopened = self._write(voids.reopen, self.merchant_id, conversion_id)
        self._become(bought, *self._judge_again(bought))
        assert reopened.conversion.status == bought.status

    def _judge_again(self, bought: Bought) -> tuple[str, bool]:
        mine = self._mine(bought.friend)
        if "already_referred" in bought.overruled and bought.by not in (self._same(mine) if mine else ()):
            standing = self._others(bought)
            if bought.by and not self._reasons(bought, bought.by, standing) - bought.overruled:
                return self._first(bought, bought.by, standing)
        status, is_small = self._judge(bought)
        is_overruled = is_small and "below_minimum" in bought.overruled
        return ("attributed", False) if is_overruled else (status, is_small)

    def _others(self, bought: Bought) -> list[Bought]:
        friends = self._same(bought.friend)
        return [one for _, one in self.orders if one is not bought and one.friend in friends and one.stands]

    @precondition(lambda self: self.orders)
    @rule(
        pick=st.integers(0, 10**6),
        amount=st.integers(0, 20_000),
        discount=st.none() | st.integers(0, 2_000),
        percent=st.none() | st.integers(0, 100),
    )
    def amend(self, pick: int, amount: int, discount: int | None, percent: int | None) -> None:
        conversion_id, bought = self._order(pick)
        off = (bought.discount or 0) if discount is None else discount
        said = None if percent is None else (amount + off) * percent // 100
        eligible = amount + off if said is None else said
        asked = amendments.NewAmendment(f"a-{next(NUMBERS)}", amount, discount, said)
        if bought.status == "voided":
            self._refused(OrderVoided, amendments.amend, self.merchant_id, conversion_id, asked)
            return
        if amount < bought.refunded or eligible < bought.named:
            self._refused(BadValues, amendments.amend, self.merchant_id, conversion_id, asked)
            return
        for _ in range(2):
            amended = self._write(amendments.amend, self.merchant_id, conversion_id, asked)
        bought.amount, bought.eligible = amount, eligible
        bought.discount = bought.discount if discount is None else discount
        is_too_small = bought.status == "attributed" and bought.is_too_small
        if is_too_small or (bought.status == "declined" and bought.is_small):
            self._become(bought, *self._judge_again(bought))
        elif bought.status == "attributed":
            self._settle(bought)
        assert amended.conversion.status == bought.status

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0, 10**6), by=st.sampled_from(PEOPLE), overrules=st.booleans())
    def attribute_late(self, pick: int, by: str, overrules: bool) -> None:
        conversion_id, bought = self._order(pick)
        code, by = self.codes[by], self._now(by)
        mine, others = self._mine(bought.friend), self._others(bought)
        is_mine = mine is not None and by in self._same(mine)
        if mine is not None and is_mine:
            is_beyond = sum(bool(one.now_earned) for one in others) >= 2
            arisen = set() if is_beyond else self._later(replace(bought, overruled=frozenset()), mine)
        else:
            arisen = self._reasons(bought, by, others)
            if mine and any(one.status in ("attributed", "repeat") and one.advocate == mine for one in others):
                arisen |= {"already_referred"}
        is_one = bought.friend == (mine if is_mine else by)
        never = {"circular_referral"} | ({"self_referral"} if is_one else set())
        overruled = sorted(arisen - never) if overrules else []
        asked = attributing.LateAttribution(code, "looked", overruled)
        arguments = (self.signer, self.merchant_id, conversion_id, asked)
        if bought.status == "voided":
            self._refused(OrderVoided, attributing.attribute, *arguments)
        elif arisen - set(overruled):
            self._refused(attributing.AttributionRefused, attributing.attribute, *arguments)
        else:
            given = self._write(attributing.attribute, *arguments)
            bought.by, bought.overruled = by, frozenset(overruled)
            if not is_mine:
                self._become(bought, *self._first(bought, by, others))
            else:
                self._become(bought, *self._judge_again(bought))
            assert given.conversion.status == bought.status

    # Credit

    @rule(
        who=st.sampled_from(PEOPLE), amount=st.integers(1, 2_000), money=st.sampled_from(MONEY), pick=st.integers(0, 99)
    )
    def reserve(self, who: str, amount: int, money: str, pick: int) -> None:
        order = f"o-{pick % len(self.orders)}" if self.orders and pick % 3 == 0 else None
        asked = redemptions.NewRedemption(who, amount, money, order)
        who = self._now(who)
        live = [one for _, one in self.held if order and one.order == order and one.state != "voided"]
        if live:
            if (live[0].who, live[0].amount, live[0].currency) == (who, amount, money):
                _, is_new = self._write(redemptions.reserve, self.merchant_id, asked)
                assert not is_new
            else:
                self._refused(RedemptionContradicted, redemptions.reserve, self.merchant_id, asked)
            return
        purse = self.purses[who, money]
        if amount > purse.available:
            self._refused(InsufficientFunds, redemptions.reserve, self.merchant_id, asked)
            return
        made, _ = self._write(redemptions.reserve, self.merchant_id, asked)
        purse.available -= amount
        purse.reserved += amount
        held = Held(who, money, amount, self.now + redemptions.RESERVED_FOR, order)
        held.parts = self._spend(who, money, amount)
        self.held.append((made.redemption_id, held))

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 10**6), hours=st.integers(1, 48))
    def extend(self, pick: int, hours: int) -> None:
        redemption_id, held = self.held[pick % len(self.held)]
        if held.state != "reserved":
            self._refused(RedemptionSettled, redemptions.extend, self.merchant_id, redemption_id, seconds=hours * 3600)
            return
        self._write(redemptions.extend, self.merchant_id, redemption_id, seconds=hours * 3600)
        held.until = self.now + timedelta(hours=hours)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 10**6), amount=st.integers(1, 2_500) | st.none())
    def capture(self, pick: int, amount: int | None) -> None:
        redemption_id, held = self.held[pick % len(self.held)]
        wanted = held.amount if amount is None else amount
        if held.state == "captured" and held.spent == wanted:
            self._write(redemptions.capture, self.merchant_id, redemption_id, amount=amount)
        elif held.state != "reserved" or wanted > held.amount:
            with pytest.raises((RedemptionSettled, BadValues)):
                self._write(redemptions.capture, self.merchant_id, redemption_id, amount=amount)
        else:
            self._write(redemptions.capture, self.merchant_id, redemption_id, amount=amount)
            held.state, held.spent = "captured", wanted
            self.purses[held.who, held.currency].reserved -= held.amount
            self._put_back(held, held.amount - wanted)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 10**6), amount=st.integers(1, 900))
    def give_back(self, pick: int, amount: int) -> None:
        redemption_id, held = self.held[pick % len(self.held)]
        asked = returns.NewReturn(f"back-{next(NUMBERS)}", amount)
        if held.state != "captured":
            self._refused(returns.NothingCaptured, returns.give_back, self.merchant_id, redemption_id, asked)
        elif amount > held.spent - held.returned:
            self._refused(BadValues, returns.give_back, self.merchant_id, redemption_id, asked)
        else:
            for is_new in (True, False):
                assert self._write(returns.give_back, self.merchant_id, redemption_id, asked)[1] is is_new
            held.returned += amount
            self._put_back(held, amount, lasts_until=self.now + KEPT)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 10**6))
    def void(self, pick: int) -> None:
        redemption_id, held = self.held[pick % len(self.held)]
        if held.state == "captured":
            self._refused(RedemptionSettled, redemptions.void, self.merchant_id, redemption_id)
            return
        self._write(redemptions.void, self.merchant_id, redemption_id)
        if held.state == "reserved":
            self._let_go(held)

    @precondition(lambda self: any(bought.earned for _, bought in self.orders))
    @rule(pick=st.integers(0, 10**6), denies=st.booleans())
    def review(self, pick: int, denies: bool) -> None:
        rewarded = [(conversion_id, bought) for conversion_id, bought in self.orders if bought.earned]
        conversion_id, bought = rewarded[pick % len(rewarded)]
        stored = self._transaction(lambda session: conversions.get(session, self.merchant_id, conversion_id)).rewards
        earned = bought.earned[pick % len(bought.earned)]
        [reward] = [
            one
            for one in stored
            if (one.side, one.customer_id) == (earned.side, earned.who)
            and (one.given_as == "discount") == earned.is_discount
            and one.is_earned == earned.is_current
        ][:1]
        purse = self.purses[earned.who, earned.currency]
        if denies:
            self._write(reviews.deny, self.merchant_id, reward.reward_id, note="looked")
            earned.become(0, purse, self.now, self._spending(earned))
            earned.is_denied = True
        elif earned.is_waiting:
            self._write(reviews.release, self.merchant_id, reward.reward_id, note="looked")
            earned.over_at, earned.ripe_at = self.now + LASTS, self.now
            earned.ripen(purse)
        elif not earned.is_denied and earned.worth and not earned.lapsed:
            self._write(reviews.release, self.merchant_id, reward.reward_id, note="again")
        else:
            self._refused(RewardSettled, reviews.release, self.merchant_id, reward.reward_id, note="looked")

    @invariant()
    def the_balances_are_those_on_paper(self) -> None:
        def look(session: Session) -> dict[tuple[str, str], Purse]:
            found = {}
            for name in (*self.people, *self.erased):
                locked = customers.lock(session, self.merchant_id, name)
                upkeep.catch_up(session, self.merchant_id, locked, now=self.now)
                session.flush()
                ever = totals.of_customer(session, self.merchant_id, locked.customer_id)
                for money, held in books.owner_balances(session, self.merchant_id, locked.owner).items():
                    lasting = ever[money].lasting
                    purse = Purse(held.pending, held.available, held.reserved, held.owed, lasting)
                    found[locked.customer_id, money] = purse
            return found

        found = self._transaction(look)
        self._sweep()
        shown = {self._now(name) for name in self.people} | self.erased
        kept = {key: purse for key, purse in self.purses.items() if key[0] in shown}
        assert {key: found.get(key, Purse()) for key in kept} == kept

    def teardown(self) -> None:
        self._transaction(self._audit)

    def _audit(self, session: Session) -> None:
        assert list(proof.Verification(session, self.merchant_id).problems()) == []
        assert list(audit.problems(session, self.merchant_id)) == []
        lines = proof.trial_balance(session, self.merchant_id)
        assert sum(line.debit for line in lines) == sum(line.credit for line in lines)


@pytest.mark.soak
def test_long_histories_keep_to_an_independent_model_at_every_step(
    database: Database, signer: TokenSigner, is_soak: bool
) -> None:
    machine = type("OnThisDatabase", (Histories,), {"database": database, "signer": signer})
    run_state_machine_as_test(machine, settings=settings(max_examples=40 if is_soak else 10, stateful_step_count=40))


class InOneTransaction(Histories):
    """Histories that share a merchant and leave nothing behind, so that there can be many."""

    session: Session

    def _transaction(self, work: Callable[[Session], Any]) -> Any:
        with self.session.begin_nested():
            return work(self.session)


HISTORIES, HISTORIES_IN_A_SOAK = 400, 10_000
CHOICES: list[tuple[int, Callable[[InOneTransaction, Random], Any]]] = [
    (1, lambda m, r: r.random() < 0.5 and m.erase(r.choice(m.people))),
    (1, lambda m, r: r.random() < 0.5 and m.merge(r.choice(m.people), r.choice(m.people))),
    (2, lambda m, r: m.take_mailbox(r.choice(m.people), r.choice([*MAILBOXES, None]))),
    (4, lambda m, r: m.time_passes(hours=r.choice([r.randint(1, 60), r.randint(200, 400)]))),
    (5, lambda m, r: m.order(r.choice(m.people), r.choice([*m.people, None]), r.randint(0, 9_000), *_parts(r))),
    (2, lambda m, r: m.order(r.choice(m.people), r.choice(m.people), r.randint(0, 9_000), _money(r), None, None, True)),
    (3, lambda m, r: m.orders and m.refund(_rewarded(m, r), r.randint(1, 9_000), r.random() < 0.5, _named(r))),
    (2, lambda m, r: any(b.refunds for _, b in m.orders) and m.reverse_a_refund(pick=r.randrange(10**6))),
    (2, lambda m, r: m.orders and m.void_an_order(pick=_rewarded(m, r))),
    (2, lambda m, r: m.orders and m.reopen(pick=_voided(m, r))),
    (3, lambda m, r: m.orders and m.amend(_rewarded(m, r), r.randint(0, 9_000), *_parts(r)[1:])),
    (2, lambda m, r: m.orders and m.attribute_late(r.randrange(10**6), r.choice(m.people), r.random() < 0.6)),
    (3, lambda m, r: m.reserve(r.choice(m.people), r.choice([700, r.randint(1, 900)]), _money(r), r.randint(0, 99))),
    (3, lambda m, r: m.held and m.capture(pick=r.randrange(10**6), amount=r.choice([None, r.randint(1, 900)]))),
    (2, lambda m, r: m.held and m.give_back(pick=r.randrange(10**6), amount=r.randint(1, 700))),
    (1, lambda m, r: m.held and m.extend(pick=r.randrange(10**6), hours=r.randint(1, 48))),
    (1, lambda m, r: m.held and m.void(pick=r.randrange(10**6))),
    (1, lambda m, r: any(b.earned for _, b in m.orders) and m.review(pick=_rewarded(m, r), denies=r.random() < 0.4)),
]


def _rewarded(machine: InOneTransaction, chance: Random) -> int:
    """Mostly an order that earned something, as those are where the money is."""
    earned = [number for number, (_, bought) in enumerate(machine.orders) if bought.earned]
    return chance.choice(earned) if earned and chance.random() < 0.9 else chance.randrange(10**6)


def _voided(machine: InOneTransaction, chance: Random) -> int:
    """Mostly an order that was voided."""
    voided = [number for number, (_, bought) in enumerate(machine.orders) if bought.status == "voided"]
    return chance.choice(voided) if voided and chance.random() < 0.9 else chance.randrange(10**6)


def _money(chance: Random) -> str:
    return chance.choice(["KWD", "KWD", "JPY"])


def _parts(chance: Random) -> tuple[str, int | None, int | None]:
    """A currency, a discount, and how many percent of the order are eligible; often neither is said."""
    discount = chance.choice([None, 0, chance.randint(1, 2_000)])
    return _money(chance), discount, chance.choice([None, None, chance.randint(0, 100)])


def _named(chance: Random) -> int | None:
    """What of a refund is eligible, in minor units; often it does not say."""
    return chance.choice([None, 0, chance.randint(1, 4_000)])


PARTS = 4
"""Into how many tests the random histories are cut, so that all cores work on them."""


@pytest.mark.marathon
@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories_end_in_the_balances_of_an_independent_model(is_soak: bool, part: int) -> None:
    with desk() as (machine, afresh):
        for seed in range(part, HISTORIES_IN_A_SOAK if is_soak else HISTORIES, PARTS):
            chance = afresh(seed)
            live(machine, chance, steps=chance.randint(6, 24))
            machine.the_balances_are_those_on_paper()
            if seed % 100 == part:
                machine.teardown()


PAPER = ("purses", "mailboxes", "merged", "erased", "codes", "names", "brought_by", "orders", "held")


@contextmanager
def desk() -> Iterator[tuple[InOneTransaction, Callable[[int], Random]]]:
    """A machine on a database in memory, and what makes it new, with the chance of a seed."""
    database = Database("sqlite://")
    schema.upgrade(database)
    with Session(database.engine) as session:
        machine = type("InThisSession", (InOneTransaction,), {"session": session, "signer": TokenSigner([SECRET])})()
        session.commit()
        fresh = dict(machine.__dict__)

        def afresh(seed: int) -> Random:
            session.rollback()
            chance = Random(seed)
            machine.__dict__.update(copy.deepcopy({name: fresh[name] for name in PAPER}), now=START)
            machine.people = chance.sample(PEOPLE, 3)
            return chance

        yield machine, afresh
        session.rollback()
    database.dispose()


def live(machine: InOneTransaction, chance: Random, *, steps: int) -> None:
    """Let so many things happen."""
    weights, choices = zip(*CHOICES, strict=True)
    for _ in range(steps):
        chance.choices(choices, weights)[0](machine, chance)
