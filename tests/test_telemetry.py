"""What is logged is enough for an operator and says nothing of a person."""

import json
from pathlib import Path

import requests

from service.database.engine import Database
from service.migrations import schema
from tests.functional.conftest import CommandLine
from tests.serving import serving
from tests.shop import Shop, over_network


def test_requests_are_logged_as_json_without_names_tokens_or_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orchard.db'}"
    schema.upgrade(Database(url))
    made = CommandLine(url, tmp_path).merchant()
    with serving(url, tmp_path, workers=1) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        link = shop.link(
            shop.program(), "secret-customer", customer={"first_name": "Zenobia", "email": "z@example.com"}
        )
        referral = shop.visit(link)
        shop.order("secret-friend", referral=referral, customer={"first_name": "Balthasar"})
        shop.get("/customers/secret-customer/balance")
        shop.get("/conversions?customer_id=secret-customer")
        shop.follow({"url": "/r/broken-token"})
        assert requests.get(f"{server.base_url}/readyz", timeout=5).status_code == 200
        log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requested = [line for line in lines if line["event"] == "request"]
    assert {"POST /v1/conversions 201", "GET /v1/customers/<string:customer_id>/balance 200"} <= {
        f"{line['method']} {line['route']} {line['status']}" for line in requested
    }
    assert all({"request_id", "milliseconds", "timestamp", "level"} <= line.keys() for line in requested)
    personal = ["Zenobia", "Balthasar", "example.com", "secret-", "broken-token", referral, *made["keys"].values()]
    assert [word for word in personal if word in log] == []
