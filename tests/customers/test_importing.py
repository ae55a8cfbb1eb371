"""Existing customers by file, over HTTP: known afterwards to every rule, and no harm in sending it again."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service.customers import persons
from service.customers.api.imports import turns
from service.customers.importing import MOST_FAULTS, TOGETHER
from service.customers.tables import Customer
from service.database.engine import Database
from tests.shop import Shop


@pytest.fixture
def take(app: Flask, shop: Shop) -> Any:
    """Sends a file of customers; the answer."""

    def send(content: str | bytes, *, kind: str = "text/csv", status: int = 200, by: Shop = shop) -> dict[str, Any]:
        raw = content.encode() if isinstance(content, str) else content
        headers = {"Authorization": f"Bearer {by.keys['checkout']}", "Content-Type": kind}
        response = app.test_client().post("/v1/customers/import", data=raw, headers=headers)
        assert response.status_code == status, response.text
        return dict(response.get_json())

    return send


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    assert answer["rows"] == answer["created"] + answer["changed"] + answer["unchanged"] + answer["refused"]
    return answer["created"], answer["changed"], answer["unchanged"], answer["refused"]


def customers(shop: Shop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.get("/customers?limit=200")["data"]
    return sorted(found, key=lambda customer: str(customer["customer_id"]))


FILE = (
    "customer_id,email,first_name,since,metadata.tier,phone\n"
    "ana,ana@example.com,Ana,2024-05-31,gold,1\n"
    "ben,ben@example.com,Ben,,,2\n"
    "cleo,nobody,Cleo,,,3\n"
)


def test_a_file_says_what_became_of_each_row_and_sent_again_changes_nothing(take: Any, shop: Shop) -> None:
    answer = take(FILE)
    assert counts(answer) == (2, 0, 0, 1)
    assert [(fault["row"], fault["field"]) for fault in answer["faults"]] == [(4, "email")]
    assert answer["ignored_columns"] == ["phone"]
    before = customers(shop)
    assert before[0]["since"].startswith("2024-05-3")
    assert (before[0]["metadata"], before[1]["metadata"]) == ({"tier": "gold"}, {})
    assert counts(take(FILE)) == (0, 0, 2, 1)
    assert customers(shop) == before


def test_what_is_new_in_a_file_is_learned_and_what_it_does_not_say_stays(take: Any, shop: Shop) -> None:
    take(FILE)
    assert counts(take("customer_id,email,first_name\nana,,Anna\nben,ben2@example.com,\n")) == (0, 2, 0, 0)
    ana, ben = customers(shop)
    assert (ana["first_name"], ana["email"], ana["metadata"]) == ("Anna", "ana@example.com", {"tier": "gold"})
    assert (ben["first_name"], ben["email"]) == ("Ben", "ben2@example.com")
    cleared = '{"customer_id": "ana", "email": null, "since": null, "metadata": null}\n'
    assert counts(take(cleared, kind="application/x-ndjson")) == (0, 1, 0, 0)
    ana = customers(shop)[0]
    assert (ana["email"], ana["since"], ana["metadata"], ana["first_name"]) == (None, None, {}, "Anna")


def test_the_last_of_several_rows_of_one_customer_counts(take: Any, shop: Shop) -> None:
    rows = "".join(f"ana,Ana{number}\n" for number in range(TOGETHER + 5))
    answer = take("customer_id,first_name\n" + rows)
    assert counts(answer) == (1, 1, TOGETHER + 3, 0)
    assert customers(shop)[0]["first_name"] == f"Ana{TOGETHER + 4}"


def test_who_was_a_customer_before_is_no_new_one(take: Any, shop: Shop) -> None:
    take("id,email,orders\nold,old@example.com,3\nnew,new@example.com,0\n")
    old, new = customers(shop)[1], customers(shop)[0]
    assert new["since"] is None
    assert old["since"] is not None
    assert counts(take("id,email,orders\nold,old@example.com,4\n")) == (0, 0, 1, 0)
    code = shop.link(shop.program())["code"]
    told = {"email": "OLD@example.com"}
    assert shop.order("other-account", customer=told, referral=code)["reasons"] == ["existing_customer"]
    assert shop.order("old", referral=code)["reasons"] == ["existing_customer"]
    assert shop.order("new", referral=code)["status"] == "attributed"


def test_rows_without_an_id_are_the_guests_of_their_mailboxes(take: Any, shop: Shop) -> None:
    assert counts(take("Name,Email,Orders\nAna López,ana@gmail.com,1\n,A.N.A@gmail.com,1\n,noreply@x.example,1\n")) == (
        1,
        0,
        1,
        1,
    )
    (ana,) = customers(shop)
    code = shop.link(shop.program(), "zoe")["code"]
    ordered = shop.order(customer={"customer_id": None, "email": "ana@gmail.com"}, referral=code)
    assert (ordered["customer_id"], ordered["reasons"]) == (ana["customer_id"], ["existing_customer"])


def test_rows_of_one_mailbox_are_one_person_with_each_other_and_with_who_is_known(
    take: Any, shop: Shop, database: Database
) -> None:
    shop.put("/customers/known", {"email": "a@example.com"}, status=201)
    shop.put("/customers/leaver", {"email": "b@example.com"}, status=201)
    take("customer_id,email\nx,A@example.com\ny,b@example.com\nz,b@example.com\nleaver,c@example.com\n")
    with database.reading() as session:
        query = select(Customer.customer_id, Customer.person_id).where(Customer.merchant_id == shop.merchant_id)
        person = dict(session.execute(query).tuples().all())
    assert person["known"] == person["x"] is not None
    assert person["y"] == person["z"] is not None
    assert person["leaver"] is None
    code = shop.link(shop.program(), "known")["code"]
    assert shop.order("x", referral=code)["reasons"] == ["self_referral"]


def test_a_mailbox_of_a_till_is_nobodys_from_its_201st_customer_in_a_file(
    take: Any, shop: Shop, database: Database
) -> None:
    head, row = "customer_id,email\n", "till-{},till@shop.example\n"
    take(head + "".join(row.format(number) for number in range(persons.MOST_CUSTOMERS)))
    assert len(_persons(shop, database)) == 1
    assert counts(take(head + row.format("last"))) == (1, 0, 0, 0)
    assert _persons(shop, database) == {None}
    assert counts(take(head + row.format("more"))) == (1, 0, 0, 0)
    assert counts(take("email\ntill@shop.example\n")) == (0, 0, 0, 1)


def _persons(shop: Shop, database: Database) -> set[object]:
    with database.reading() as session:
        query = select(Customer.person_id).where(Customer.merchant_id == shop.merchant_id).distinct()
        return set(session.scalars(query))


def test_a_great_many_bad_rows_are_counted_and_the_first_of_them_named(take: Any, shop: Shop) -> None:
    answer = take("customer_id,locale\n" + "..,?\n" * 3_000 + "ana,\n")
    assert counts(answer) == (1, 0, 0, 3_000)
    assert len(answer["faults"]) == MOST_FAULTS
    assert answer["faults"][0]["row"] == 2


def test_a_file_longer_than_any_other_body_is_read(take: Any, shop: Shop, database: Database) -> None:
    rows = "".join(f"c{number},c{number}@example.com,{'x' * 500}\n" for number in range(3_000))
    assert counts(take("customer_id,email,note\n" + rows)) == (3_000, 0, 0, 0)
    with database.reading() as session:
        count = select(func.count()).where(Customer.merchant_id == shop.merchant_id)
        assert session.scalar(count) == 3_000


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("", "text/csv", 422),
        ("phone\n1\n", "text/csv", 422),
        ("customer_id\nana\n", "application/json", 415),
        ("customer_id\nana\n", "", 415),
    ],
)
def test_what_is_no_file_of_customers_is_refused(take: Any, shop: Shop, content: str, kind: str, status: int) -> None:
    take(content, kind=kind, status=status)
    assert customers(shop) == []


def test_an_import_is_of_its_own_merchant(take: Any, shop: Shop, new_shop: Any) -> None:
    stranger = new_shop()
    take(FILE)
    take(FILE.replace("Ana", "Eve"), by=stranger)
    assert [customer["first_name"] for customer in customers(shop)] == ["Ana", "Ben"]
    assert [customer["first_name"] for customer in customers(stranger)] == ["Eve", "Ben"]


def test_only_one_import_goes_on_at_a_time(take: Any) -> None:
    turn = turns.take()
    assert turn is not None
    try:
        assert take(FILE, status=429)["type"].endswith("#too-many-imports")
    finally:
        turns.give_back(turn)
    take(FILE)


def test_metadata_and_faults_survive_as_json(take: Any) -> None:
    lines = [{"customer_id": "a'b\"c\\", "metadata": {"ü": "\u2028 é"}}, {"customer_id": "x", "locale": "?"}]
    answer = take("\n".join(json.dumps(line) for line in lines), kind="application/jsonl")
    assert counts(answer) == (1, 0, 0, 1)


def test_who_has_ordered_by_one_row_has_by_all_of_them(take: Any, shop: Shop) -> None:
    take("customer_id,orders\nana,3\nana,\n")
    assert customers(shop)[0]["since"] is not None


def test_a_row_with_several_faults_is_refused_once_wherever_it_stands(take: Any) -> None:
    good = "".join(f"c{number},,\n" for number in range(TOGETHER - 1))
    assert counts(take(f"id,email,locale\n{good}bad,@@,!!\n")) == (TOGETHER - 1, 0, 0, 1)


def test_an_id_of_before_two_became_one_is_the_others(take: Any, shop: Shop) -> None:
    take("customer_id,first_name\nold,Ana\nnew,\n")
    shop.post("/customers/new/merge", {"from": "old"}, status=200, scope="checkout")
    assert counts(take("customer_id,first_name,locale\nold,Anna,\nnew,,de\n")) == (0, 1, 1, 0)
    assert [(one["customer_id"], one["first_name"], one["locale"]) for one in customers(shop)] == [
        ("new", "Anna", "de")
    ]
