"""Exports from the running service, and from the command line: slow readers, many at once, runs that are stopped."""

import csv
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from service.database.engine import Database
from service.statistics.api.exports import AT_ONCE
from tests.functional.conftest import ORCHARD, CommandLine
from tests.serving import Server, serving
from tests.shop import Shop, over_network

ORDERS = 1_500


@pytest.fixture(scope="module")
def orchard(migrated_database_url: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(migrated_database_url("postgresql"), tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def server(orchard: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(orchard.database_url, tmp_path_factory.mktemp("serving")) as running:
        yield running


@pytest.fixture(scope="module")
def shop(orchard: CommandLine, server: Server) -> Shop:
    """A shop with more customers than a socket's buffers take at once."""
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    code = shop.link(shop.program())["code"]
    shop.order("ben", referral=code)
    database = Database(orchard.database_url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO customer (merchant_id, customer_id, owner_id, first_name, created_at)"
            " SELECT merchant_id, 'c-' || n || repeat('x', 200), gen_random_uuid(), 'Ana', now()"
            f" FROM merchant CROSS JOIN generate_series(1, {40 * ORDERS}) n WHERE merchant_id = '{shop.merchant_id}'"
        )
    database.dispose()
    return shop


def test_a_reader_of_one_byte_a_second_and_a_hundred_at_once_harm_nobody(server: Server, shop: Shop) -> None:
    address = urlsplit(server.base_url)
    slow = socket.create_connection((str(address.hostname), address.port or 80))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    key = shop.keys["marketing"]
    slow.sendall(f"GET /v1/exports/customers.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    assert slow.recv(1) == b"H"

    def take(_: int) -> tuple[int, str | None]:
        answer = shop.call("GET", "/exports/conversions.csv", scope="marketing")
        return answer.status_code, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(take, range(100)))
    assert set(answers) <= {(200, None), (429, "2")}
    assert (429, "2") in answers or AT_ONCE > 1
    for number in range(5):
        shop.order(f"meanwhile-{number}")
        slow.recv(1)
    slow.close()
    until = time.monotonic() + 30
    while shop.call("GET", "/exports/conversions.csv", scope="marketing").status_code == 429:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_download_that_is_cut_off_can_be_told_from_a_whole_one(server: Server, shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.keys['marketing']}"}
    with requests.get(
        f"{server.base_url}/v1/exports/customers.csv", headers=headers, stream=True, timeout=60
    ) as answer:
        some = next(answer.iter_content(100_000))
    assert b"# end " not in some
    while (whole := shop.call("GET", "/exports/customers.csv", scope="marketing")).status_code == 429:
        time.sleep(0.2)
    last = next(iter(csv.reader(whole.text.splitlines()[-1:])))[0]
    assert json.loads(last.removeprefix("# end "))["rows"] > 40 * ORDERS


def test_the_command_line_writes_the_same_file_with_a_progress_bar(
    orchard: CommandLine, shop: Shop, tmp_path: Path
) -> None:
    for form in ("csv", "jsonl", "xlsx", "parquet"):
        orchard("export", "rewards", "--format", form, "--output", str(tmp_path / f"r.{form}"))
        assert (tmp_path / f"r.{form}").stat().st_size > 100
    over_http = shop.call("GET", "/exports/rewards.csv", scope="marketing").text.splitlines()
    assert (tmp_path / "r.csv").read_text().splitlines()[:-1] == over_http[:-1]
    assert orchard("export", "rewards", "--format", "csv", "--columns", "reward_id").splitlines()[0] == "reward_id"
    assert "are as the books have them" in orchard("ledger", "reconcile", str(tmp_path / "r.csv"))
    assert "totals mended" in orchard("stats", "rebuild")


def test_an_edited_file_is_named_with_exit_code_1(orchard: CommandLine, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    orchard("export", "ledger", "--format", "csv", "--output", str(file))
    file.write_text(file.read_text().replace(",1000,10.00,", ",999,9.99,", 1))
    said = orchard("ledger", "reconcile", str(file), status=1)
    assert "amount is 999 for 1000" in said


def test_a_run_that_is_stopped_leaves_nothing_behind(orchard: CommandLine, shop: Shop, tmp_path: Path) -> None:
    # A shell that runs tests in the background has them ignore SIGINT, and so would what they start.
    command = ["env", "--default-signal=INT", str(ORCHARD), "export", "customers", "--format", "xlsx"]
    command += ["--output", str(tmp_path / "c.xlsx")]
    environment = {**os.environ, "ORCHARD_DATABASE_URL": orchard.database_url}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) != 0
    assert list(tmp_path.iterdir()) == []
