"""Random histories of orders, refunds, redemptions, releases and time, against a small independent model.

The model knows no accounts and no database: it keeps each customer's balance as a shop would on paper.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
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
from service.conversions import conversions, refunds
from service.conversions.orders import Order
from service.customers import customers
from service.customers.customers import Contact
from service.database.engine import Database
from service.errors import BadValues
from service.ledger import books, proof
from service.ledger.books import InsufficientFunds
from service.links import links
from service.links.links import NewLink
from service.merchants import keys
from service.migrations import schema
from service.programs import programs
from service.rewards import redemptions, reviews, upkeep
from service.rewards.redemptions import RedemptionSettled
from service.rewards.reviews import RewardSettled
from service.tokens import TokenSigner
from tests.serving import SECRET

PEOPLE = ["ana", "ben", "cleo", "dan", "eve"]
START = datetime(2026, 1, 1, tzinfo=UTC)
HOLD = timedelta(days=1)
RATE, FIXED = Fraction(15, 100), 700


@dataclass
class Purse:
    pending: int = 0
    available: int = 0
    reserved: int = 0
    owed: int = 0

    def gain(self, amount: int) -> None:
        paid = min(self.owed, amount)
        self.owed -= paid
        self.available += amount - paid

    def lose(self, amount: int) -> None:
        taken = min(self.available, amount)
        self.available -= taken
        self.owed += amount - taken


@dataclass
class Earned:
    who: str
    amount: int
    ripe_at: datetime
    state: str = "pending"
    taken: int = 0


@dataclass
class Bought:
    amount: int
    eligible: int
    earned: list[Earned] = field(default_factory=list)
    refunded: int = 0
    named: int = 0
    shared: int = 0
    status: str = ""
    advocate: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it was neither given back whole nor denied whole."""
        is_gone = self.amount and self.refunded == self.amount
        return not is_gone and (not self.earned or any(earned.state != "denied" for earned in self.earned))

    def share_of(self, earned: int) -> int:
        """What of something earned is gone with what came back so far."""
        if self.refunded == self.amount:
            return earned
        came_back = self.named + Fraction(self.eligible * self.shared, self.amount)
        return round(earned * min(came_back / self.eligible, Fraction(1)))


@dataclass
class Held:
    who: str
    amount: int
    until: datetime
    state: str = "reserved"
    spent: int = 0


class Histories(RuleBasedStateMachine):
    """Each rule does one thing to both, and after each the balances are compared."""

    database: Database
    signer: TokenSigner

    def __init__(self) -> None:
        super().__init__()
        self.now, self.people = START, PEOPLE
        merchant, _ = self._write(keys.create_merchant, "Acme", "EUR")
        self.merchant_id = merchant.merchant_id
        fields = {
            "name": "P",
            "currency": "EUR",
            "destination_url": "https://shop.example",
            "advocate_reward": {"type": "percent", "rate": "15.00", "max_amount": None, "as": "credit"},
            "friend_reward": {"type": "fixed", "amount": FIXED, "as": "credit"},
            "hold_days": HOLD.days,
            "rewarded_orders": 2,
        }
        self.program, _ = self._write(programs.create, self.merchant_id, fields)
        self.codes = {}
        for name in PEOPLE:
            asked = NewLink(self.program.program_id, Contact(name))
            self.codes[name] = self._write(links.create, self.merchant_id, asked)[0].code
        self.purses = {name: Purse() for name in PEOPLE}
        self.brought_by: dict[str, str] = {}
        self.orders: list[tuple[Any, Bought, str]] = []
        self.held: list[tuple[Any, Held]] = []

    def _write(self, use_case: Any, *arguments: Any, **more: Any) -> Any:
        return self._transaction(lambda session: use_case(session, *arguments, now=self.now, **more))

    def _transaction(self, work: Callable[[Session], Any]) -> Any:
        return self.database.write(work)

    def _catch_up(self) -> None:
        """What time has done on paper, in the order in which it happened to each customer."""
        ripe = [
            e for _, bought, _ in self.orders for e in bought.earned if e.state == "pending" and e.ripe_at <= self.now
        ]
        for earned in ripe:
            earned.state = "available"
            self.purses[earned.who].pending -= earned.amount - earned.taken
            self.purses[earned.who].gain(earned.amount - earned.taken)
        for _, held in self.held:
            if held.state == "reserved" and held.until <= self.now:
                held.state = "voided"
                self.purses[held.who].reserved -= held.amount
                self.purses[held.who].gain(held.amount)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self._catch_up()

    @rule(
        friend=st.sampled_from(PEOPLE),
        by=st.sampled_from(PEOPLE) | st.none(),
        amount=st.integers(0, 20_000),
        discount=st.none() | st.integers(0, 2_000),
        eligible_percent=st.none() | st.integers(0, 100),
    )
    def order(
        self, friend: str, by: str | None, amount: int, discount: int | None, eligible_percent: int | None
    ) -> None:
        name = f"o-{len(self.orders)}"
        code = self.codes[by] if by else None
        before = amount + (discount or 0)
        said = None if eligible_percent is None else before * eligible_percent // 100
        eligible = before if said is None else said
        order = Order(name, amount, "EUR", Contact(friend), code, discount_amount=discount, eligible_amount=said)
        recorded = self._write(conversions.record, self.signer, self.merchant_id, order)
        bought = Bought(amount, eligible)
        status = self._judge(friend, by, eligible)
        if status == "attributed":
            sides = ((self.brought_by[friend], round(eligible * RATE)), (friend, FIXED))
            bought.earned = [Earned(who, value, self.now + HOLD) for who, value in sides if value]
            for earned in bought.earned:
                self.purses[earned.who].pending += earned.amount
        bought.status, bought.advocate = status, self.brought_by.get(friend)
        self.orders.append((recorded.conversion.conversion_id, bought, friend))
        assert recorded.conversion.status == status
        assert [r.amount for r in recorded.rewards] == [earned.amount for earned in bought.earned]

    def _judge(self, friend: str, by: str | None, eligible: int) -> str:
        standing = [bought for _, bought, who in self.orders if who == friend and bought.stands]
        if friend not in self.brought_by:
            return self._first(friend, by, eligible, standing) if by else "unattributed"
        mine = self.brought_by[friend]
        holds = any(one.status in ("attributed", "repeat") and one.advocate == mine for one in standing)
        if by not in (None, mine) and not holds and self._first(friend, by, eligible, standing) == "attributed":
            return "attributed"
        if sum(bool(one.earned) for one in standing) >= 2:
            return "repeat"
        return "attributed" if eligible else "declined"

    def _first(self, friend: str, by: str | None, eligible: int, standing: list[Bought]) -> str:
        """What the first order is for which this advocate's referral is given."""
        above, person = set(), by
        while person in self.brought_by:
            person = self.brought_by[person]
            above.add(person)
        if by is None or by == friend or friend in above or standing or not eligible:
            return "declined"
        self.brought_by[friend] = by
        return "attributed"

    @precondition(lambda self: self.orders)
    @rule(
        pick=st.integers(0, 10**6),
        amount=st.integers(1, 20_000),
        all_of_it=st.booleans(),
        named=st.none() | st.integers(0, 20_000),
    )
    def refund(self, pick: int, amount: int, all_of_it: bool, named: int | None) -> None:
        conversion_id, bought, _ = self.orders[pick % len(self.orders)]
        left = bought.amount - bought.refunded
        amount = left if all_of_it and left else amount
        asked = refunds.NewRefund(f"r-{pick}-{bought.refunded}", amount, eligible_amount=named)
        if amount > left or (named or 0) > bought.eligible - bought.named:
            with pytest.raises(BadValues):
                self._write(refunds.refund, self.merchant_id, conversion_id, asked)
            return
        self._write(refunds.refund, self.merchant_id, conversion_id, asked)
        bought.refunded += amount
        bought.named += named or 0
        bought.shared += amount if named is None else 0
        for earned in bought.earned:
            if earned.state != "denied":
                self._take_back(earned, bought.share_of(earned.amount))

    def _take_back(self, earned: Earned, target: int) -> None:
        part, purse = target - earned.taken, self.purses[earned.who]
        earned.taken = target
        if earned.state == "pending":
            purse.pending -= part
        else:
            purse.lose(part)

    @rule(who=st.sampled_from(PEOPLE), amount=st.integers(1, 2_000))
    def reserve(self, who: str, amount: int) -> None:
        asked = redemptions.NewRedemption(who, amount, "EUR")
        if amount > self.purses[who].available:
            with pytest.raises(InsufficientFunds):
                self._write(redemptions.reserve, self.merchant_id, asked)
            return
        made = self._write(redemptions.reserve, self.merchant_id, asked)
        self.purses[who].available -= amount
        self.purses[who].reserved += amount
        self.held.append((made.redemption_id, Held(who, amount, self.now + redemptions.RESERVED_FOR)))

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
            self.purses[held.who].reserved -= held.amount
            self.purses[held.who].gain(held.amount - wanted)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 10**6))
    def void(self, pick: int) -> None:
        redemption_id, held = self.held[pick % len(self.held)]
        if held.state == "captured":
            with pytest.raises(RedemptionSettled):
                self._write(redemptions.void, self.merchant_id, redemption_id)
            return
        self._write(redemptions.void, self.merchant_id, redemption_id)
        if held.state == "reserved":
            held.state = "voided"
            self.purses[held.who].reserved -= held.amount
            self.purses[held.who].gain(held.amount)

    @precondition(lambda self: any(bought.earned for _, bought, _ in self.orders))
    @rule(pick=st.integers(0, 10**6), denies=st.booleans())
    def review(self, pick: int, denies: bool) -> None:
        rewarded = [(conversion_id, bought) for conversion_id, bought, _ in self.orders if bought.earned]
        conversion_id, bought = rewarded[pick % len(rewarded)]
        stored = self._transaction(lambda session: conversions.get(session, self.merchant_id, conversion_id)).rewards
        earned = bought.earned[pick % len(bought.earned)]
        [reward] = [one for one in stored if one.customer_id == earned.who and one.amount == earned.amount]
        decide = reviews.deny if denies else reviews.release
        left, purse = earned.amount - earned.taken, self.purses[earned.who]
        if earned.state == "pending" and left:
            self._write(decide, self.merchant_id, reward.reward_id, note="looked")
            purse.pending -= left
            earned.state = "denied" if denies else "available"
            if not denies:
                purse.gain(left)
        elif (left == 0 and earned.state != "denied") or earned.state != ("denied" if denies else "available"):
            with pytest.raises(RewardSettled):
                self._write(decide, self.merchant_id, reward.reward_id, note="looked")
        else:
            self._write(decide, self.merchant_id, reward.reward_id, note="again")

    @invariant()
    def the_balances_are_those_on_paper(self) -> None:
        def look(session: Session) -> dict[str, Purse]:
            found = {}
            for name in self.people:
                locked = customers.lock(session, self.merchant_id, name)
                upkeep.catch_up(session, self.merchant_id, locked, now=self.now)
                session.flush()
                for held in books.owner_balances(session, self.merchant_id, locked.owner).values():
                    found[name] = Purse(held.pending, held.available, held.reserved, held.owed)
            return found

        found = self._transaction(look)
        assert {name: found.get(name, Purse()) for name in self.people} == {
            name: self.purses[name] for name in self.people
        }

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


HISTORIES, HISTORIES_IN_A_SOAK = 1_000, 10_000
CHOICES: list[tuple[int, Callable[[InOneTransaction, Random], Any]]] = [
    (3, lambda m, r: m.time_passes(hours=r.randint(1, 60))),
    (4, lambda m, r: m.order(r.choice(m.people), r.choice([*m.people, None]), r.randint(0, 9_000), *_parts(r))),
    (
        3,
        lambda m, r: m.orders and m.refund(_rewarded(m, r), r.randint(1, 9_000), r.random() < 0.6, _named(r)),
    ),
    (3, lambda m, r: m.reserve(who=r.choice(m.people), amount=r.choice([700, r.randint(1, 900)]))),
    (3, lambda m, r: m.held and m.capture(pick=r.randrange(10**6), amount=r.choice([None, r.randint(1, 900)]))),
    (1, lambda m, r: m.held and m.void(pick=r.randrange(10**6))),
    (1, lambda m, r: any(b.earned for _, b, _ in m.orders) and m.review(pick=_rewarded(m, r), denies=r.random() < 0.3)),
]


def _rewarded(machine: InOneTransaction, chance: Random) -> int:
    """Mostly an order that earned something, as those are where the money is."""
    earned = [number for number, (_, bought, _) in enumerate(machine.orders) if bought.earned]
    return chance.choice(earned) if earned and chance.random() < 0.9 else chance.randrange(10**6)


def _parts(chance: Random) -> tuple[int | None, int | None]:
    """A discount, and how many percent of the order are eligible; often neither is said."""
    return chance.choice([None, 0, chance.randint(1, 2_000)]), chance.choice([None, None, chance.randint(0, 100)])


def _named(chance: Random) -> int | None:
    """What of a refund is eligible, in minor units; often it does not say."""
    return chance.choice([None, 0, chance.randint(1, 4_000)])


@pytest.mark.soak
def test_random_histories_end_in_the_balances_of_an_independent_model(is_soak: bool) -> None:
    database = Database("sqlite://")
    schema.upgrade(database)
    weights, choices = zip(*CHOICES, strict=True)
    with Session(database.engine) as session:
        machine = type("InThisSession", (InOneTransaction,), {"session": session, "signer": TokenSigner([SECRET])})()
        session.commit()
        fresh = dict(machine.__dict__)
        for seed in range(HISTORIES_IN_A_SOAK if is_soak else HISTORIES):
            chance = Random(seed)
            machine.__dict__.update(copy.deepcopy({name: fresh[name] for name in PAPER}), now=START)
            machine.people = chance.sample(PEOPLE, 3)
            for _ in range(chance.randint(4, 16)):
                chance.choices(choices, weights)[0](machine, chance)
            machine.the_balances_are_those_on_paper()
            if seed % 100 == 0:
                machine.teardown()
            session.rollback()


PAPER = ("purses", "brought_by", "orders", "held")
