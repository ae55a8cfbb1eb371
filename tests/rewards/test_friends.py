"""How many friends count, as far as cap and tiers tell them apart: the same as if all of them were counted."""

import random
from uuid import UUID

import pytest
from sqlalchemy import select

from service.customers.tables import Customer
from service.database.engine import Database
from service.rewards.tables.friends import rewarded_friends
from service.rewards.tables.rewards import Reward
from tests.shop import Shop

ADVOCATES = ("ana", "ana-2")


def counted_one_by_one(database: Database, shop: Shop, advocates: set[str], besides: set[str]) -> int:
    """As it would be counted on paper."""
    with database.reading() as session:
        of_merchant = Customer.merchant_id == UUID(str(shop.merchant_id))
        people = {one.customer_id: one.person_id for one in session.scalars(select(Customer).where(of_merchant))}
        earned = session.scalars(select(Reward).where(Reward.merchant_id == UUID(str(shop.merchant_id)))).all()
    friends = {
        reward.friend_id
        for reward in earned
        if reward.advocate_id in advocates and reward.counted and reward.status not in ("denied", "reversed")
    }
    return len({people[friend] or friend for friend in friends - besides})


@pytest.fixture
def lived(shop: Shop) -> tuple[Shop, UUID]:
    """Two advocates and thirty friends, some of whom order often, share a mailbox, or were denied all they earned."""
    chance = random.Random(3)
    program = shop.program(rewarded_orders=None, new_customers_only=False, friend_reward=None)
    links = {name: shop.link(program, name)["url"].rpartition("/")[2] for name in ADVOCATES}
    for place in range(30):
        customer = {"customer_id": f"friend-{place}", "email": f"mailbox-{place % 22}@example.com"}
        for number in range(chance.choice((1, 1, 1, 4))):
            order = {"order_id": f"{place}-{number}", "amount": 5000, "currency": "EUR", "customer": customer}
            order["referral"] = links[ADVOCATES[place % 2]]
            recorded = shop.post("/conversions", order)
            if place % 5 == 0:
                for reward in recorded["rewards"]:
                    shop.post(f"/rewards/{reward['reward_id']}/deny", {"note": "A test."}, status=200)
    return shop, UUID(program["program_id"])


def test_they_are_as_many_as_counted_one_by_one(database: Database, lived: tuple[Shop, UUID]) -> None:
    shop, program_id = lived
    everybody: set[str] = {f"friend-{place}" for place in range(30)}
    seen = set()
    for advocates in ({"ana"}, {"ana-2"}, set(ADVOCATES), {"nobody"}):
        for besides in (set[str](), {"friend-1"}, {"friend-2", "friend-3", "friend-24"}, everybody):
            of_all = counted_one_by_one(database, shop, advocates, besides)
            seen.add(of_all)
            for most in (0, 1, 2, of_all, of_all + 1, 1000):
                with database.reading() as session:
                    found = rewarded_friends(
                        session,
                        UUID(str(shop.merchant_id)),
                        program_id=program_id,
                        advocates=advocates,
                        besides=besides,
                        most=most,
                    )
                assert found == min(of_all, most), (advocates, besides, most)
    assert max(seen) > 12
    assert len(seen) > 4


def test_of_another_merchant_nobody_counts(database: Database, lived: tuple[Shop, UUID]) -> None:
    _, program_id = lived
    with database.reading() as session:
        assert not rewarded_friends(
            session, UUID(int=1), program_id=program_id, advocates={"ana"}, besides=(), most=100
        )
