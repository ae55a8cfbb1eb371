"""What is logged is enough for an operator and says nothing of a person."""

import json
import socket
from pathlib import Path

import requests

from service.database.engine import Database
from service.database.release import HEAD
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
        shop.call("GET", "/programs", scope="checkout")
        shop.call("GET", "/programs", scope="")
        assert requests.get(f"{server.base_url}/readyz", timeout=5).status_code == 200
        _say(server.base_url, f"GET /v1/links HTTP/1.1\r\nAuthorization Bearer {made['keys']['checkout']}\r\n\r\n")
        _say(server.base_url, f"GET /r/{referral}\r\n\r\n")
        log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    requested = [line for line in lines if line["event"] == "request"]
    assert {"POST /v1/conversions 201", "GET /v1/customers/<name:customer_id>/balance 200"} <= {
        f"{line['method']} {line['route']} {line['status']}" for line in requested
    }
    assert all({"request_id", "milliseconds", "timestamp", "level"} <= line.keys() for line in requested)
    [serving_line] = [line for line in lines if line["event"] == "serving"]
    assert serving_line["mode"] == "local"
    assert serving_line["database"] == url
    assert serving_line["database_version"] == HEAD
    assert serving_line["base_url"] == server.base_url
    assert any("Listening at" in line["event"] for line in lines), "gunicorn's own lines are JSON too"
    assert sum(line["event"] == "Invalid request" for line in lines) == 2
    refused = {line["status"]: line for line in requested if line["status"] in (401, 403)}
    assert (refused[403]["problem"], refused[403]["scope"]) == ("scope-missing", "checkout")
    assert refused[403]["key_id"]
    assert refused[403]["merchant_id"] == made["merchant_id"]
    assert (refused[401]["problem"], "key_id" in refused[401]) == ("key-missing", False)
    personal = ["Zenobia", "Balthasar", "example.com", "secret-", "broken-token", referral, *made["keys"].values()]
    assert [word for word in personal if word in log] == []


def _say(base_url: str, head: str) -> None:
    """Send what is no request, and wait until it is refused."""
    with socket.create_connection(("127.0.0.1", int(base_url.rpartition(":")[2])), timeout=5) as connection:
        connection.sendall(head.encode())
        assert b" 400 " in connection.recv(1000)
