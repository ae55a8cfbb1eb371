"""Everything at once: random steps of a few customers by many threads, while reservations and rewards run out.

After each burst the books prove themselves, what customers have is what the books say, nothing failed, and nobody
waited long.
"""

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from service.database.engine import Database
from service.merchants import keys
from tests.functional.conftest import CommandLine
from tests.functional.test_lives_of_processes import working
from tests.serving import serving
from tests.shop import Shop, over_network

THREADS = 8
SEEDS, BURSTS, STEPS = 10, 3, 40
SHORT_SEEDS, SHORT_BURSTS, SHORT_STEPS = 1, 1, 30
LONGEST = 5.0
"""Seconds that an answer may take."""

PEOPLE = ("ana", "ben", "cleo", "dan", "eve")
MONEY = ("EUR", "JPY")
KINDS = ("pending", "available", "reserved", "owed")
_numbers = itertools.count(1)


@dataclass
class Answers:
    """What was answered, and how long that took."""

    slowest: float = 0.0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Life:
    """A shop's life at random; what one thread made, the others change."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.answers = shop, Answers()
        self.orders: list[str] = []
        self.redemptions: list[str] = []
        self.refunds: list[tuple[str, str]] = []
        in_yen: dict[str, Any] = {
            "advocate_reward": {"type": "fixed", "amount": 90},
            "minimum_order_amount": 0,
            "tiers": [],
        }
        in_yen["friend_reward"] = {"type": "percent", "rate": "10.00", "max_amount": None, "as": "discount"}
        program = shop.program(
            other_currencies={"JPY": in_yen}, reward_expiry_days=1, rewarded_orders=None, new_customers_only=False
        )
        self.codes = [shop.link(program, name)["code"] for name in PEOPLE]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request, which may be refused. Returns the document of what was not."""
        started = time.monotonic()
        response = self.shop.call(method, path, body)
        self.answers.slowest = max(self.answers.slowest, time.monotonic() - started)
        self.answers.statuses[method, response.status_code] += 1
        if response.status_code >= 500:
            self.answers.failures.append(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.status_code < 300 else None

    def order(self, chance: Random) -> None:
        """Its rewards lapse within seconds, or in a day; mostly the advocate's alone."""
        ago = timedelta(days=1) - timedelta(seconds=chance.uniform(0, 4)) if chance.random() < 0.6 else timedelta(0)
        body = {
            "order_id": f"o-{next(_numbers)}",
            "amount": chance.randint(0, 20_000),
            "currency": chance.choice(MONEY),
            "customer": {"customer_id": chance.choice([*PEOPLE, f"f-{next(_numbers)}", f"f-{next(_numbers)}"])},
            "referral": chance.choice(self.codes),
            "ordered_at": (datetime.now(UTC) - ago).isoformat(),
        }
        if made := self.call("POST", "/conversions", body):
            self.orders.append(made["conversion_id"])

    def change(self, chance: Random) -> None:
        """An order comes back, in part or whole, or after all not; or it was another one."""
        at = f"/conversions/{chance.choice(self.orders)}"
        what = chance.choice(["refund", "refund", "void", "reopen", "amend"])
        if what == "refund":
            name = f"r-{next(_numbers)}"
            asked: dict[str, Any] = chance.choice([{"amount": chance.randint(1, 9_000)}, {"full": True}])
            if self.call("POST", f"{at}/refunds", {"refund_id": name, **asked}):
                self.refunds.append((at, name))
        elif what == "amend":
            changed = {"amendment_id": f"a-{next(_numbers)}", "amount": chance.randint(0, 20_000)}
            self.call("POST", f"{at}/amendments", changed)
        else:
            self.call("POST", f"{at}/{what}", {"reason": "cancelled"} if what == "void" else {})

    def reverse(self, chance: Random) -> None:
        """A refund that failed."""
        at, name = chance.choice(self.refunds)
        self.call("POST", f"{at}/refunds/{name}/reverse", {})

    def reserve(self, chance: Random) -> None:
        """Mostly for so short that nobody can settle it in time."""
        body = {
            "customer_id": chance.choice(PEOPLE),
            "amount": chance.choice([10, 90, chance.randint(1, 3_000)]),
            "currency": chance.choice(MONEY),
            "expires_in": chance.choice([1, 2, 3_600]),
        }
        if made := self.call("POST", "/redemptions", body):
            self.redemptions.append(made["redemption_id"])

    def settle(self, chance: Random) -> None:
        """A reservation ends, or what was spent comes back."""
        at = f"/redemptions/{chance.choice(self.redemptions[-20:])}"
        what = chance.choice(["capture", "capture", "void", "returns", "returns", "extend"])
        bodies: dict[str, dict[str, Any]] = {
            "capture": chance.choice([{}, {"amount": chance.randint(1, 500)}]),
            "void": {},
            "returns": {"return_id": f"b-{next(_numbers)}", "amount": chance.randint(1, 500)},
            "extend": {"expires_in": chance.choice([1, 60])},
        }
        self.call("POST", f"{at}/{what}", bodies[what])

    def by_hand(self, chance: Random) -> None:
        """Goodwill, and what is taken back of it."""
        said = {"customer_id": chance.choice(PEOPLE), "currency": chance.choice(MONEY), "note": "By hand."}
        amount = chance.randint(1, 800)
        self.call("POST", "/ledger/adjustments", {**said, "amount": amount, "direction": chance.choice(DIRECTIONS)})

    def review(self, chance: Random) -> None:
        """A reward is denied or released."""
        rewards = self.call("GET", "/rewards?limit=20") or {"data": []}
        if rewards["data"]:
            at = f"/rewards/{chance.choice(rewards['data'])['reward_id']}"
            self.call("POST", f"{at}/{chance.choice(['deny', 'release'])}", {"note": "Looked at."})

    def look(self, chance: Random) -> None:
        """Somebody reads what they have."""
        at = f"/customers/{chance.choice(PEOPLE)}"
        self.call("GET", f"{at}/{chance.choice(['balance', 'statement'])}")

    def become_one(self, chance: Random) -> None:
        """A friend turns out to be one of the five."""
        name = f"g-{next(_numbers)}"
        body = {
            "order_id": f"o-{next(_numbers)}",
            "amount": 5_000,
            "currency": "EUR",
            "customer": {"customer_id": name},
        }
        self.call("POST", "/conversions", {**body, "referral": chance.choice(self.codes)})
        self.call("POST", f"/customers/{chance.choice(PEOPLE)}/merge", {"from": name})

    def go_on(self, chance: Random, steps: int) -> None:
        """So many steps, one after another."""
        for _ in range(steps):
            (step,) = chance.choices([what for what, _ in STEPS_OF], [often for _, often in STEPS_OF])
            needs: dict[Step, Any] = {
                Life.change: self.orders,
                Life.reverse: self.refunds,
                Life.settle: self.redemptions,
            }
            if needs.get(step, True):
                step(self, chance)


DIRECTIONS = ("credit", "credit", "debit")
Step = Callable[[Life, Random], None]
STEPS_OF: Sequence[tuple[Step, int]] = (
    (Life.order, 8),
    (Life.change, 5),
    (Life.reverse, 2),
    (Life.reserve, 6),
    (Life.settle, 6),
    (Life.by_hand, 3),
    (Life.review, 2),
    (Life.look, 4),
    (Life.become_one, 1),
)
"""Each step, and how often it is taken beside the others."""


def held_by_customers(shop: Shop) -> dict[tuple[str, str], int]:
    """(kind of account, currency) -> what all customers have in it together, in minor units."""
    held: dict[tuple[str, str], int] = defaultdict(int)
    after = ""
    while True:
        page = shop.get(f"/customers?limit=200{after}")
        for customer in page["data"]:
            for balance in shop.get(f"/customers/{customer['customer_id']}/balance")["balances"]:
                for kind in KINDS:
                    held[kind, balance["currency"]] += balance[kind]
        if page["next_cursor"] is None:
            return {key: amount for key, amount in held.items() if amount}
        after = f"&cursor={page['next_cursor']}"


def held_by_the_books(shop: Shop) -> dict[tuple[str, str], int]:
    """The same, as the trial balance has it."""
    lines = shop.get("/ledger/trial-balance")["accounts"]
    return {
        (line["account"], line["currency"]): abs(line["debit"] - line["credit"])
        for line in lines
        if line["account"] in KINDS and line["debit"] != line["credit"]
    }


def assert_all_is_well(life: Life, orchard: CommandLine) -> None:
    """The books are sound, and add up to what customers have, at a moment in which nothing ran out."""
    answers = life.answers
    assert answers.failures == []
    assert answers.slowest < LONGEST, answers
    for _ in range(20):
        before, books, after = (look(life.shop) for look in (held_by_customers, held_by_the_books, held_by_customers))
        if before == after:
            break
    assert before == books == after
    orchard("ledger", "verify", "--merchant", str(life.shop.merchant_id))


@pytest.mark.marathon
def test_bursts_of_random_steps_leave_sound_books_and_nobody_waiting(
    backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path, is_soak: bool
) -> None:
    seeds, bursts, steps = (SEEDS, BURSTS, STEPS) if is_soak else (SHORT_SEEDS, SHORT_BURSTS, SHORT_STEPS)
    orchard = CommandLine(migrated_database_url(backend), tmp_path)
    with serving(orchard.database_url, tmp_path) as server, working(orchard.database_url, tmp_path) as worker:
        for seed in range(seeds):
            life = Life(a_shop(orchard.database_url, server.base_url))
            for burst in range(bursts):
                with ThreadPoolExecutor(THREADS) as threads:
                    chances = [Random(f"{seed} {burst} {number}") for number in range(THREADS)]
                    list(threads.map(lambda chance, life=life: life.go_on(chance, steps), chances))
                assert_all_is_well(life, orchard)
        worker.works_on()
        assert worker.rounds("round failed") == 0
        assert "Traceback" not in server.log.read_text()


def a_shop(database_url: str, base_url: str) -> Shop:
    """A new merchant who talks to that service."""
    database = Database(database_url)
    made_at = datetime.now(UTC)
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=made_at))
    database.dispose()
    return Shop(over_network(base_url), made, merchant.merchant_id)
