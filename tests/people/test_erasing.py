"""Somebody is forgotten: what is open of their balance, who comes back, and everybody else, who notices nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from service import worker
from service.books import audit
from service.database.engine import Database
from service.merchants.tables import Merchant
from tests.shop import TEN_PERCENT, Shop

TOLD = {"first_name": "Ida", "email": "ida@example.com"}


@pytest.fixture(autouse=True)
def _sound(shop: Shop, database: Database) -> Any:
    """Whatever a test did, the books verify, sealed or not."""
    yield
    for _ in range(2):
        with database.reading() as session:
            assert audit.verify(session, shop.merchant_id).problems == []
        worker.round_of_upkeep(database, now=datetime.now(UTC))


def erase(shop: Shop, customer: str = "ida", query: str = "", *, status: int = 200) -> dict[str, Any]:
    return dict(shop._expect(shop.call("DELETE", f"/customers/{customer}{query}", scope="checkout"), status))


def remember(shop: Shop, database: Database) -> None:
    """Have the merchant remember, by a digest, who was erased."""
    of = update(Merchant).where(Merchant.merchant_id == shop.merchant_id)
    database.write(lambda session: session.execute(of.values(remembers_erased=True)))


def test_who_is_erased_is_unknown_from_then_on_and_again_answers_the_same(shop: Shop) -> None:
    shop.link(shop.program(), "ida", customer=TOLD)
    receipt = erase(shop)
    assert receipt["balances"] == []
    for path in ("", "/balance", "/statement"):
        shop.get(f"/customers/ida{path}", status=404)
    assert shop.get("/customers?email=ida@example.com")["data"] == []
    left = shop.get(f"/customers/{receipt['customer_id']}")
    assert (left["first_name"], left["email"], left["locale"], left["metadata"]) == (None, None, None, {})
    assert erase(shop) == erase(shop, query="?balance=keep") == erase(shop, receipt["customer_id"]) == receipt


def test_nobody_and_strangers_customers_cannot_be_erased(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    shop.put("/customers/ida", TOLD, status=201)
    erase(shop, "nobody", status=404)
    erase(new_shop(), status=404)
    assert erase(shop, query="?balance=burn", status=422)["errors"][0]["field"] == "balance"
    assert shop.get("/customers/ida")["email"] == "ida@example.com"


def test_the_balance_lapses_and_debts_are_written_off(shop: Shop) -> None:
    program = shop.program()
    code = shop.link(program, "ida")["code"]
    first = shop.order(referral=code)
    shop.post(
        "/ledger/adjustments",
        {"customer_id": "ida", "direction": "credit", "amount": 250, "currency": "EUR", "note": "goodwill"},
    )
    shop.reserve("ida", 400)
    in_dollars = shop.link(shop.program(currency="USD"), "ida")["code"]
    spent = shop.order(referral=in_dollars, currency="USD")
    redemption = shop.reserve("ida", 1000, currency="USD")
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.refund(spent, 5000, "all")
    receipt = erase(shop)
    assert receipt["balances"] == [
        {"currency": "EUR", "pending": 0, "available": 850, "reserved": 400, "owed": 0},
        {"currency": "USD", "pending": 0, "available": 0, "reserved": 0, "owed": 1000},
    ]
    assert not any(
        one[kind]
        for one in shop.get(f"/customers/{receipt['customer_id']}/balance")["balances"]
        for kind in ("pending", "available", "reserved", "owed")
    )
    assert shop.get(f"/conversions/{first['conversion_id']}")["advocate_id"] == receipt["customer_id"]
    notes = {one["note"] for one in shop.get("/ledger/adjustments")["data"]}
    assert notes == {"(erased)", "Lapsed with an erasure", "Written off with an erasure"}


def test_what_is_not_ripe_lapses_as_soon_as_it_is(shop: Shop, database: Database) -> None:
    code = shop.link(shop.program(hold_days=14), "ida")["code"]
    shop.order(referral=code)
    receipt = erase(shop)
    name = receipt["customer_id"]
    assert receipt["balances"] == [{"currency": "EUR", "pending": 1000, "available": 0, "reserved": 0, "owed": 0}]
    assert shop.balance(name)["pending"] == 1000
    worker.round_of_upkeep(database, now=datetime.now(UTC) + timedelta(days=15))
    assert (shop.balance(name)["pending"], shop.balance(name)["available"]) == (0, 0)
    assert {reward["status"] for reward in shop.get(f"/rewards?customer_id={name}")["data"]} == {"lapsed"}


def test_the_balance_can_be_kept_and_what_was_set_aside_is_captured(shop: Shop) -> None:
    code = shop.link(shop.program(), "ida")["code"]
    shop.order(referral=code)
    redemption = shop.reserve("ida", 400)
    name = erase(shop, query="?balance=keep")["customer_id"]
    assert (shop.balance(name)["available"], shop.balance(name)["reserved"]) == (600, 400)
    captured = shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    assert captured["customer_id"] == name


def test_the_advocate_keeps_the_reward_for_a_friend_who_is_erased(shop: Shop) -> None:
    code = shop.link(shop.program(rewarded_orders=3))["code"]
    order = shop.order("ida", referral=code, customer=TOLD)
    name = erase(shop)["customer_id"]
    assert shop.available("ana") == 1000
    now = shop.get(f"/conversions/{order['conversion_id']}")
    assert (now["customer_id"], now["advocate_id"], now["status"]) == (name, "ana", "attributed")
    refunded = shop.refund(order, 5000, "all")
    assert refunded["amount"] == 5000
    assert shop.available("ana") == 0


def test_links_of_who_was_erased_lead_to_no_offer_and_their_codes_are_nobody_elses(shop: Shop) -> None:
    program = shop.program()
    link = shop.link(program, "ida", customer=TOLD)
    other = shop.link(program, "ana")
    shop.patch(f"/links/{link['link_id']}", {"code": "IDAS-CODE"})
    token = shop.visit(link)
    erase(shop)
    assert shop.follow(link).status_code == 410
    assert shop.order(referral=token)["reasons"] == ["link_revoked"]
    assert shop.order(referral="IDAS-CODE")["reasons"] == ["invalid_referral"]
    taken = shop.call("PATCH", f"/links/{other['link_id']}", {"code": "idas code"})
    assert (taken.status_code, taken.get_json()["type"][-10:]) == (409, "code-taken")
    left = shop.get(f"/links/{link['link_id']}")
    assert (left["status"], "IDA" in left["code"], left["destination_url"] == link["destination_url"]) == (
        "revoked",
        False,
        True,
    )


def test_friends_go_on_and_what_they_bring_lapses(shop: Shop, database: Database) -> None:
    code = shop.link(shop.program(rewarded_orders=2), "ida")["code"]
    shop.order("ben", referral=code)
    name = erase(shop)["customer_id"]
    assert shop.order("ben")["status"] == "attributed"
    assert shop.available("ben") == 2000
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    assert shop.available(name) == 0


def test_orders_of_who_was_erased_may_be_sent_again_and_tell_nothing(shop: Shop) -> None:
    code = shop.link(shop.program(), "ida", customer=TOLD)["code"]
    hers = {"order_id": "hers", "customer": {**TOLD, "customer_id": "ida"}, "amount": 5000, "currency": "EUR"}
    friends = {"order_id": "bens", "customer": {"customer_id": "ben"}, "amount": 5000, "currency": "EUR"}
    shop.post("/conversions", hers)
    shop.post("/conversions", {**friends, "referral": code})
    name = erase(shop)["customer_id"]
    again = shop.post("/conversions", hers, status=200)
    assert again["customer_id"] == name
    assert shop.post("/conversions", {**friends, "referral": code}, status=200)["advocate_id"] == name
    assert shop.get("/customers?email=ida@example.com")["data"] == []
    assert shop.post("/conversions", {**hers, "amount": 1}, status=409)["errors"][0]["field"] == "amount"


def test_an_order_of_a_friend_is_judged_again_without_the_code(shop: Shop) -> None:
    code = shop.link(shop.program(), "ida", customer=TOLD)["code"]
    order = shop.order("ben", referral=code)
    name = erase(shop, query="?balance=keep")["customer_id"]
    path = f"/conversions/{order['conversion_id']}"
    shop.post(f"{path}/void", {"reason": "payment_failed"}, status=200)
    assert shop.available(name) == 0
    assert shop.post(f"{path}/reopen", status=200)["advocate_id"] == name
    assert shop.available(name) == 1000


def test_who_comes_back_is_a_new_customer(shop: Shop) -> None:
    program = shop.program()
    code = shop.link(program)["code"]
    shop.order("ida", referral=code, customer=TOLD)
    first = erase(shop)
    again = shop.order("ida", referral=code, customer=TOLD)
    assert again["status"] == "attributed"
    second = erase(shop)
    assert second["erasure_id"] != first["erasure_id"]
    assert erase(shop) == second
    assert erase(shop, first["customer_id"]) == first


@pytest.mark.parametrize("by", ["order", "import", "put"])
def test_where_the_merchant_wants_it_nobody_is_welcomed_twice(
    shop: Shop, database: Database, by: str, app: Any
) -> None:
    remember(shop, database)
    code = shop.link(shop.program())["code"]
    shop.order("ida", referral=code, customer=TOLD)
    erase(shop)
    quoted = shop.post(
        "/quotes",
        {
            "referral": code,
            "customer": {"customer_id": "new", "email": "IDA@example.com"},
            "amount": 1,
            "currency": "EUR",
        },
        status=200,
    )
    assert quoted["reasons"] == ["existing_customer"]
    if by == "import":
        headers = {"Authorization": f"Bearer {shop.keys['checkout']}", "Content-Type": "text/csv"}
        app.test_client().post("/v1/customers/import", data=f"customer_id,email\nnew,{TOLD['email']}", headers=headers)
    elif by == "put":
        shop.put("/customers/new", {"email": "IDA@example.com"}, status=201)
    again = shop.order("new", referral=code, customer={"email": "Ida@Example.com"} if by == "order" else {})
    assert again["reasons"] == ["existing_customer"]


def test_a_mailbox_that_others_have_stays_theirs(shop: Shop, database: Database) -> None:
    remember(shop, database)
    code = shop.link(shop.program())["code"]
    shop.put("/customers/ida", TOLD, status=201)
    shop.put("/customers/her-other-account", TOLD, status=201)
    erase(shop)
    assert [one["customer_id"] for one in shop.get("/customers?email=ida@example.com")["data"]] == ["her-other-account"]
    assert shop.order("her-other-account", referral=code)["status"] == "attributed"


def test_an_answer_that_told_of_who_was_erased_is_not_repeated_and_its_request_not_done_again(shop: Shop) -> None:
    shop.put("/customers/ida", TOLD, status=201)
    body = {"customer_id": "ida", "direction": "credit", "amount": 100, "currency": "EUR", "note": "sorry"}
    shop.post("/ledger/adjustments", body, Idempotency_Key="once")
    other = {**body, "customer_id": "idaho"}
    shop.put("/customers/idaho", {}, status=201)
    shop.post("/ledger/adjustments", other, Idempotency_Key="other")
    erase(shop)
    assert shop.post("/ledger/adjustments", body, status=410, Idempotency_Key="once")["type"].endswith(
        "#answer-forgotten"
    )
    shop.post("/ledger/adjustments", other, Idempotency_Key="other")
    assert len(shop.get("/ledger/adjustments")["data"]) == 3


def test_numbers_of_a_program_by_percent_stay_where_somebody_is_erased(shop: Shop, database: Database) -> None:
    code = shop.link(shop.program(advocate_reward=TEN_PERCENT), "ida")["code"]
    shop.order("ben", referral=code)
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    before = shop.get("/stats/summary", scope="marketing"), shop.get("/stats/advocates?sort=friends", scope="marketing")
    name = erase(shop, query="?balance=keep")["customer_id"]
    for _ in range(2):  # as the event waits, and once it is rolled up
        summary, ranking = (
            shop.get("/stats/summary", scope="marketing"),
            shop.get("/stats/advocates?sort=friends", scope="marketing"),
        )
        assert summary == before[0]
        assert [one["customer_id"] for one in ranking["data"]] == [name]
        assert ranking["data"][0]["friends"] == before[1]["data"][0]["friends"] == 1
        worker.round_of_upkeep(database, now=datetime.now(UTC))


def test_nothing_is_learned_of_who_was_erased_and_nothing_made_for_them(shop: Shop, app: Any) -> None:
    program = shop.program()
    link = shop.link(program, "ida", customer=TOLD)
    order = {"order_id": "hers", "customer": {**TOLD, "customer_id": "ida"}, "amount": 5000, "currency": "EUR"}
    shop.post("/conversions", order)
    name = erase(shop)["customer_id"]
    shop.put(f"/customers/{name}", TOLD, status=404)
    shop.post("/conversions", {**order, "order_id": "new", "customer": {**TOLD, "customer_id": name}})
    shop.post("/conversions", {**order, "customer": {**TOLD, "customer_id": name}}, status=200)
    body = {"program_id": program["program_id"], "customer": {"customer_id": name, "first_name": "Ida"}}
    shop.post("/links", body, status=404)
    shop.post(f"/customers/{name}/share-page", {"program_id": program["program_id"]}, status=404)
    for change in ({"status": "active"}, {"code": "IDA-AGAIN"}):
        assert shop.call("PATCH", f"/links/{link['link_id']}", change).status_code == 404
    headers = {"Authorization": f"Bearer {shop.keys['checkout']}", "Content-Type": "text/csv"}
    rows = f"customer_id,email,first_name\n{name},{TOLD['email']},Ida\n"
    taken = app.test_client().post("/v1/customers/import", data=rows, headers=headers).get_json()
    assert (taken["refused"], taken["faults"][0]["field"]) == (1, "customer_id")
    left = shop.get(f"/customers/{name}")
    assert (left["email"], left["first_name"]) == (None, None)


def test_notes_of_staff_beside_other_peoples_rewards_go_too(shop: Shop) -> None:
    program = shop.program()
    hers = shop.order("ida", referral=shop.link(program, "ana")["code"])
    theirs = shop.order("ben", referral=shop.link(program, "ida")["code"])
    for order in (hers, theirs):
        for reward in order["rewards"]:
            shop.post(f"/rewards/{reward['reward_id']}/deny", {"note": "Ida again"}, status=200)
    erase(shop)
    assert {reward["review_note"] for reward in shop.get("/rewards")["data"]} == {"(erased)"}


def test_what_comes_back_to_who_was_erased_lapses_at_once(shop: Shop) -> None:
    code = shop.link(shop.program(), "ida")["code"]
    returned, reopened = shop.order(referral=code), shop.order(referral=code)
    denied = shop.order(referral=code)
    advocates = next(reward for reward in denied["rewards"] if reward["side"] == "advocate")
    redemption = shop.reserve("ida", 600)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.post(f"/conversions/{reopened['conversion_id']}/void", {"reason": "cancelled"}, status=200)
    name = erase(shop)["customer_id"]
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "back", "amount": 600})
    assert shop.available(name) == 0
    shop.post(f"/conversions/{reopened['conversion_id']}/reopen", status=200)
    assert shop.available(name) == 0
    shop.post(f"/rewards/{advocates['reward_id']}/deny", {"note": "x"}, status=200)
    shop.refund(returned, 5000, "all")
    assert (shop.balance(name)["available"], shop.balance(name)["owed"]) == (0, 0)


def test_a_debt_waits_for_what_is_not_ripe_and_nothing_is_left_afterwards(shop: Shop, database: Database) -> None:
    spent = shop.order(referral=shop.link(shop.program(), "ida")["code"])
    redemption = shop.reserve("ida", 1000)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.refund(spent, 5000, "all")
    shop.order(referral=shop.link(shop.program(hold_days=14), "ida")["code"])
    name = erase(shop)["customer_id"]
    assert (shop.balance(name)["pending"], shop.balance(name)["owed"]) == (1000, 1000)
    worker.round_of_upkeep(database, now=datetime.now(UTC) + timedelta(days=15))
    held = shop.balance(name)
    assert (held["pending"], held["available"], held["owed"]) == (0, 0, 0)


def test_an_answer_that_says_an_id_in_another_place_is_repeated(shop: Shop) -> None:
    shop.put("/customers/EUR", {}, status=201)
    body = {"order_id": "o", "customer": {"customer_id": "ana"}, "amount": 5000, "currency": "EUR"}
    shop.post("/conversions", body, Idempotency_Key="k")
    erase(shop, "EUR")
    shop.post("/conversions", body, Idempotency_Key="k")


def test_a_tills_mailbox_stays_nobodys_after_its_customers_were_erased(shop: Shop, app: Any) -> None:
    rows = "".join(f"till-{number},till@shop.example\n" for number in range(201))
    headers = {"Authorization": f"Bearer {shop.keys['checkout']}", "Content-Type": "text/csv"}
    app.test_client().post("/v1/customers/import", data="customer_id,email\n" + rows, headers=headers)
    for number in range(201):
        erase(shop, f"till-{number}")
    assert shop.order(customer={"customer_id": None, "email": "till@shop.example"})["customer_id"] is None
