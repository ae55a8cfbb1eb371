from typing import Any

import pytest

from service.database.engine import Database
from tests.shop import FIXED, TEN_PERCENT, Shop
from tests.statements import asked_by


def test_a_program_has_the_contracts_defaults(shop: Shop) -> None:
    body = {"name": "P", "currency": "EUR", "destination_url": "https://shop.example"}
    made = shop.post("/programs", body)
    expected: dict[str, Any] = {
        "attribution_window_days": 30,
        "hold_days": 14,
        "minimum_order_amount": 0,
        "new_customers_only": True,
        "rewarded_orders": 1,
        "max_rewards_per_advocate": None,
        "reward_expiry_days": None,
        "landing": "redirect",
        "status": "active",
        "terms_version": 1,
        "tiers": [],
        "allowed_hosts": [],
        "advocate_reward": None,
        "friend_reward": None,
    }
    assert expected.items() <= made.items()
    assert shop.get(f"/programs/{made['program_id']}") == made
    assert shop.get("/programs")["data"] == [made]


def test_terms_that_differ_become_a_version_and_the_rest_does_not(shop: Shop) -> None:
    program = shop.program(hold_days=3)
    path = f"/programs/{program['program_id']}"
    assert shop.patch(path, {"name": "Other", "status": "paused", "hold_days": 3})["terms_version"] == 1
    assert shop.patch(path, {"hold_days": 4})["terms_version"] == 2
    versions = shop.get(f"{path}/versions")["data"]
    assert [(version["terms_version"], version["terms"]["hold_days"]) for version in versions] == [(2, 4), (1, 3)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"advocate_reward": {"type": "percent", "rate": "100.01"}}, "advocate_reward.rate"),
        ({"advocate_reward": {"type": "percent", "rate": "0.00"}}, "advocate_reward.rate"),
        ({"advocate_reward": {"type": "percent", "rate": "10.001"}}, "advocate_reward.rate"),
        ({"advocate_reward": {"type": "percent", "rate": 10}}, "advocate_reward.rate"),
        ({"advocate_reward": {"type": "percent", "rate": "1٠"}}, "advocate_reward.rate"),
        ({"advocate_reward": {"type": "percent"}}, "advocate_reward.rate"),
        ({"advocate_reward": {**TEN_PERCENT, "max_amount": 0}}, "advocate_reward.max_amount"),
        ({"advocate_reward": {**TEN_PERCENT, "amount": 5}}, "advocate_reward.amount"),
        ({"advocate_reward": {**FIXED, "max_amount": 500}}, "advocate_reward.max_amount"),
        ({"advocate_reward": {**FIXED, "amount": 0}}, "advocate_reward.amount"),
        ({"advocate_reward": {**FIXED, "as": "discount"}}, "advocate_reward.as"),
        ({"advocate_reward": {**FIXED, "as": "cash"}}, "advocate_reward.as"),
        ({"friend_reward": {"type": "points", "amount": 5}}, "friend_reward.type"),
        ({"attribution_window_days": -1}, "attribution_window_days"),
        ({"hold_days": -1}, "hold_days"),
        ({"hold_days": 1.5}, "hold_days"),
        ({"hold_days": "14"}, "hold_days"),
        ({"hold_days": True}, "hold_days"),
        ({"new_customers_only": 1}, "new_customers_only"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"destination_url": "http://shop.example"}, "destination_url"),
        ({"destination_url": "https://user:pass@shop.example"}, "destination_url"),
        ({"destination_url": "https://shop.example/\n"}, "destination_url"),
        ({"destination_url": "https://shop.example/\\evil"}, "destination_url"),
        ({"destination_url": "javascript:alert(1)"}, "destination_url"),
        ({"destination_url": "//shop.example"}, "destination_url"),
        ({"destination_url": "https://[::1"}, "destination_url"),
        ({"destination_url": "https://shop.example:99999/"}, "destination_url"),
        ({"destination_url": "https://"}, "destination_url"),
        ({"allowed_hosts": ["https://x"]}, "allowed_hosts.0"),
        ({"tiers": [{"from_referral": 5, "advocate_reward": FIXED}] * 2}, "tiers"),
        ({"advocate_reward": None, "tiers": [{"from_referral": 5, "advocate_reward": FIXED}]}, "tiers"),
        ({"max_rewards_per_advocate": 3, "tiers": [{"from_referral": 5, "advocate_reward": FIXED}]}, "tiers"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field(shop: Shop, fields: dict[str, Any], field: str) -> None:
    good = {"name": "P", "currency": "EUR", "destination_url": "https://shop.example", "advocate_reward": FIXED}
    problem = shop.post("/programs", {**good, **fields}, status=422)
    assert field in [error["field"] for error in problem["errors"]]
    program = shop.program()
    shop.patch(f"/programs/{program['program_id']}", fields, status=422)
    assert shop.get("/programs")["data"] == [program]


def test_http_is_for_localhost_alone(shop: Shop) -> None:
    shop.program(destination_url="http://localhost:8000/demo")
    shop.program(destination_url="http://127.0.0.1/x")


def test_lists_are_newest_first_and_stable_while_rows_are_added(shop: Shop) -> None:
    made = [shop.program(name=f"P{number}")["name"] for number in range(5)]
    first = shop.get("/programs?limit=2")
    shop.program(name="later")
    second = shop.get(f"/programs?limit=2&cursor={first['next_cursor']}")
    third = shop.get(f"/programs?limit=2&cursor={second['next_cursor']}")
    seen = [program["name"] for page in (first, second, third) for program in page["data"]]
    assert seen == made[::-1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=AAAA", "cursor=%00", "what=1"]
)
def test_a_bad_page_is_refused(shop: Shop, query: str) -> None:
    assert shop.get(f"/programs?{query}", status=422)["errors"]


def test_a_list_of_programs_asks_the_database_as_often_for_many_as_for_one(shop: Shop, database: Database) -> None:
    def listed() -> None:
        programs = shop.get("/programs")["data"]
        assert [program["terms_version"] for program in programs] == [1] * len(programs)

    def statements_of_a_list() -> int:
        return len([statement for statement in asked_by(database, listed) if "FROM program" in statement])

    shop.program()
    assert statements_of_a_list() == 1
    for _ in range(5):
        shop.program()
    assert statements_of_a_list() == 1


def test_a_tier_cannot_be_a_discount_nor_better_what_is_not_there(shop: Shop) -> None:
    body = {"name": "P", "currency": "EUR", "destination_url": "https://shop.example"}
    discount = [{"from_referral": 2, "advocate_reward": {**FIXED, "as": "discount"}}]
    refused = shop.post("/programs", {**body, "advocate_reward": FIXED, "tiers": discount}, status=422)
    assert refused["errors"][0]["field"] == "tiers"
    refused = shop.post("/programs", {**body, "tiers": [{"from_referral": 2, "advocate_reward": FIXED}]}, status=422)
    assert refused["errors"][0]["field"] == "tiers"
