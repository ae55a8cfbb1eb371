"""Two at once, and fifty at once, over HTTP with several workers, on both databases."""

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.functional.conftest import CommandLine
from tests.shop import Shop

FIFTY = 50
_numbers = itertools.count()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_fifty_identical_conversions_give_one_and_fifty_equal_answers(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    code = shop.link(shop.program())["code"]
    body = {"order_id": "o", "amount": 5000, "currency": "EUR", "customer": {"customer_id": "ben"}, "referral": code}
    answers = at_once(*[lambda: shop.call("POST", "/conversions", body)] * FIFTY)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: FIFTY - 1}
    assert len({answer.text for answer in answers}) == 1
    assert len(shop.get("/rewards")["data"]) == 2
    assert (shop.available("ana"), shop.available("ben")) == (1000, 1000)
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_fifty_identical_requests_under_one_key_give_one_effect(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    shop.order(referral=shop.link(shop.program())["code"])
    body = {"customer_id": "ana", "amount": 10, "currency": "EUR"}
    answers = at_once(*[lambda: shop.call("POST", "/redemptions", body, Idempotency_Key="k")] * FIFTY)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert shop.available("ana") == 990
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_fifty_redemptions_of_one_against_a_balance_of_ten_give_ten(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    ten = {"type": "fixed", "amount": 10}
    shop.order(referral=shop.link(shop.program(advocate_reward=ten))["code"])
    body = {"customer_id": "ana", "amount": 1, "currency": "EUR"}
    answers = at_once(*[lambda: shop.call("POST", "/redemptions", body)] * FIFTY)
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: FIFTY - 10}
    balance = shop.balance("ana")
    assert (balance["available"], balance["reserved"]) == (0, 10)
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_the_cap_holds_when_fifty_friends_convert_at_once(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    code = shop.link(shop.program(max_rewards_per_advocate=7))["code"]
    orders = at_once(*[lambda: shop.order(referral=code)] * FIFTY)
    assert Counter(tuple(order["reasons"]) for order in orders) == {(): 7, ("cap_reached",): FIFTY - 7}
    assert all(order["status"] == "attributed" for order in orders), "a cap stops the advocate and not the friend"
    assert shop.available("ana") == 7000
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_one_friend_of_many_advocates_is_referred_by_one(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    program = shop.program()
    codes = [shop.link(program, f"advocate-{number}")["code"] for number in range(20)]
    orders = at_once(*[lambda code=code: shop.order("ben", referral=code) for code in codes])
    attributed = [order for order in orders if order["status"] == "attributed"]
    assert len(attributed) == 1
    assert {order["advocate_id"] for order in orders} == {attributed[0]["advocate_id"]}
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_two_who_refer_each_other_at_once_are_one_referral(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    program = shop.program()
    for number in range(10):
        one, other = f"one-{number}", f"other-{number}"
        codes = {name: shop.link(program, name)["code"] for name in (one, other)}
        orders = at_once(
            partial(shop.order, one, referral=codes[other]),
            partial(shop.order, other, referral=codes[one]),
        )
        assert sorted(order["status"] for order in orders) == ["attributed", "declined"]
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_a_mailbox_that_orders_by_many_ids_at_once_is_one_friend(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    code = shop.link(shop.program())["code"]
    for number in range(5):
        mailbox = {"email": f"ben-{number}@example.com"}
        people = [{"customer_id": f"guest-{number}-{one}", **mailbox} for one in range(6)] + [mailbox] * 2
        orders = at_once(*[partial(_order_of, shop, person, code) for person in people])
        assert Counter(order["status"] for order in orders) == {"attributed": 1, "repeat": 7}
    assert shop.available("ana") == 5 * 1000
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_two_who_take_one_mailbox_while_they_order_are_never_rewarded_twice_for_what_comes_later(
    network_shop: Shop, orchard: CommandLine
) -> None:
    shop = network_shop
    code = shop.link(shop.program(rewarded_orders=None))["code"]
    for number in range(8):
        names = [f"{name}-{number}" for name in ("ben", "bob")]
        at_once(
            *[partial(_order_of, shop, {"customer_id": name}, code) for name in names],
            *[partial(shop.call, "PUT", f"/customers/{name}", {"email": f"b{number}@example.com"}) for name in names],
        )
        both = shop.get(f"/customers?email=b{number}@example.com")["data"]
        assert {one["customer_id"] for one in both} == set(names)
        later = _order_of(shop, {"customer_id": "new", "email": f"B{number}@example.com"}, code)
        assert (later["status"], later["advocate_id"]) == ("attributed", "ana")
        shop.put("/customers/new", {"email": None})
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def _order_of(shop: Shop, customer: dict[str, Any], code: str) -> dict[str, Any]:
    body = {"order_id": f"by-{next(_numbers)}", "amount": 5000, "currency": "EUR", "customer": customer}
    order: dict[str, Any] = shop.post("/conversions", {**body, "referral": code})
    return order


def test_a_refund_racing_a_release_ends_in_one_right_state(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    code = shop.link(shop.program(hold_days=14, friend_reward=None))["code"]
    for _ in range(10):
        order = shop.order(referral=code)
        release = f"/rewards/{order['rewards'][0]['reward_id']}/release"
        refunded, released = at_once(
            partial(shop.refund, order, 5000, "r"),
            partial(shop.call, "POST", release, {"note": "now"}),
        )
        assert [part["amount"] for part in refunded["reversals"]] == [1000]
        assert released.status_code in (200, 409)
    balance = shop.balance("ana")
    assert {name: balance[name] for name in ("pending", "available", "owed")} == {
        "pending": 0,
        "available": 0,
        "owed": 0,
    }
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_capture_and_void_at_once_settle_once(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    shop.order(referral=shop.link(shop.program())["code"])
    for _ in range(10):
        path = f"/redemptions/{shop.reserve('ana', 10)['redemption_id']}"
        answers = at_once(
            *[lambda path=path: shop.call("POST", f"{path}/capture", {})] * 2,
            *[lambda path=path: shop.call("POST", f"{path}/void")] * 2,
        )
        assert Counter(answer.status_code for answer in answers) == {200: 2, 409: 2}
    balance = shop.balance("ana")
    assert (balance["reserved"], balance["available"] + balance["spent_total"]) == (0, 1000)
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_one_advocates_link_asked_for_at_once_is_one_link(network_shop: Shop) -> None:
    program = network_shop.program()
    links = at_once(*[lambda: network_shop.link(program)] * 20)
    assert len({link["link_id"] for link in links}) == 1


def test_somebody_is_erased_while_they_spend_and_their_friends_order(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    code = shop.link(shop.program(rewarded_orders=9), "ida", customer={"email": "ida@example.com"})["code"]
    orders = [shop.order(f"friend-{number}", referral=code) for number in range(8)]
    spend = {"customer_id": "ida", "amount": 100, "currency": "EUR"}
    answers = at_once(
        *[lambda: shop.call("POST", "/redemptions", spend)] * 8,
        *[lambda: shop.call("DELETE", "/customers/ida")] * 2,
        *[partial(shop.order, f"friend-{number}") for number in range(8)],
        *[partial(shop.refund, order, 100, "some") for order in orders],
        *[partial(shop.order, "ida", customer={"email": "ida@example.com"})] * 2,
    )
    erased = answers[8:10]
    assert {answer.status_code for answer in answers[:8]} <= {201, 404, 409}
    assert {answer.status_code for answer in erased} == {200}
    names = {answer.json()["customer_id"] for answer in erased}
    assert {order["status"] for order in answers[10:18]} == {"attributed"}
    left = {order["advocate_id"] for order in shop.orders().values() if order["advocate_id"]}
    assert left <= names
    assert len(left) == 1
    orchard("worker", "--once")
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_an_import_and_orders_of_the_same_people_make_each_of_them_known_once(
    network_shop: Shop, orchard: CommandLine
) -> None:
    shop = network_shop
    code = shop.link(shop.program())["code"]
    rows = "".join(f"c{number},c{number % 10}@example.com,1\n" for number in range(200))
    path = orchard.folder / "people.csv"
    path.write_text("customer_id,email,orders\n" + rows)
    one = ("--merchant", str(shop.merchant_id))
    mails = [f"C{number}@example.com" for number in range(10)]
    answers = at_once(
        lambda: orchard("customers", "import", str(path), *one),
        lambda: orchard("customers", "import", str(path), *one),
        *[partial(shop.order, f"c{number}", customer={"email": mails[number]}, referral=code) for number in range(10)],
    )
    assert all("known already" in said for said in answers[:2])
    again = at_once(*[partial(shop.order, f"c{10 + number}", referral=code) for number in range(10)])
    assert {order["status"] for order in again} <= {"declined", "repeat"}
    orchard("ledger", "verify", *one)


def test_a_ring_of_merges_makes_one_customer_and_loses_nothing(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    names = ("a", "b", "c")
    program = shop.program(friend_reward=None)
    for name in names:
        shop.order(referral=shop.link(program, name)["code"])
    ring = zip(names, (*names[1:], names[0]), strict=True)
    merges = [partial(shop.post, f"/customers/{into}/merge", {"from": former}, status=200) for into, former in ring]
    at_once(*merges * 2)
    assert {shop.available(name) for name in names} == {3000}
    assert len({shop.get(f"/customers/{name}")["customer_id"] for name in names}) == 1
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))


def test_two_become_one_while_both_order_spend_and_are_refunded(network_shop: Shop, orchard: CommandLine) -> None:
    shop = network_shop
    program = shop.program(friend_reward=None, rewarded_orders=9)
    codes = {name: shop.link(program, name)["code"] for name in ("old", "new")}
    orders = [shop.order(f"friend-of-{name}", referral=code) for name, code in codes.items()]
    spend = {"amount": 100, "currency": "EUR"}
    answers = at_once(
        *[partial(shop.call, "POST", "/customers/new/merge", {"from": "old"})] * 2,
        *[partial(shop.order, f"friend-of-{name}") for name in codes for _ in range(3)],
        *[partial(shop.order, name) for name in codes],
        *[partial(shop.call, "POST", "/redemptions", {**spend, "customer_id": name}) for name in codes],
        *[partial(shop.refund, order, 2500, "half") for order in orders],
        *[partial(shop.call, "PUT", f"/customers/{name}", {"email": "one@example.com"}) for name in codes],
    )
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert {answer.status_code for answer in answers[10:12]} == {201}
    assert {answer.status_code for answer in answers[14:]} == {200}
    assert {order["advocate_id"] for order in shop.orders().values()} == {"new", None}
    held = shop.balance("old")
    assert (held["available"], held["reserved"], held["earned_total"]) == (6800, 200, 7000)
    orchard("ledger", "verify", "--merchant", str(shop.merchant_id))
