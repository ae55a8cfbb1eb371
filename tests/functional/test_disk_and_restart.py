"""A disk that is full and a database that restarts under load: 503, nothing acknowledged is lost, and it goes on."""

import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.functional.conftest import CommandLine
from tests.postgres import PostgreSQL, running
from tests.serving import Server, serving
from tests.shop import Shop, over_network

NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
LONGEST_SECONDS = 5


def order(shop: Shop, name: str, code: str) -> Any:
    """Report an order; the response."""
    body = {"order_id": name, "amount": 5000, "currency": "EUR", "customer": {"customer_id": f"f-{name}"}}
    return shop.call("POST", "/conversions", {**body, "referral": code}, scope="checkout")


def everything_acknowledged_is_there_once(shop: Shop, acknowledged: dict[str, str]) -> None:
    """Each acknowledged order is recorded once, and Ana's rewards are of the orders that are."""
    recorded = {name: conversion["conversion_id"] for name, conversion in shop.orders().items()}
    assert {name: recorded.get(name) for name in acknowledged} == acknowledged
    assert shop.balance("ana")["earned_total"] == 1000 * len(recorded)
    assert shop.get("/ledger/verification")["problems"] == []


def until_it_answers(shop: Shop, code: str) -> float:
    """Seconds until an order is taken again."""
    started = time.monotonic()
    while order(shop, f"again-{time.monotonic_ns()}", code).status_code != 201:
        assert time.monotonic() - started < 2 * LONGEST_SECONDS
        time.sleep(0.05)
    return time.monotonic() - started


def limited(server: Server, most: int | None) -> None:
    """Let no process of the service write a file beyond this size: what a full disk does, without filling one."""
    for process in [server.process.pid, *server.workers()]:
        resource.prlimit(process, resource.RLIMIT_FSIZE, NO_LIMIT if most is None else (most, resource.RLIM_INFINITY))


def test_a_full_disk_is_503_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "orchard.db"
    orchard = CommandLine(f"sqlite:///{file}", tmp_path)
    orchard("db", "upgrade")
    made = orchard.merchant()
    with serving(orchard.database_url, tmp_path) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        code = shop.link(shop.program(friend_reward=None))["code"]
        limited(server, file.stat().st_size + 50_000)
        acknowledged, refused = {}, 0
        for number in range(500):
            response = order(shop, f"o-{number}", code)
            if response.status_code == 201:
                acknowledged[f"o-{number}"] = response.json()["conversion_id"]
            else:
                assert (response.status_code, response.headers.get("Retry-After")) == (503, "2"), response.text
                assert response.headers["Content-Type"] == "application/problem+json"
                refused += 1
            if refused == 10:
                break
        assert refused == 10
        assert acknowledged
        limited(server, None)
        assert until_it_answers(shop, code) < LONGEST_SECONDS
        everything_acknowledged_is_there_once(shop, acknowledged)
    assert "sound" in orchard("ledger", "verify")


def test_a_full_disk_of_postgresql_is_503_and_changes_nothing(postgres: PostgreSQL, tmp_path: Path) -> None:
    name = postgres.create()
    orchard = CommandLine(postgres.url(name), tmp_path)
    orchard("db", "upgrade")
    made = orchard.merchant()
    with serving(orchard.database_url, tmp_path) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        code = shop.link(shop.program(friend_reward=None))["code"]
        acknowledged = {"o": order(shop, "o", code).json()["conversion_id"]}
        postgres.psql(
            f"\\connect {name}\nCREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON posting EXECUTE FUNCTION full_disk();"
        )
        for number in range(3):
            response = order(shop, f"r-{number}", code)
            assert (response.status_code, response.headers.get("Retry-After")) == (503, "2"), response.text
        postgres.psql(f"\\connect {name}\nDROP TRIGGER full_disk ON posting;")
        assert until_it_answers(shop, code) < LONGEST_SECONDS
        everything_acknowledged_is_there_once(shop, acknowledged)


def test_a_database_that_restarts_under_load_loses_nothing_and_is_back_at_once(tmp_path: Path) -> None:
    with running() as postgres:
        orchard = CommandLine(postgres.url(postgres.create()), tmp_path)
        orchard("db", "upgrade")
        made = orchard.merchant()
        with serving(orchard.database_url, tmp_path) as server:
            shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
            code = shop.link(shop.program(friend_reward=None))["code"]
            acknowledged: dict[str, str] = {}
            answers: set[int] = set()
            over = threading.Event()

            def buy(buyer: int) -> None:
                for number in range(100_000):
                    if over.is_set():
                        return
                    name = f"{buyer}-{number}"
                    try:
                        response = order(shop, name, code)
                    except requests.RequestException:
                        continue
                    answers.add(response.status_code)
                    if response.status_code == 201:
                        acknowledged[name] = response.json()["conversion_id"]
                    else:
                        assert response.headers["Retry-After"]
                        time.sleep(0.02)

            with ThreadPoolExecutor(8) as pool:
                buyers = [pool.submit(buy, buyer) for buyer in range(8)]
                back = []
                for _ in range(2):
                    time.sleep(1)
                    postgres.stop()
                    time.sleep(0.5)
                    postgres.start()
                    back.append(until_it_answers(shop, code))
                time.sleep(0.5)
                over.set()
                for buyer in buyers:
                    buyer.result()
            assert max(back) < LONGEST_SECONDS
            assert answers == {201, 503}
            everything_acknowledged_is_there_once(shop, acknowledged)
        assert "sound" in orchard("ledger", "verify")
