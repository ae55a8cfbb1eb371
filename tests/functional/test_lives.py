"""Orders' whole lives over HTTP, with several workers: two at once, workers that die, and the judges of the journal."""

import csv
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from tests.conftest import missing
from tests.functional.conftest import CommandLine
from tests.functional.test_races import at_once
from tests.serving import Server
from tests.shop import TEN_PERCENT, Shop

ROUNDS = 8
DEATHS, DEATHS_IN_A_SOAK = 5, 20
OFF = {**TEN_PERCENT, "as": "discount"}


def of(order: dict[str, Any], *rest: str) -> str:
    return "/".join(["/conversions", order["conversion_id"], *rest])


def void(shop: Shop, order: dict[str, Any]) -> Any:
    return shop.call("POST", of(order, "void"), {"reason": "cancelled"})


def reopen(shop: Shop, order: dict[str, Any]) -> Any:
    return shop.call("POST", of(order, "reopen"))


def amend(shop: Shop, order: dict[str, Any], name: str, amount: int) -> Any:
    return shop.call("POST", of(order, "amendments"), {"amendment_id": name, "amount": amount})


def refund(shop: Shop, order: dict[str, Any], name: str, amount: int) -> Any:
    return shop.call("POST", of(order, "refunds"), {"refund_id": name, "amount": amount})


def has(shop: Shop, who: str) -> tuple[int, int, int, int]:
    """(pending, available, reserved, owed)"""
    balance = shop.balance(who)
    return balance["pending"], balance["available"], balance["reserved"], balance["owed"]


@pytest.fixture
def code(network_shop: Shop) -> str:
    """ana's: a tenth for the advocate, with no hold."""
    program = network_shop.program(advocate_reward=TEN_PERCENT, friend_reward=None, rewarded_orders=None)
    return str(network_shop.link(program)["code"])


@pytest.fixture(autouse=True)
def the_books_are_sound(network_shop: Shop, orchard: CommandLine) -> Any:
    yield
    orchard("ledger", "verify", "--merchant", str(network_shop.merchant_id))


# Two at once


def test_a_void_racing_a_refund_ends_voided(network_shop: Shop, code: str) -> None:
    shop = network_shop
    for _ in range(ROUNDS):
        order = shop.order(referral=code)
        voided, refunded = at_once(partial(void, shop, order), partial(refund, shop, order, "r", 2500))
        assert voided.status_code == 200
        assert refunded.status_code in (201, 409)
        assert shop.get(of(order))["status"] == "voided"
    assert has(shop, "ana") == (0, 0, 0, 0)


def test_a_void_racing_a_capture_gives_back_or_leaves_what_was_spent(network_shop: Shop, code: str) -> None:
    shop = network_shop
    shop.order(referral=code, amount=100_000)
    spent = 0
    for _ in range(ROUNDS):
        order = shop.order("ana")
        body = {"customer_id": "ana", "amount": 100, "currency": "EUR", "order_id": order["order_id"]}
        at = f"/redemptions/{shop.post('/redemptions', body)['redemption_id']}"
        voided, captured = at_once(partial(void, shop, order), partial(shop.call, "POST", f"{at}/capture", {}))
        assert voided.status_code == 200
        assert captured.status_code in (200, 409)
        spent += 100 * (captured.status_code == 200)
        assert shop.get(at)["status"] == ("captured" if captured.status_code == 200 else "voided")
    assert has(shop, "ana") == (0, 10_000 - spent, 0, 0)


def test_an_amendment_racing_the_end_of_the_hold_earns_what_it_says(network_shop: Shop) -> None:
    shop = network_shop
    program = shop.program(advocate_reward=TEN_PERCENT, friend_reward=None, hold_days=14)
    code = shop.link(program)["code"]
    for _ in range(ROUNDS):
        order = shop.order(referral=code)
        release = f"/rewards/{order['rewards'][0]['reward_id']}/release"
        amended, released = at_once(
            partial(amend, shop, order, "a", 8000), partial(shop.call, "POST", release, {"note": "now"})
        )
        assert (amended.status_code, released.status_code) == (201, 200)
    assert has(shop, "ana") == (0, 800 * ROUNDS, 0, 0)


def test_two_reopenings_are_one(network_shop: Shop, code: str) -> None:
    shop = network_shop
    for _ in range(ROUNDS):
        order = shop.order(referral=code)
        void(shop, order)
        answers = at_once(*[partial(reopen, shop, order)] * 3)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 2}
    assert has(shop, "ana") == (0, 500 * ROUNDS, 0, 0)


def test_the_same_return_twice_is_one_and_two_never_pass_what_was_captured(network_shop: Shop, code: str) -> None:
    shop = network_shop
    shop.order(referral=code, amount=100_000)
    for _ in range(ROUNDS):
        at = f"/redemptions/{shop.reserve('ana', 100)['redemption_id']}"
        shop.post(f"{at}/capture", {}, status=200)
        same, other = {"return_id": "b", "amount": 60}, {"return_id": "c", "amount": 60}
        answers = at_once(*[partial(shop.call, "POST", f"{at}/returns", body) for body in (same, same, other)])
        codes = Counter(answer.status_code for answer in answers)
        assert codes in ({201: 1, 200: 1, 422: 1}, {201: 1, 422: 2})
        assert shop.get(at)["returned_amount"] == 60
    assert has(shop, "ana") == (0, 10_000 - 40 * ROUNDS, 0, 0)


def captured_before_its_time_is_over(shop: Shop, program: dict[str, Any], who: str) -> tuple[str, datetime]:
    """(a captured redemption of 300, when the reward of 500 that paid for it lapses), on machines of any speed."""
    for tries in range(6):
        name = f"{who}-{tries}"
        code, over_at = shop.link(program, name)["code"], datetime.now(UTC) + timedelta(seconds=0.6 * 2**tries)
        shop.order(referral=code, ordered_at=(over_at - timedelta(days=1)).isoformat())
        reserved = shop.call("POST", "/redemptions", {"customer_id": name, "amount": 300, "currency": "EUR"})
        if reserved.status_code == 201:
            at = f"/redemptions/{reserved.json()['redemption_id']}"
            shop.post(f"{at}/capture", {}, status=200)
            return at, over_at
    raise AssertionError("no order and no reservation were made within twenty seconds")


def test_a_return_racing_the_end_of_a_rewards_time_is_the_customers(network_shop: Shop) -> None:
    shop = network_shop
    program = shop.program(advocate_reward=TEN_PERCENT, friend_reward=None, hold_days=0, reward_expiry_days=1)
    for number in range(ROUNDS):
        at, over_at = captured_before_its_time_is_over(shop, program, f"ana-{number}")
        time.sleep(max(0.0, (over_at - datetime.now(UTC)).total_seconds() - 0.01))
        who = shop.get(at)["customer_id"]
        body = {"return_id": "b", "amount": 300}
        returned, *_ = at_once(partial(shop.call, "POST", f"{at}/returns", body), *[partial(shop.balance, who)] * 3)
        assert returned.status_code == 201
        time.sleep(0.05)
        assert has(shop, who)[1] in (300, 500), "what was returned stays, and what was not used may have lapsed before"


def test_two_redemptions_for_one_order_are_one(network_shop: Shop, code: str) -> None:
    shop = network_shop
    shop.order(referral=code, amount=100_000)
    shop.order(referral=shop.link(shop.program(friend_reward=None), "eve")["code"])
    for number in range(ROUNDS):
        body = {"customer_id": "ana", "amount": 100, "currency": "EUR", "order_id": f"paid-{number}"}
        others = {**body, "customer_id": "eve"}
        answers = at_once(*[partial(shop.call, "POST", "/redemptions", one) for one in (body, body, others)])
        codes = Counter(answer.status_code for answer in answers)
        assert codes in ({201: 1, 200: 1, 409: 1}, {201: 1, 409: 2})
        assert len(shop.get(f"/redemptions?order_id=paid-{number}")["data"]) == 1


def test_a_quote_is_kept_while_its_program_is_paused(network_shop: Shop) -> None:
    shop = network_shop
    for _ in range(ROUNDS):
        program = shop.program(friend_reward=OFF)
        code = shop.link(program)["code"]
        asked = {"referral": code, "amount": 5000, "currency": "EUR"}
        quote = shop.post("/quotes", asked, status=200)["quote"]
        order, _ = at_once(
            partial(shop.order, referral=quote, amount=4500),
            partial(shop.patch, f"/programs/{program['program_id']}", {"status": "paused"}),
        )
        assert (order["status"], order["discount_amount"]) == ("attributed", 500)


def test_everything_at_once_ends_as_the_last_of_it_says(network_shop: Shop, code: str) -> None:
    shop = network_shop
    order, eve = shop.order("ben", referral=code), shop.link(shop.program(), "eve")["code"]
    steps: list[Callable[[], Any]] = [
        partial(refund, shop, order, "r-1", 1000),
        partial(amend, shop, order, "a-1", 8000),
        partial(refund, shop, order, "r-2", 1000),
        partial(void, shop, order),
        partial(reopen, shop, order),
        partial(shop.call, "POST", of(order, "attribution"), {"referral": eve, "note": "called"}),
    ]
    reverse = partial(shop.call, "POST", of(order, "refunds", "r-1", "reverse"))
    for _ in range(3):
        reversal, *answers = at_once(reverse, *steps)
        assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
        assert reversal.status_code in (200, 404, 409)  # 404 where it comes before its refund
    void(shop, order)
    assert has(shop, "ana") == (0, 0, 0, 0)
    reopen(shop, order)
    for name in ("ana", "eve"):
        mine = [reward for reward in shop.get(of(order))["rewards"] if reward["customer_id"] == name]
        worth = sum(reward["amount"] - reward["reversed_amount"] for reward in mine)
        assert not mine or has(shop, name)[1] == worth


# Workers that die


@pytest.mark.soak
def test_no_step_of_an_orders_life_is_lost_or_doubled_when_all_workers_are_killed(
    network_shop: Shop, server: Server, code: str, is_soak: bool
) -> None:
    shop, over = network_shop, threading.Event()
    done: list[int] = []

    def live(seed: int) -> None:
        chance = Random(seed)
        while not over.is_set():
            name = f"{seed}-{len(done)}-{chance.random()}"
            order = until_answered(partial(shop.call, "POST", "/conversions", reported(name, code)), over)
            if order is None:
                return
            for step, body in life(chance):
                if until_answered(partial(shop.call, "POST", of(order, step), body), over) is None:
                    return
            done.append(1)

    threads = [threading.Thread(target=live, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(DEATHS_IN_A_SOAK if is_soak else DEATHS):
        time.sleep(0.4)
        server.kill_workers()
    deadline = time.monotonic() + 30
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    over.set()
    for thread in threads:
        thread.join()
    assert len(done) > 1
    orders = shop.orders().values()
    worth = sum(reward["amount"] - reward["reversed_amount"] for order in orders for reward in order["rewards"])
    assert has(shop, "ana") == (0, worth, 0, 0)


def reported(name: str, code: str) -> dict[str, Any]:
    return {
        "order_id": name,
        "amount": 5000,
        "currency": "EUR",
        "customer": {"customer_id": f"f-{name}"},
        "referral": code,
    }


def life(chance: Random) -> list[tuple[str, Any]]:
    """What happens to one order, each step safe to repeat."""
    amount = chance.randint(3000, 9000)
    return [
        ("amendments", {"amendment_id": "a", "amount": amount}),
        ("refunds", {"refund_id": "r", "amount": chance.randint(1, 3000)}),
        *([("refunds/r/reverse", None)] if chance.random() < 0.5 else []),
        *([("void", {"reason": "cancelled"})] if chance.random() < 0.3 else []),
    ]


def until_answered(call: Callable[[], Any], over: threading.Event) -> Any:
    """The answer, however often the workers die before it; None once all is over."""
    while not over.is_set():
        try:
            response = call()
        except requests.RequestException:
            time.sleep(0.02)
            continue
        if response.status_code < 500:
            assert response.status_code in (200, 201), response.text
            return response.json()
    return None


# The judges of the journal


def test_every_posting_of_an_orders_life_is_accepted_by_both_judges(
    network_shop: Shop, orchard: CommandLine, tmp_path: Path
) -> None:
    shop = network_shop
    yen = {"advocate_reward": {"type": "fixed", "amount": 900}, "friend_reward": OFF}
    program = shop.program(
        advocate_reward={"type": "percent", "rate": "20.00"},
        friend_reward=OFF,
        other_currencies={"JPY": yen, "KWD": yen},
        reward_expiry_days=1,
        rewarded_orders=None,
    )
    code = shop.link(program)["code"]
    for currency in ("EUR", "JPY", "KWD"):
        order = shop.order(f"ben-{currency}", referral=code, currency=currency)
        redemption = shop.reserve("ana", 700, currency=currency)
        at = f"/redemptions/{redemption['redemption_id']}"
        shop.post(f"{at}/capture", {"amount": 600}, status=200)
        refund(shop, order, "r-1", 2500)
        shop.post(of(order, "refunds", "r-1", "reverse"), status=200)
        amend(shop, order, "a-1", 9000)
        void(shop, order)
        shop.post(f"{at}/returns", {"return_id": "b-1", "amount": 500})
        reopen(shop, order)
        denied = shop.order(f"dan-{currency}", referral=code, currency=currency)["rewards"]
        for reward in denied:
            shop.post(f"/rewards/{reward['reward_id']}/deny", {"note": "fraud"}, status=200)
        late = shop.order(f"eve-{currency}", currency=currency)
        shop.post(of(late, "attribution"), {"referral": code, "note": "called"}, status=200)
        lapsed = shop.order(f"fay-{currency}", referral=code, currency=currency, ordered_at="2026-01-01T00:00:00Z")
        shop.balance("ana", currency)
        refund(shop, lapsed, "r-1", 4000)
        shop.post(of(lapsed, "refunds", "r-1", "reverse"), status=200)
    one = ("--merchant", str(shop.merchant_id))
    hledger = shutil.which("hledger") or missing("hledger (apt-get install hledger)")
    for form, judge in (("hledger", [hledger, "check", "-s", "-f"]), ("beancount", [BEAN_CHECK])):
        path = tmp_path / f"books.{form}"
        path.write_text(orchard("ledger", "export", "--format", form, *one))
        subprocess.run([*judge, path], check=True)
    rows = csv.DictReader(orchard("ledger", "export", "--format", "csv", *one).splitlines())
    events = {row["event"] for row in rows}
    said = {"order_voided", "order_reopened", "order_amended", "order_attributed", "refund_reversed", "returned"}
    assert said | {"denied", "lapsed"} <= events


BEAN_CHECK = Path(sys.executable).parent / "bean-check"
