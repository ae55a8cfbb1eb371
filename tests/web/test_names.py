"""Names of the shop's own: what is accepted in a body is read by its path, whatever it is."""

from urllib.parse import quote

import pytest

from tests.shop import Shop

NAMES = [
    "gid://shopify/Customer/7",
    "DE/1042",
    "a//b",
    "50%",
    "a%2Fb",
    "/",
    "ünïcödé",
    "日本",
    "a b",
    "a?b#c",
    "+1;2",
    "%1F",
]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_may_be_a_name_is_read_by_its_path(shop: Shop, name: str) -> None:
    code = shop.link(shop.program(), name)["code"]
    order = shop.order("ben", referral=code)
    assert order["advocate_id"] == name
    encoded = quote(name, safe="")
    assert shop.get(f"/customers/{encoded}/balance")["customer_id"] == name
    assert shop.get(f"/customers/{encoded}")["customer_id"] == name
    assert shop.put(f"/customers/{encoded}", {"first_name": "Ana"})["first_name"] == "Ana"
    assert len(shop.get(f"/customers/{encoded}/statement")["data"]) == 2
    shop.refund(order, 100, name)
    at = f"/conversions/{order['conversion_id']}/refunds/{encoded}/reverse"
    assert shop.post(at, status=200)["refund_id"] == name


def test_white_space_around_a_name_is_not_part_of_it(shop: Shop) -> None:
    order = shop.order(" ben\u00a0", order_id="\to-1 ")
    assert (order["customer_id"], order["order_id"]) == ("ben", "o-1")
    assert shop.get("/customers/%20ben%20")["customer_id"] == "ben"
    assert len(shop.get("/conversions?order_id=%20o-1&customer_id=ben%20")["data"]) == 1
    shop.order("ben", order_id="o-1", status=200)


@pytest.mark.parametrize("name", [".", "..", " ", "a\tb", "x" * 256])
def test_what_no_path_can_name_is_refused(shop: Shop, name: str) -> None:
    assert shop.order(name, status=422)["errors"][0]["field"] == "customer.customer_id"
    assert shop.order("ben", order_id=name, status=422)["errors"][0]["field"] == "order_id"
    order = shop.order("ben")
    assert shop.refund(order, 1, name, status=422)["errors"][0]["field"] == "refund_id"
    asked = {"customer_id": name, "amount": 1, "currency": "EUR"}
    assert shop.post("/redemptions", asked, status=422)["errors"][0]["field"] == "customer_id"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "n/a"),
        ("email", "taro.@docomo.example"),
        ("email", "a@b.example."),
        ("email", 7),
        ("first_name", " "),
        ("first_name", "x" * 81),
        ("first_name", "a\nb"),
        ("locale", "not a locale"),
    ],
)
def test_nothing_optional_fails_an_order(shop: Shop, field: str, value: object) -> None:
    order = shop.order("ben", customer={field: value}, order_id="o-1")
    [warning] = order["warnings"]
    assert (warning["field"], warning["code"]) == (f"customer.{field}", "unusable")
    assert warning["message"]
    assert shop.get("/customers/ben")[field] is None
    again = shop.order("ben", customer={field: value}, order_id="o-1", status=200)
    assert again == order
    shop.put("/customers/ben", {field: value}, status=422)


def test_a_blank_around_a_mailbox_is_not_part_of_it(shop: Shop) -> None:
    order = shop.order("ben", customer={"email": " ben@example.com ", "first_name": " Ben "})
    assert order["warnings"] == []
    known = shop.get("/customers/ben")
    assert (known["email"], known["first_name"]) == ("ben@example.com", "Ben")


@pytest.mark.parametrize("metadata", [{"a": 1}, {"": "x"}, [], "x", {str(n): "x" for n in range(21)}])
def test_metadata_that_cannot_be_used_is_left_out(shop: Shop, metadata: object) -> None:
    order = shop.order("ben", metadata=metadata)
    assert ([warning["field"] for warning in order["warnings"]], order["metadata"]) == (["metadata"], {})


def test_metadata_is_given_back_as_it_is(shop: Shop) -> None:
    metadata = {"till": "7", "Größe": "L\u200d", "empty": ""}
    order = shop.order("ben", metadata=metadata)
    assert order["metadata"] == shop.get(f"/conversions/{order['conversion_id']}")["metadata"] == metadata


def test_everything_of_the_shops_carries_its_metadata(shop: Shop) -> None:
    metadata = {"campaign": "autumn"}
    program = shop.program(metadata=metadata)
    assert shop.get("/programs")["data"][0]["metadata"] == metadata
    at = f"/programs/{program['program_id']}"
    assert shop.patch(at, {"metadata": None})["metadata"] == {}
    assert shop.link(program, metadata=metadata)["metadata"] == metadata
    assert shop.link(program)["metadata"] == metadata
    assert shop.put("/customers/ana", {"metadata": metadata})["metadata"] == metadata
    assert shop.put("/customers/new", {"metadata": metadata}, status=201)["metadata"] == metadata
    assert shop.put("/customers/ana", {"metadata": None})["metadata"] == {}
    shop.put("/customers/ana", {"metadata": {"a": 1}}, status=422)
