"""What somebody brings along, as a line tells it: every fault is named by its field, and the good lines are kept."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.customers.rows import Fault
from service.people.belongings import MOST_CODES, Belongings, read

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ONE_EURO = {"currency": "EUR", "amount": 1}


def lines(*members: Any) -> list[Belongings | Fault]:
    content = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in members]
    return list(read(content, zone=UTC, now=NOW))


def faults(*members: Any) -> list[tuple[int, str | None]]:
    return [(one.row, one.field) for one in lines(*members) if isinstance(one, Fault)]


def test_a_line_tells_of_a_customer_and_all_that_they_bring_along() -> None:
    [one] = lines(
        {
            "customer_id": " ana ",
            "email": "ana@example.com",
            "since": "2024-05-31",
            "codes": ["OLD-ANA", "ANA10"],
            "channel": "mail",
            "brought_by": "zoe",
            "brought_at": "2024-05-31T10:00:00Z",
            "rewarded_orders": 1,
            "balances": [{"currency": "EUR", "amount": 1500}, {"currency": "JPY", "amount": 90}],
        }
    )
    assert isinstance(one, Belongings)
    assert (one.told.customer_id, one.told.said["email"]) == ("ana", "ana@example.com")
    assert (one.codes, one.channel, one.balances) == (("OLD-ANA", "ANA10"), "mail", {"EUR": 1500, "JPY": 90})
    assert (one.brought_by, one.rewarded_orders) == ("zoe", 1)
    assert one.brought_at == datetime(2024, 5, 31, 10, tzinfo=UTC)


def test_what_is_not_said_or_null_is_nothing() -> None:
    [one] = lines({"customer_id": "ana", "codes": None, "balances": None, "brought_by": None})
    assert isinstance(one, Belongings)
    assert one == Belongings(one.told)


def test_blank_lines_and_a_byte_order_mark_are_passed_over() -> None:
    found = lines(b"\xef\xbb\xbf", b"", b'{"customer_id": "ana"}\n')
    assert [one.told.row for one in found if isinstance(one, Belongings)] == [3]
    assert len(lines(b'\xef\xbb\xbf{"customer_id": "ana"}')) == 1


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"customer_id": "a", "codes": "ANA10"}, "codes"),
        ({"customer_id": "a", "codes": ["x"] * (MOST_CODES + 1)}, "codes"),
        ({"customer_id": "a", "codes": [5]}, "codes"),
        ({"customer_id": "a", "channel": ""}, "channel"),
        ({"customer_id": "a", "channel": 5}, "channel"),
        ({"customer_id": "a", "brought_by": ".."}, "brought_by"),
        ({"customer_id": "a", "brought_at": "2024-05-31"}, "brought_by"),
        ({"customer_id": "a", "rewarded_orders": 1}, "brought_by"),
        ({"customer_id": "a", "brought_by": "b", "brought_at": "yesterday"}, "brought_at"),
        ({"customer_id": "a", "brought_by": "b", "rewarded_orders": -1}, "rewarded_orders"),
        ({"customer_id": "a", "brought_by": "b", "rewarded_orders": True}, "rewarded_orders"),
        ({"customer_id": "a", "balances": {"EUR": 5}}, "balances"),
        ({"customer_id": "a", "balances": [5]}, "balances"),
        ({"customer_id": "a", "balances": [{"currency": "EUR"}]}, "balances"),
        ({"customer_id": "a", "balances": [{**ONE_EURO, "amount": 1.5}]}, "balances"),
        ({"customer_id": "a", "balances": [{**ONE_EURO, "amount": True}]}, "balances"),
        ({"customer_id": "a", "balances": [{**ONE_EURO, "amount": 0}]}, "balances"),
        ({"customer_id": "a", "balances": [{**ONE_EURO, "currency": "XXX"}]}, "balances"),
        ({"customer_id": "a", "balances": [{**ONE_EURO, "currency": 5}]}, "balances"),
        ({"customer_id": "a", "balances": [ONE_EURO, ONE_EURO]}, "balances"),
        ({"customer_id": "a", "points": 5}, "points"),
        ({"customer_id": "a", "email": "nobody"}, "email"),
        ({"email": "ana@example.com"}, "customer_id"),
        ({}, "customer_id"),
        ([1], None),
        (b"{", None),
        ("x".encode("utf-16"), None),
    ],
)
def test_what_is_wrong_is_named_and_the_next_line_is_read(members: Any, field: str | None) -> None:
    assert faults(members, {"customer_id": "b"}) == [(1, field)]
    assert len(lines(members, {"customer_id": "b"})) == 2
