"""Whatever happens, in whatever order: the numbers are those counted by hand, are sums of each other, and equal the
books; before, amid and after a roll-up, and after all of them were made anew.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.events import events
from service.ledger import proof
from service.statistics import groves, rankings, rebuilding, reports, rolling
from service.statistics.measures import Measures
from service.statistics.periods import Interval, Period
from service.statistics.rankings import Asked, Ranking
from service.statistics.totals import Cut, Totals
from service.tokens import TokenSigner
from tests.conversions.test_model import START, Histories, desk, live
from tests.statistics.oracle import ByHand

COUNTED = ("links", "advocates", "visits", "unique_visitors", "orders", "referred_orders", "new_customers", "clients")
ADDED = [name for name in COUNTED if name != "advocates"]
EVER = Period(date(2025, 12, 1), date(2027, 12, 1))
HISTORIES, HISTORIES_IN_A_SOAK = 8, 40


def told(measures: Measures) -> dict[str, Any]:
    """Measures as the oracle tells them, without what is nothing."""
    money = {}
    for currency, of in measures.money.items():
        amounts = {"revenue": of.revenue, "refunded": of.refunded, "reward_cost": of.reward_cost}
        money[currency] = {**amounts, **({} if of.liability is None else {"liability": of.liability})}
    return {**{name: getattr(measures, name) for name in COUNTED}, "buyers": measures.buyers, "money": pruned(money)}


def pruned(money: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Amounts without what is nothing."""
    kept = {currency: {n: a for n, a in amounts.items() if a} for currency, amounts in money.items()}
    return {currency: amounts for currency, amounts in kept.items() if amounts}


def by_hand(hand: ByHand, cut: Cut, period: Period) -> dict[str, Any]:
    """What the oracle says."""
    found = hand.measures(period.first, period.end, cut.program_id, cut.channel)
    money = found["money"]
    if not cut.is_everything:
        money = {currency: {n: a for n, a in of.items() if n != "liability"} for currency, of in money.items()}
    return {**found, "money": pruned(money)}


def the_numbers_hold(session: Session, merchant_id: UUID, chance: Random, cuts: list[Cut], zone: str = "UTC") -> None:
    """Each number against the oracle, against its own parts, and against the books."""
    totals, hand = Totals.of(session, merchant_id), ByHand(session, merchant_id, zone)
    first = START.date() + timedelta(days=chance.randint(-3, 40))
    part = Period(first, first + timedelta(days=chance.randint(0, 40)))
    for cut in cuts:
        for period in (part, EVER):
            found = reports.summary(totals, cut, period)
            assert told(found.measures) == by_hand(hand, cut, period)
            assert found.before is not None
            assert told(found.before.measures) == by_hand(hand, cut, found.before.period)
            interval = chance.choice([Interval.WEEK, Interval.MONTH] if period is EVER else list(Interval))
            pieces = reports.series(totals, cut, period, interval)
            for name in ADDED:
                assert sum(getattr(piece.measures, name) for piece in pieces) == getattr(found.measures, name)
            piece = chance.choice(pieces) if pieces else found
            assert told(piece.measures) == by_hand(hand, cut, piece.period)
    the_books_agree(session, merchant_id, totals)
    the_ranking_agrees(totals, chance)
    the_orchard_agrees(totals, part)


def the_books_agree(session: Session, merchant_id: UUID, totals: Totals) -> None:
    """Cost and liability are what the trial balance says."""
    debited: dict[tuple[str, str], int] = {}
    for line in proof.trial_balance(session, merchant_id):
        debited[line.account, line.currency] = line.debit - line.credit
    for currency, money in reports.summary(totals, Cut(), EVER).measures.money.items():
        cost = sum(debited.get((account, currency), 0) for account in ("expense:rewards", "income:lapsed"))
        owed = -sum(debited.get((kind, currency), 0) for kind in ("pending", "available", "reserved", "owed"))
        assert (money.reward_cost, money.liability) == (cost, owed)


def the_ranking_agrees(totals: Totals, chance: Random) -> None:
    """Advocates add up to the summary, for ever and in any period; and page by page they are the same."""
    by = chance.choice(list(Ranking))
    for currency, money in reports.summary(totals, Cut(), EVER).measures.money.items():
        for period in (None, EVER):
            asked = Asked(Cut(), currency, by, period, 100, None)
            found = rankings.ranked(totals, asked)
            assert sum(one.net_lifetime_value for one in found) == money.net_revenue
            assert sum(one.friends for one in found) == money.new_customers
            one_by_one, after = [], None
            while some := rankings.ranked(totals, Asked(Cut(), currency, by, period, 1, after)):
                one_by_one += some
                after = rankings.place_of(some[0], by)
            assert one_by_one == found


def the_orchard_agrees(totals: Totals, lately: Period) -> None:
    """Each grove is what the ranking says of those in it, for ever; and they grew who won a friend lately."""
    for currency in reports.summary(totals, Cut(), EVER).measures.money:
        asked = Asked(Cut(), currency, Ranking.VALUE, None, 100, None)
        everybody = [one for one in rankings.ranked(totals, asked) if one.friends > 0]
        growing = {one.advocate_id for one in rankings.ranked(totals, replace(asked, period=lately)) if one.friends > 0}
        left = list(everybody)
        for grove in groves.groves(totals, asked, lately):
            trees = rankings.ranked(totals, replace(asked, least=grove.least, most=grove.most))
            assert trees == [one for one in everybody if grove.least <= one.friends <= (grove.most or 10**9)]
            assert (grove.advocates, grove.friends) == (len(trees), sum(one.friends for one in trees))
            assert grove.grown == sum(one.advocate_id in growing for one in trees)
            assert grove.bare == sum(one.net_lifetime_value <= 0 for one in trees)
            assert grove.net_lifetime_value == sum(one.net_lifetime_value for one in trees)
            assert grove.rewards == sum(one.rewards for one in trees)
            left = [one for one in left if one not in trees]
        assert left == []


def in_every_state(session: Session, merchant_id: UUID, check: Callable[[], None]) -> None:
    """Before anything is rolled up, amid it, after it, and after everything was made anew."""
    check()
    while events.place(session, merchant_id):
        pass
    batch, rolling.BATCH = rolling.BATCH, 3
    try:
        for _ in range(2):
            rolling.roll_up(session, merchant_id)
    finally:
        rolling.BATCH = batch
    check()
    while rolling.roll_up(session, merchant_id) or rolling.roll_up_visits(session, merchant_id):
        pass
    check()
    assert rolling.pending(session, merchant_id, rolling.zone_of(session, merchant_id)).tallies == {}
    for _ in rebuilding.steps(lambda work: work(session), merchant_id):
        pass
    assert rebuilding.mend_totals(session, merchant_id, lambda _: None) == []
    check()


@pytest.mark.soak
def test_numbers_of_random_histories_are_those_counted_by_hand(is_soak: bool) -> None:
    with desk() as (machine, afresh):
        for seed in range(HISTORIES_IN_A_SOAK if is_soak else HISTORIES):
            chance = afresh(seed)
            live(machine, chance, steps=chance.randint(4, 30))
            cuts = [Cut(), Cut(program_id=machine.program.program_id), Cut(channel="")]
            again = Random(seed)

            def check(again: Random = again, cuts: list[Cut] = cuts) -> None:
                the_numbers_hold(machine.session, machine.merchant_id, again, cuts)

            in_every_state(machine.session, machine.merchant_id, check)


@pytest.mark.parametrize("seed", [11, 12])
def test_they_are_on_either_database(database: Database, signer: TokenSigner, seed: int) -> None:
    machine = type("OnThisDatabase", (Histories,), {"database": database, "signer": signer})()
    chance = Random(seed)
    live(machine, chance, steps=60)
    cuts = [Cut(), Cut(program_id=machine.program.program_id)]

    def work(session: Session) -> None:
        again = Random(seed)
        in_every_state(
            session, machine.merchant_id, lambda: the_numbers_hold(session, machine.merchant_id, again, cuts)
        )

    database.write(work)
