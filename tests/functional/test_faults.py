"""Workers that die, and databases that are missing, unmigrated, read-only or down."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
import requests

from tests.functional.conftest import CommandLine
from tests.postgres import PostgreSQL, running
from tests.serving import SECRET, Server, children_of, serving
from tests.shop import Shop, over_network

DEATHS, DEATHS_IN_A_SOAK = 5, 20


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_or_doubled_when_all_workers_are_killed(
    network_shop: Shop, server: Server, orchard: CommandLine, is_soak: bool
) -> None:
    shop, deaths = network_shop, DEATHS_IN_A_SOAK if is_soak else DEATHS
    program = shop.program(friend_reward=None)
    codes = [shop.link(program, f"advocate-{number}")["code"] for number in range(8)]
    acknowledged: dict[str, str] = {}
    over = threading.Event()

    def buy(buyer: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            name = f"{buyer}-{number}"
            while not over.is_set():
                try:
                    order = shop.order(f"f-{name}", order_id=name, referral=codes[buyer])
                    acknowledged[name] = order["conversion_id"]
                    break
                except (requests.RequestException, AssertionError) as error:
                    if "(200," in str(error):  # the answer to the first try was lost with its worker
                        break
                    time.sleep(0.02)

    threads = [threading.Thread(target=buy, args=(buyer,)) for buyer in range(len(codes))]
    for thread in threads:
        thread.start()
    for _ in range(deaths):
        time.sleep(0.35)
        server.kill_workers()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > deaths
    recorded = shop.orders()
    assert {name: recorded[name]["conversion_id"] for name in acknowledged} == acknowledged
    paid = sum(shop.balance(f"advocate-{number}").get("earned_total", 0) for number in range(len(codes)))
    assert paid == 1000 * len(recorded)
    assert "sound" in orchard("ledger", "verify")


def test_a_database_that_was_never_migrated_is_503_and_not_ready(
    backend: str, new_database_url: Callable[[str], str], orchard: CommandLine, folder: Path
) -> None:
    made = orchard.merchant()
    with serving(new_database_url(backend), folder) as server:
        _expect_away(Shop(over_network(server.base_url), made["keys"], made["merchant_id"]), server)
        assert requests.get(f"{server.base_url}/livez", timeout=5).status_code == 200


def test_a_database_that_was_never_there_is_503_and_not_ready(orchard: CommandLine, folder: Path) -> None:
    made = orchard.merchant()
    for url in ("postgresql://postgres:@/nothing?host=/nowhere", "sqlite:////proc/nothing/orchard.db"):
        with serving(url, folder) as server:
            _expect_away(Shop(over_network(server.base_url), made["keys"], made["merchant_id"]), server)


def test_a_database_that_turns_read_only_is_503_for_writers_and_the_friend_still_arrives(
    backend: str, postgres: PostgreSQL, orchard: CommandLine, folder: Path
) -> None:
    with serving(orchard.database_url, folder) as server:
        made = orchard.merchant()
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        link = shop.link(shop.program())
        shop.visit(link)
    name = orchard.database_url.partition("?")[0].rpartition("/")[2]
    read_only = orchard.database_url
    if backend == "postgresql":
        postgres.psql(f"ALTER DATABASE {name} SET default_transaction_read_only = on;")
    else:
        read_only = orchard.database_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    try:
        with serving(read_only, folder, workers=1) as server:
            shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
            assert shop.get("/programs")["data"]
            response = shop.call("POST", "/conversions", ORDER)
            assert (response.status_code, response.headers.get("Retry-After")) == (503, "2"), response.text
            assert shop.visit(link)
    finally:
        if backend == "postgresql":
            postgres.psql(f"ALTER DATABASE {name} RESET default_transaction_read_only;")


def test_a_database_that_goes_down_loses_nothing_and_the_friend_still_arrives(tmp_path: Path) -> None:
    with running() as postgres:
        orchard = CommandLine(postgres.url(postgres.create()), tmp_path)
        orchard("db", "upgrade")
        made = orchard.merchant()
        with serving(orchard.database_url, tmp_path) as server:
            shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
            link = shop.link(shop.program())
            by_code = {**link, "url": link["short_url"]}
            shop.visit(by_code)
            postgres.stop()
            _expect_away(shop, server)
            referrals = [shop.visit(way) for way in (link, by_code) for _ in range(6)]
            assert len(set(referrals)) == 12
            assert shop.follow({"url": f"{link['short_url']}X"}).status_code == 503
            postgres.start()
            deadline = time.monotonic() + 10
            while shop.call("GET", "/programs").status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert shop.order(referral=referrals[0])["status"] == "attributed"
            assert [shop.order()["status"] for _ in range(16)] == ["unattributed"] * 16
            assert shop.visit(link)
        assert "sound" in orchard("ledger", "verify")


def test_a_process_that_finds_one_connection_dead_lets_go_of_all_of_them(tmp_path: Path) -> None:
    with running() as postgres:
        orchard = CommandLine(postgres.url(postgres.create()), tmp_path)
        orchard("db", "upgrade")
        made = orchard.merchant()
        with serving(orchard.database_url, tmp_path, workers=1) as server:
            shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
            shop.program()
            postgres.stop()
            assert requests.get(f"{server.base_url}/readyz", timeout=10).status_code == 503
            postgres.start()
            assert shop.order()["status"] == "unattributed"


def test_old_links_live_on_when_keys_are_rotated(orchard: CommandLine, folder: Path) -> None:
    made = orchard.merchant()
    with serving(orchard.database_url, folder) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        link = shop.link(shop.program())
        referral = shop.visit(link)
        body = {"order_id": "o", "amount": 1, "currency": "EUR", "customer": {"customer_id": "b"}, "referral": referral}
        assert shop.call("POST", "/conversions", body).status_code == 201
    rotated = f"{SECRET},another-secret-that-is-long-enough-0000"
    with serving(orchard.database_url, folder, ORCHARD_SECRET_KEYS=rotated) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        assert shop.visit(link)
        assert shop.order(referral=link["url"].rpartition("/")[2])["status"] == "attributed"
        assert shop.call("POST", "/conversions", body).status_code == 200
        assert shop.link({"program_id": link["program_id"]})["url"] != link["url"]


ORDER = {"order_id": "o", "amount": 1, "currency": "EUR", "customer": {"customer_id": "ben"}}


def _expect_away(shop: Shop, server: Server) -> None:
    for response in (shop.call("POST", "/conversions", ORDER), shop.call("GET", "/programs")):
        assert response.status_code == 503, response.text
        assert response.headers["Retry-After"]
        assert response.headers["Content-Type"] == "application/problem+json"
    assert requests.get(f"{server.base_url}/readyz", timeout=10).status_code == 503


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"ZZ\r\n", 400),
        (b"5\r\n{", 400),
        (b"f4246\r\n" + b'{"a":1,' + b" " * 999_999 + b"\r\n8\r\nGARBAGE!\r\n0\r\n\r\n", 413),
    ],
)
def test_a_chunked_body_is_read_whole_or_refused(
    network_shop: Shop, server: Server, chunks: bytes, status: int
) -> None:
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    head = (
        f"POST /v1/conversions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {network_shop.keys['checkout']}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096).decode()
    assert answer.startswith(f"HTTP/1.1 {status} "), answer


def test_what_kubernetes_puts_beside_a_service_called_orchard_is_no_setting(tmp_path: Path) -> None:
    command = CommandLine(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    said = command(
        "db",
        "upgrade",
        ORCHARD_PORT="tcp://10.0.0.1:80",
        ORCHARD_SERVICE_HOST="10.0.0.1",
        ORCHARD_PORT_80_TCP_ADDR="10.0.0.1",
    )
    assert "version" in said


@pytest.mark.parametrize(
    ("environment", "faults"),
    [
        ({"ORCHARD_ENV": "production", "ORCHARD_SECRET_KEYS": ""}, ["ORCHARD_SECRET_KEYS", "ORCHARD_BASE_URL"]),
        ({"ORCHARD_SECRET_KEYS": "short", "ORCHARD_LOG_FORMAT": "x"}, ["ORCHARD_SECRET_KEYS", "ORCHARD_LOG_FORMAT"]),
        ({"ORCHARD_DATABASE_URL": "mysql://x", "ORCHARD_ENV": "prod"}, ["ORCHARD_DATABASE_URL", "ORCHARD_ENV"]),
        ({"ORCHARD_DATABASE_URL": "postgresql://shop:S3CRET@h:x/y"}, ["is not a URL of a database"]),
        (
            {"ORCHARD_DATABASE_URL": "sqlite:///", "ORCHARD_BASE_URL": "http://h:99999"},
            ["must name a file", "BASE_URL"],
        ),
        ({"ORCHARD_BASE_URL": "http://a b"}, ["ORCHARD_BASE_URL"]),
        (
            {"ORCHARD_BASEURL": "https://a", "ORCHARD_X": "1"},
            ["did you mean ORCHARD_BASE_URL?", "ORCHARD_X: there"],
        ),
        ({"ORCHARD_BASE_URL": "https://a:b@c/?d", "ORCHARD_TRUSTED_PROXIES": "-1"}, ["BASE_URL", "TRUSTED_PROXIES"]),
    ],
)
def test_bad_settings_stop_the_start_with_one_line_that_lists_every_fault(
    tmp_path: Path, environment: dict[str, str], faults: list[str]
) -> None:
    command = CommandLine("sqlite:///x.db", tmp_path)
    for arguments in (["serve"], ["db", "upgrade"]):
        said = command(*arguments, status=1, **environment)
        assert len(said.strip().splitlines()) == 1
        assert all(fault in said for fault in faults)
        assert "S3CRET" not in said


@pytest.mark.parametrize("bind", ["127.0.0.1:99999", "localhost:x", "127.0.0.1:", "8000", ":8000"])
def test_an_address_that_nobody_can_listen_on_is_refused_before_anything_is_served(tmp_path: Path, bind: str) -> None:
    said = CommandLine("sqlite:///x.db", tmp_path)("serve", "--bind", bind, status=2)
    assert "It must be HOST:PORT" in said
    assert "serving" not in said


def test_a_new_gunicorn_takes_over_from_the_old_one(orchard: CommandLine, folder: Path) -> None:
    with serving(orchard.database_url, folder, workers=1) as server:
        workers = set(server.workers())
        server.process.send_signal(signal.SIGUSR2)
        (newcomer,) = _until(lambda: set(server.workers()) - workers)
        try:
            _until(lambda: children_of(newcomer))
            server.process.terminate()
            server.process.wait(15)
            assert requests.get(f"{server.base_url}/readyz", timeout=10).status_code == 200
        finally:
            os.kill(newcomer, signal.SIGTERM)


def _until(look: Callable[[], Collection[int]]) -> Collection[int]:
    """What is seen as soon as anything is."""
    for _ in range(400):
        if seen := look():
            return seen
        time.sleep(0.05)
    raise AssertionError("nothing came")
