"""What must hold whatever happened before: refunds, voids, reopenings, amendments and returns as algebra."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from service.conversions import amendments, conversions, refunds, voids
from service.conversions.refunds import NewRefund
from service.errors import BadValues
from service.rewards import redemptions, returns
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward
from tests.conversions.test_model import NUMBERS, Bought, InOneTransaction, desk, live

HISTORIES, HISTORIES_IN_A_SOAK = 40, 400


def pick(machine: InOneTransaction, chance: Random) -> tuple[UUID, Bought] | None:
    """An order that earns something now."""
    earning = [(number, bought) for number, bought in machine.orders if bought.earns()]
    return chance.choice(earning) if earning else None


def rewards(machine: InOneTransaction, conversion_id: UUID) -> list[Reward]:
    return list(
        machine._transaction(lambda session: conversions.get(session, machine.merchant_id, conversion_id)).rewards
    )


def worth(machine: InOneTransaction, conversion_id: UUID) -> dict[Any, int]:
    """What each side has of an order, without what was denied."""
    return {
        (one.side, one.customer_id, one.given_as): one.remaining
        for one in rewards(machine, conversion_id)
        if one.remaining and one.status != "denied"
    }


def redeemed(machine: InOneTransaction, redemption_id: UUID, session: Session) -> Redemption:
    return redemptions.get(session, machine.merchant_id, redemption_id)


def position(machine: InOneTransaction) -> dict[Any, int]:
    """What everybody has in all, less what they owe."""
    found = {}
    for who, purse in machine.purses.items():
        found[who] = purse.pending + purse.available + purse.reserved - purse.owed
    return {who: amount for who, amount in found.items() if amount}


def for_many_histories(is_soak: bool, check: Callable[[InOneTransaction, Random, UUID, Bought], None]) -> None:
    """Check it of an order that earns something, after many histories."""
    checked = 0
    with desk() as (machine, afresh):
        for seed in range(HISTORIES_IN_A_SOAK if is_soak else HISTORIES):
            chance = afresh(10**6 + seed)
            live(machine, chance, steps=chance.randint(4, 14))
            found = pick(machine, chance)
            if found is not None:
                check(machine, chance, *found)
                machine.the_balances_are_those_on_paper()
                checked += 1
    assert checked > HISTORIES / 4


@pytest.mark.soak
def test_refunds_that_add_up_to_the_order_take_back_exactly_all(is_soak: bool) -> None:
    def check(machine: InOneTransaction, chance: Random, conversion_id: UUID, bought: Bought) -> None:
        number = [one for one, _ in machine.orders].index(conversion_id)
        while left := bought.amount - bought.refunded:
            before = len(bought.refunds)
            machine.refund(number, chance.randint(1, left), chance.random() < 0.2, chance.choice([None, None, 0]))
            assert len(bought.refunds) == before + 1
        if bought.amount:
            assert worth(machine, conversion_id) == {}

    for_many_histories(is_soak, check)


@pytest.mark.soak
def test_a_void_after_any_history_leaves_nothing_of_the_order(is_soak: bool) -> None:
    def check(machine: InOneTransaction, chance: Random, conversion_id: UUID, bought: Bought) -> None:
        before, had = position(machine), Counter[tuple[str, str]]()
        for earned in bought.earned:
            if not (earned.is_discount or earned.is_denied):
                key = earned.who, earned.currency
                had[key] += earned.worth - earned.lapsed
        machine.void_an_order([one for one, _ in machine.orders].index(conversion_id))
        assert worth(machine, conversion_id) == {}
        after = {who: before.get(who, 0) - had[who] for who in {*before, *had}}
        assert position(machine) == {who: amount for who, amount in after.items() if amount}

    for_many_histories(is_soak, check)


@pytest.mark.soak
def test_an_amendment_to_x_and_then_to_y_is_an_amendment_to_y(is_soak: bool) -> None:
    def check(machine: InOneTransaction, chance: Random, conversion_id: UUID, bought: Bought) -> None:
        least = max(bought.refunded, bought.named, 1)
        x, y = chance.randint(least, least + 9_000), chance.randint(least, least + 9_000)

        def amended(*amounts: int) -> dict[Any, int]:
            with machine.session.begin_nested() as undone:
                for amount in amounts:
                    asked = amendments.NewAmendment(f"a-{next(NUMBERS)}", amount, 0)
                    machine._write(amendments.amend, machine.merchant_id, conversion_id, asked)
                found = worth(machine, conversion_id)
                undone.rollback()
            return found

        assert amended(x, y) == amended(y)

    for_many_histories(is_soak, check)


@pytest.mark.soak
def test_the_order_of_a_refund_and_an_amendment_does_not_change_the_end(is_soak: bool) -> None:
    def check(machine: InOneTransaction, chance: Random, conversion_id: UUID, bought: Bought) -> None:
        left = bought.amount - bought.refunded
        if not left:
            return
        amount, grown = chance.randint(1, left), bought.amount + chance.randint(0, 5_000)
        named = chance.choice([None, 0])

        def after(*steps: str) -> dict[Any, int]:
            with machine.session.begin_nested() as undone:
                for step in steps:
                    if step == "refund":
                        asked = NewRefund(f"r-{next(NUMBERS)}", amount, eligible_amount=named)
                        machine._write(refunds.refund, machine.merchant_id, conversion_id, asked)
                    else:
                        edit = amendments.NewAmendment(f"a-{next(NUMBERS)}", grown, 0, max(bought.named, grown))
                        machine._write(amendments.amend, machine.merchant_id, conversion_id, edit)
                found = worth(machine, conversion_id)
                undone.rollback()
            return found

        assert after("refund", "amend") == after("amend", "refund")

    for_many_histories(is_soak, check)


@pytest.mark.soak
def test_a_void_and_a_reopening_is_the_order_judged_anew(is_soak: bool) -> None:
    def check(machine: InOneTransaction, chance: Random, conversion_id: UUID, bought: Bought) -> None:
        before = worth(machine, conversion_id)
        status, _ = machine._judge_again(bought)
        machine._write(voids.void, machine.merchant_id, conversion_id, voids.Void("other"))
        reopened = machine._write(voids.reopen, machine.merchant_id, conversion_id)
        assert reopened.conversion.status == status
        if status == "attributed" and reopened.conversion.advocate_id == bought.advocate:
            assert worth(machine, conversion_id) == before
        else:
            machine._settle(bought)
        machine._become(bought, status, False)

    for_many_histories(is_soak, check)


@pytest.mark.soak
def test_what_is_returned_never_passes_what_was_captured(is_soak: bool) -> None:
    with desk() as (machine, afresh):
        for seed in range(HISTORIES_IN_A_SOAK if is_soak else HISTORIES):
            chance = afresh(2 * 10**6 + seed)
            live(machine, chance, steps=chance.randint(6, 18))
            for redemption_id, held in machine.held:
                left = held.spent - held.returned
                if held.state != "captured":
                    continue
                too_much = returns.NewReturn(f"b-{next(NUMBERS)}", left + 1)
                with pytest.raises(BadValues):
                    machine._write(returns.give_back, machine.merchant_id, redemption_id, too_much)
                if left:
                    machine.give_back([one for one, _ in machine.held].index(redemption_id), left)
                stored = machine._transaction(partial(redeemed, machine, redemption_id))
                assert stored.returned_amount == stored.captured_amount
            machine.the_balances_are_those_on_paper()
