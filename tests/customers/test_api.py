import pytest

from tests.shop import Shop


def test_a_customer_is_created_then_updated_field_by_field(shop: Shop) -> None:
    made = shop.put("/customers/ana", {"first_name": "Ana", "email": "Ana@Example.com"}, status=201)
    assert (made["first_name"], made["email"], made["locale"]) == ("Ana", "Ana@example.com", None)
    changed = shop.put("/customers/ana", {"locale": "pt-BR", "email": None})
    assert (changed["first_name"], changed["email"], changed["locale"]) == ("Ana", None, "pt-BR")
    assert shop.get("/customers/ana", scope="checkout") == changed
    shop.get("/customers/ben", status=404)


@pytest.mark.parametrize(
    "body",
    [
        {"first_name": ""},
        {"first_name": "x" * 81},
        {"first_name": "a\u202e\n"},
        {"email": "x"},
        {"email": "a@" + "x" * 300 + ".com"},
        {"locale": "english please"},
        {"since": "2020"},
        {"last_name": "x"},
        {"customer_id": "other"},
    ],
)
def test_what_cannot_be_of_a_customer_is_refused(shop: Shop, body: dict[str, str]) -> None:
    shop.put("/customers/ana", body, status=422)
    shop.get("/customers/ana", status=404)


def test_a_checkout_teaches_what_is_known_of_a_customer_and_forgets_nothing(shop: Shop) -> None:
    shop.order("ben", customer={"first_name": "Ben"})
    shop.order("ben", customer={"email": "ben@example.com"})
    known = shop.get("/customers/ben")
    assert (known["first_name"], known["email"]) == ("Ben", "ben@example.com")


def test_a_statement_runs_backwards_page_by_page_and_agrees_with_the_balance(shop: Shop) -> None:
    link = shop.link(shop.program(friend_reward=None))
    for _ in range(3):
        shop.order(referral=link["code"])
    shop.post(f"/redemptions/{shop.reserve('ana', 2500)['redemption_id']}/capture", {"amount": 500}, status=200)
    whole = shop.get("/customers/ana/statement")["data"]
    assert whole[0]["available_after"] == shop.available("ana") == 2500
    pages, cursor = [], ""
    while cursor is not None:
        page = shop.get(f"/customers/ana/statement?limit=2{cursor and '&cursor='}{cursor}")
        pages += page["data"]
        cursor = page["next_cursor"]
    assert pages == whole
    assert [entry["kind"] for entry in whole[:3]] == ["given_back", "spent", "reserved"]
    assert all(entry["order_id"] for entry in whole[3:])


def test_a_statements_cursor_cannot_be_altered(shop: Shop) -> None:
    link = shop.link(shop.program(friend_reward=None))
    shop.order(referral=link["code"])
    cursor = shop.get("/customers/ana/statement?limit=1")["next_cursor"]
    shop.get(f"/customers/ana/statement?cursor={cursor}")
    shop.get(f"/customers/ana/statement?cursor=A{cursor[1:]}", status=422)


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJ4IiwgMSwge31d", "e30", "%00"])
def test_a_statements_cursor_that_we_did_not_make_is_refused(shop: Shop, cursor: str) -> None:
    shop.put("/customers/ana", {}, status=201)
    shop.get(f"/customers/ana/statement?cursor={cursor}", status=422)
