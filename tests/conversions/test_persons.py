"""All customers with one mailbox are one person, whatever a rule asks."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from service.customers import persons
from tests.shop import FIXED, Shop

_numbers = itertools.count(1)


def buy(shop: Shop, customer: dict[str, Any], *, status: int = 201, **more: Any) -> Any:
    """An order of whoever this says."""
    body = {"order_id": f"by-{next(_numbers)}", "amount": 5000, "currency": "EUR", "customer": customer, **more}
    return shop.post("/conversions", body, status=status, scope="checkout")


def outcome(order: dict[str, Any]) -> tuple[str, list[str]]:
    return order["status"], order["reasons"]


def ben(number: int, email: str = "ben@example.com") -> dict[str, Any]:
    return {"customer_id": f"guest-{number}", "email": email}


@pytest.fixture
def code(shop: Shop) -> str:
    return str(shop.link(shop.program())["code"])


def test_a_guest_with_a_new_id_for_each_order_is_one_friend(shop: Shop, code: str) -> None:
    orders = [buy(shop, ben(number, email), referral=code) for number, email in enumerate(["ben@example.com"] * 2)]
    orders.append(buy(shop, ben(2, "BEN@Example.com"), referral=code))
    assert [order["status"] for order in orders] == ["attributed", "repeat", "repeat"]
    assert {order["advocate_id"] for order in orders} == {"ana"}
    assert (shop.available("ana"), shop.available("guest-0")) == (1000, 1000)
    assert shop.balance("guest-1").get("earned_total", 0) == 0


def test_each_order_of_a_person_counts_towards_the_orders_that_are_rewarded(shop: Shop) -> None:
    code = shop.link(shop.program(rewarded_orders=2))["code"]
    statuses = [buy(shop, ben(number), referral=code if number == 0 else None)["status"] for number in range(3)]
    assert statuses == ["attributed", "attributed", "repeat"]
    assert shop.available("ana") == 2000


@pytest.mark.parametrize("has", ["ordered", "since"])
def test_an_account_that_ordered_is_no_new_customer_as_a_guest(shop: Shop, code: str, has: str) -> None:
    if has == "ordered":
        shop.order("eve", customer={"email": "eve@example.com"})
    else:
        shop.put("/customers/eve", {"email": "eve@example.com", "since": "2020-01-01T00:00:00Z"}, status=201)
    guest = {"customer_id": "guest-9", "email": "EVE@example.com"}
    asked = {"referral": code, "amount": 5000, "currency": "EUR", "customer": guest}
    assert shop.post("/quotes", asked, status=200)["reasons"] == ["existing_customer"]
    assert outcome(buy(shop, guest, referral=code)) == ("declined", ["existing_customer"])
    assert outcome(buy(shop, {"email": "Eve@Example.com"}, referral=code)) == ("declined", ["existing_customer"])


def test_a_friend_has_one_advocate_by_whichever_account(shop: Shop) -> None:
    program = shop.program(rewarded_orders=None)
    anas, zoes = (shop.link(program, name)["code"] for name in ("ana", "zoe"))
    buy(shop, ben(0), referral=anas)
    order = buy(shop, ben(1), referral=zoes)
    assert outcome(order) == ("attributed", ["already_referred"])
    assert order["advocate_id"] == "ana"
    assert (shop.available("ana"), shop.balance("zoe")) == (2000, {})


def test_a_referral_of_which_nothing_stands_gives_way_by_whichever_account(shop: Shop) -> None:
    program = shop.program()
    anas, zoes = (shop.link(program, name)["code"] for name in ("ana", "zoe"))
    first = buy(shop, ben(0), referral=anas)
    shop.post(f"/conversions/{first['conversion_id']}/void", {"reason": "cancelled"}, status=200)
    second = buy(shop, ben(1), referral=zoes)
    assert (second["status"], second["advocate_id"]) == ("attributed", "zoe")
    reopened = shop.post(f"/conversions/{first['conversion_id']}/reopen", status=200)
    assert (reopened["status"], reopened["advocate_id"]) == ("repeat", "zoe")
    assert (shop.available("ana"), shop.available("zoe")) == (0, 1000)


def test_nobody_is_referred_back_by_a_second_account(shop: Shop) -> None:
    program = shop.program(new_customers_only=False)
    anas = shop.link(program)["code"]
    buy(shop, {"customer_id": "ben", "email": "ben@example.com"}, referral=anas)
    bens = shop.link(program, "ben-2", customer={"email": "BEN@example.com"})["code"]
    assert outcome(shop.order("ana", referral=bens)) == ("declined", ["circular_referral"])
    cleo = shop.order("cleo", referral=bens, customer={"email": "cleo@example.com"})
    assert cleo["status"] == "attributed"
    cleos = shop.link(program, "cleo-2", customer={"email": "cleo@example.com"})["code"]
    assert outcome(shop.order("ana", referral=cleos)) == ("declined", ["circular_referral"])


def test_an_advocate_cannot_be_their_own_guest(shop: Shop) -> None:
    code = shop.link(shop.program(), customer={"email": "a.na@gmail.com"})["code"]
    guest = {"email": "Ana+shop@googlemail.com"}
    asked = {"referral": code, "amount": 5000, "currency": "EUR", "customer": guest}
    assert shop.post("/quotes", asked, status=200)["reasons"] == ["self_referral"]
    assert outcome(buy(shop, guest, referral=code)) == ("declined", ["self_referral"])


def test_caps_count_persons_on_both_sides(shop: Shop) -> None:
    program = shop.program(max_rewards_per_advocate=2, rewarded_orders=None, friend_reward=None)
    one = shop.link(program, "ana", customer={"email": "ana@example.com"})["code"]
    other = shop.link(program, "ana-2", customer={"email": "ana@example.com"})["code"]
    for number, code in enumerate([one, one, other]):
        assert buy(shop, ben(number), referral=code)["status"] == "attributed"
    assert buy(shop, {"customer_id": "cleo"}, referral=other)["status"] == "attributed"
    assert outcome(buy(shop, {"customer_id": "dan"}, referral=one)) == ("declined", ["cap_reached"])


def test_tiers_count_persons(shop: Shop) -> None:
    tiers = [{"from_referral": 2, "advocate_reward": {**FIXED, "amount": 3000}}]
    code = shop.link(shop.program(tiers=tiers, rewarded_orders=None, friend_reward=None))["code"]
    amounts = [buy(shop, ben(number), referral=code)["rewards"][0]["amount"] for number in range(3)]
    amounts.append(buy(shop, {"customer_id": "cleo"}, referral=code)["rewards"][0]["amount"])
    assert amounts == [1000, 1000, 1000, 3000]


def test_a_mailbox_that_is_learned_later_joins_what_is_known(shop: Shop, code: str) -> None:
    guest = buy(shop, {"email": "ben@example.com"}, referral=code)
    explained = shop.get(f"/conversions/{guest['conversion_id']}/explanation")
    account = shop.order("ben", referral=code)
    assert account["status"] == "attributed", "nobody knows yet that it is the guest"
    shop.put("/customers/ben", {"email": "Ben@example.com"})
    assert outcome(shop.order("ben")) == ("repeat", [])
    assert shop.get(f"/conversions/{guest['conversion_id']}/explanation") == explained
    assert shop.available("ana") == 2000, "what was earned stays"
    found = shop.get("/customers?email=BEN@example.com")["data"]
    assert {one["customer_id"] for one in found} == {"ben", guest["customer_id"]}


def test_who_takes_another_mailbox_is_another_person_with_the_same_past(shop: Shop, code: str) -> None:
    buy(shop, ben(0), referral=code)
    buy(shop, ben(1))
    shop.put("/customers/guest-1", {"email": "other@example.com"})
    assert outcome(buy(shop, {"customer_id": "guest-1"}, referral=code)) == ("declined", ["existing_customer"])
    shop.put("/customers/guest-0", {"email": None})
    assert outcome(buy(shop, {"customer_id": "guest-0"}, referral=code)) == ("repeat", [])
    assert outcome(buy(shop, {"customer_id": "new", "email": "ben@example.com"}, referral=code))[0] == "attributed"


def test_whoever_turns_out_to_be_their_own_advocate_earns_no_more(shop: Shop) -> None:
    program = shop.program(rewarded_orders=None)
    code = shop.link(program, "ana", customer={"email": "ana@example.com"})["code"]
    assert shop.order("ben", referral=code)["status"] == "attributed"
    order = buy(shop, {"customer_id": "ben", "email": "ANA@example.com"})
    assert outcome(order) == ("declined", ["self_referral"])
    assert shop.available("ana") == 1000


def test_whoever_leaves_a_mailbox_with_an_order_leaves_the_person_of_their_advocate(shop: Shop) -> None:
    code = shop.link(shop.program(), "ana", customer={"email": "home@example.com"})["code"]
    shop.put("/customers/tom", {"email": "home@example.com"}, status=201)
    tom = {"customer_id": "tom", "email": "tom@example.com"}
    assert outcome(buy(shop, tom, referral=code)) == ("attributed", [])
    ana = {"customer_id": "ana", "email": "noreply@example.com"}
    assert outcome(buy(shop, ana, referral=code)) == ("declined", ["self_referral"])


def test_a_friend_who_shared_their_advocates_mailbox_for_a_while_is_their_friend_again(shop: Shop) -> None:
    code = shop.link(shop.program(rewarded_orders=None), "ana", customer={"email": "ana@example.com"})["code"]
    shop.order("ben", referral=code)
    shop.put("/customers/ben", {"email": "ana@example.com"})
    assert outcome(buy(shop, {"customer_id": "ben"})) == ("declined", ["self_referral"])
    assert outcome(buy(shop, {"customer_id": "ben", "email": "ben@example.com"})) == ("attributed", [])


def test_nobody_is_made_their_own_advocate_by_hand(shop: Shop) -> None:
    program = shop.program(new_customers_only=False, rewarded_orders=None)
    ben, ana = (shop.link(program, name)["code"] for name in ("ben", "ana"))
    shop.order("ana", referral=ben)
    for name in ("ana", "ben"):
        shop.put(f"/customers/{name}", {"email": "home@example.com"})
    order = shop.order("ben", referral=ana)
    assert outcome(order) == ("declined", ["self_referral"])
    overrule = {"referral": ana, "note": "n", "overrule": ["self_referral"]}
    shop.post(f"/conversions/{order['conversion_id']}/attribution", overrule, status=422)


def test_a_newcomer_takes_the_place_of_all_referrals_of_a_person_that_stand_on_nothing(shop: Shop) -> None:
    program = shop.program(rewarded_orders=None)
    codes = {name: shop.link(program, name)["code"] for name in ("ana", "bob", "cleo")}
    for name, friend in (("ana", "f-1"), ("bob", "f-2")):
        order = shop.order(friend, referral=codes[name])
        shop.post(f"/conversions/{order['conversion_id']}/void", {"reason": "cancelled"}, status=200)
        shop.put(f"/customers/{friend}", {"email": "f@example.com"})
    assert buy(shop, {"email": "f@example.com"}, referral=codes["cleo"])["advocate_id"] == "cleo"
    assert buy(shop, {"customer_id": "f-2"})["advocate_id"] == "cleo"


def test_overruling_for_one_of_a_household_leaves_how_the_other_came(shop: Shop) -> None:
    program = shop.program(rewarded_orders=None)
    zoes = shop.link(program, "zoe")["code"]
    home = {"email": "home@example.com"}
    shop.order("ana", referral=zoes, customer=home)
    code = shop.link(program, "ana")["code"]
    order = buy(shop, {"customer_id": "tom", **home}, referral=code)
    assert order["advocate_id"] == "zoe", "the rules see one person, whom zoe brought"
    overrule = ["self_referral", "existing_customer", "already_referred"]
    asked = {"referral": code, "note": "They are two.", "overrule": overrule}
    given = shop.post(f"/conversions/{order['conversion_id']}/attribution", asked, status=200)
    assert (given["status"], given["advocate_id"]) == ("attributed", "ana")
    assert shop.order("ana")["advocate_id"] == "zoe"


def test_a_household_is_one_until_staff_say_that_they_are_two(shop: Shop) -> None:
    program = shop.program()
    code = shop.link(program, "ana", customer={"email": "family@example.com"})["code"]
    order = buy(shop, {"customer_id": "tom", "email": "family@example.com"}, referral=code)
    assert outcome(order) == ("declined", ["self_referral"])
    explained = shop.get(f"/conversions/{order['conversion_id']}/explanation")
    assert explained["customer_text"].startswith("Sorry, a referral rewards two different people")
    at = f"/conversions/{order['conversion_id']}/attribution"
    overrule = {"referral": code, "note": "They are a couple.", "overrule": ["self_referral"]}
    assert shop.post(at, overrule, status=200)["status"] == "attributed"
    assert (shop.available("ana"), shop.available("tom")) == (1000, 1000)
    own = shop.order("ana", referral=code)
    refused = shop.post(f"/conversions/{own['conversion_id']}/attribution", overrule, status=422)
    assert "cannot be overruled" in str(refused)


# Guests, and nobody


def test_a_guest_has_the_same_id_every_time_and_nobody_reads_a_mailbox_in_it(shop: Shop, code: str) -> None:
    first, second = (buy(shop, {"email": email, "first_name": "Ben"}) for email in ("ben@x.example", "BEN@X.example"))
    assert first["customer_id"] == second["customer_id"]
    assert "ben" not in first["customer_id"]
    known = shop.get(f"/customers/{first['customer_id']}")
    assert (known["first_name"], known["email"]) == ("Ben", "BEN@x.example")
    assert buy(shop, {"email": "cleo@x.example"})["customer_id"] != first["customer_id"]


def test_another_merchant_has_another_guest_of_the_same_mailbox(new_shop: Callable[[], Shop]) -> None:
    shops = [new_shop(), new_shop()]
    guests = [buy(shop, {"email": "ben@example.com"})["customer_id"] for shop in shops]
    assert guests[0] != guests[1]
    assert outcome(buy(shops[1], {"email": "ben@example.com"}, referral=shops[1].link(shops[1].program())["code"])) == (
        "declined",
        ["existing_customer"],
    )
    assert shops[0].get("/customers?email=ben@example.com")["data"][0]["customer_id"] == guests[0]


def test_a_guest_can_be_told_twice(shop: Shop, code: str) -> None:
    body = {"order_id": "twice", "amount": 5000, "currency": "EUR", "customer": {"email": "ben@example.com"}}
    body["referral"] = code
    first = shop.post("/conversions", body)
    assert shop.post("/conversions", body, status=200) == first
    body["customer"] = {"email": "cleo@example.com"}
    assert shop.post("/conversions", body, status=409)["errors"][0]["field"] == "customer.customer_id"


@pytest.mark.parametrize(
    "customer",
    [{}, {"first_name": "Ben"}, {"customer_id": None}, {"email": "no-reply@shop.example"}, {"email": "not an address"}],
)
def test_an_order_of_nobody_is_recorded_and_earns_nothing(shop: Shop, code: str, customer: dict[str, Any]) -> None:
    plain = buy(shop, customer)
    assert (*outcome(plain), plain["customer_id"]) == ("unattributed", [], None)
    order = buy(shop, customer, referral=code)
    assert outcome(order) == ("declined", ["unknown_customer"])
    assert order["rewards"] == []
    assert [warning["field"] for warning in order["warnings"]] == ["customer.email"] * ("not an" in str(customer))
    explained = shop.get(f"/conversions/{order['conversion_id']}/explanation")
    assert "unknown_customer" in explained["staff_text"]
    at = f"/conversions/{order['conversion_id']}"
    overrule = {"referral": code, "note": "n", "overrule": ["unknown_customer"]}
    shop.post(f"{at}/attribution", overrule, status=422)
    shop.refund(order, 1000, "r")
    shop.post(f"{at}/amendments", {"amendment_id": "a", "amount": 4000})
    shop.post(f"{at}/void", {"reason": "cancelled"}, status=200)
    assert shop.post(f"{at}/reopen", status=200)["reasons"] == ["unknown_customer"]
    assert shop.available("ana") == 0
    assert shop.get("/ledger/verification")["ok"]


def test_a_quote_for_nobody_yet_promises_and_for_a_tills_mailbox_does_not(shop: Shop, code: str) -> None:
    asked = {"referral": code, "amount": 5000, "currency": "EUR"}
    assert shop.post("/quotes", asked, status=200)["eligible"]
    for customer in ({}, {"first_name": "Ben"}, {"email": "noreply@shop.example"}, {"email": "garbage"}):
        told = shop.post("/quotes", {**asked, "customer": customer}, status=200)
        assert (told["eligible"], told["reasons"], told["quote"]) == (False, ["unknown_customer"], None)


# A mailbox that is nobody's


def test_a_mailbox_of_too_many_is_nobodys(shop: Shop, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "MOST_CUSTOMERS", 3)
    till = "till@shop.example"
    orders = [buy(shop, {"customer_id": f"c-{number}", "email": till}, referral=code) for number in range(5)]
    assert [order["status"] for order in orders] == ["attributed", "repeat", "repeat", "attributed", "attributed"]
    again = [buy(shop, {"customer_id": f"c-{number}"}, referral=code)["status"] for number in range(5)]
    assert again[3:] == ["repeat", "repeat"]
    assert len(shop.get(f"/customers?email={till}")["data"]) == 5
    for number in range(4):
        shop.put(f"/customers/c-{number}", {"email": None})
    assert buy(shop, {"email": till}, referral=code)["reasons"] == ["unknown_customer"], "what is nobody's stays so"


def test_a_till_can_be_the_advocate_of_the_customer_who_is_one_too_many(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persons, "MOST_CUSTOMERS", 2)
    till = {"email": "till@shop.example"}
    code = shop.link(shop.program(), "c-0", customer=till)["code"]
    shop.put("/customers/c-1", till, status=201)
    assert outcome(buy(shop, {"customer_id": "c-2", **till}, referral=code)) == ("attributed", [])
