"""What an order may be is the same over HTTP and in a file."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.conversions import replay
from service.database.engine import Database
from service.ids import new_id
from service.tokens import TokenSigner
from tests.shop import Shop

NOW = datetime.now(UTC)
GOOD = {
    "order_id": "",
    "customer_id": "ben",
    "amount_minor": "5000",
    "currency": "EUR",
    "first_name": "Ben",
    "ordered_at": "2026-03-01T09:30:00Z",
}
CASES: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"ordered_at": (NOW + timedelta(hours=5)).isoformat()}, True),
    ({"ordered_at": (NOW + timedelta(hours=25)).isoformat()}, False),
    ({"ordered_at": "1970-01-01T00:00:00+00:00"}, True),
    ({"ordered_at": "1970-01-01T00:00:00+01:00"}, False),
    ({"ordered_at": "1969-12-31T23:59:59Z"}, False),
    ({"first_name": "Jean\u00a0Luc"}, True),
    ({"first_name": "\u0646\u200c\u0646"}, True),
    ({"first_name": "a\u2028b"}, True),
    ({"first_name": "x" * 80}, True),
    ({"first_name": "x" * 81}, True),
    ({"first_name": "a\x07b"}, True),
    ({"customer_id": "\u00a0"}, False),
    ({"customer_id": "gid://shop/Customer/7"}, True),
    ({"customer_id": ".."}, False),
    ({"order_id": "."}, False),
    ({"customer_id": " ben "}, True),
    ({"customer_id": "c" * 255}, True),
    ({"customer_id": "c" * 256}, False),
    ({"order_id": " "}, False),
    ({"order_id": "o" * 256}, False),
    ({"amount_minor": "0"}, True),
    ({"amount_minor": str(10**15)}, True),
    ({"amount_minor": str(10**15 + 1)}, False),
    ({"discount_amount_minor": "500", "eligible_amount_minor": "5500"}, True),
    ({"discount_amount_minor": str(10**15 + 1)}, False),
    ({"amount_minor": str(10**15), "discount_amount_minor": "1"}, False),
    ({"eligible_amount_minor": "0"}, True),
    ({"eligible_amount_minor": str(10**15 + 1)}, False),
    ({"currency": "XYZ"}, False),
    ({"currency": "JPY"}, True),
]


@pytest.mark.parametrize(("changed", "is_order"), CASES)
def test_an_order_may_be_the_same_over_http_and_in_a_file(
    shop: Shop, database: Database, signer: TokenSigner, tmp_path: Path, changed: dict[str, str], is_order: bool
) -> None:
    assert taken_over_http(shop, {**GOOD, "order_id": f"http-{new_id()}", **changed}) is is_order
    in_file = {**GOOD, "order_id": f"file-{new_id()}", **changed}
    assert taken_from_a_file(shop, database, signer, tmp_path / "orders.csv", in_file) is is_order


def taken_over_http(shop: Shop, order: dict[str, str]) -> bool:
    body: dict[str, Any] = {
        "order_id": order["order_id"],
        "amount": int(order["amount_minor"]),
        "currency": order["currency"],
        "customer": {"customer_id": order["customer_id"], "first_name": order["first_name"]},
        "ordered_at": order["ordered_at"],
    }
    for name in ("discount_amount", "eligible_amount"):
        if f"{name}_minor" in order:
            body[name] = int(order[f"{name}_minor"])
    response = shop.call("POST", "/conversions", body)
    assert response.status_code in (201, 422), response.text
    return bool(response.status_code == 201)


def taken_from_a_file(shop: Shop, database: Database, signer: TokenSigner, path: Path, order: dict[str, str]) -> bool:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, list(order))
        rows.writeheader()
        rows.writerow(order)
    source = replay.Source(shop.merchant_id, None, "EUR")
    tally = replay.replay(database, signer, str(path), source, advance=lambda _: None)
    assert tally.new + len(tally.faults) == 1
    return tally.new == 1
