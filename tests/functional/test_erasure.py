"""Somebody who left traces everywhere is erased: nothing tells of them any more, and the books verify."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, inspect, text

from tests.functional.conftest import CommandLine
from tests.serving import Server
from tests.shop import Shop

PERSON = "ziffer-4711"
TRACES = (
    PERSON,
    "zaubertrude",
    "Zaubertrude",
    "ZAUBERTRUDE",
    "trudes.postfach",
    "TRUDEL-CODE",
    "TRUDEICODE",
    "spurwort",
)
"""Her id, her name in any spelling, her mailbox, her code as it is said and as it is matched, and every text."""

DATASETS = ("visits", "conversions", "refunds", "rewards", "redemptions", "advocates", "customers", "ledger")
BOT = {"User-Agent": "facebookexternalhit/1.1"}


def leave_traces(shop: Shop, base_url: str) -> dict[str, Any]:
    """Let her be an advocate, a friend and a customer, with words of the shop and its staff at every turn."""
    program = shop.program(landing="page", rewarded_orders=2, hold_days=0, allowed_hosts=["shop.example"])
    told = {"first_name": "Zaubertrude", "email": "trudes.postfach@example.com"}
    shop.put(f"/customers/{PERSON}", {**told, "metadata": {"k": "spurwort-customer"}}, status=201)
    her = shop.link(
        program,
        PERSON,
        customer=told,
        destination_url="https://shop.example/spurwort-ziel",
        metadata={"k": "spurwort-link"},
    )
    shop.patch(f"/links/{her['link_id']}", {"code": "Trudel-Code"})
    shop.follow(her)
    page = requests.get(her["url"], headers=BOT, timeout=60)
    image = page.text.split('property="og:image" content="')[1].split('"')[0]
    assert requests.get(image, headers=BOT, timeout=60).status_code == 200
    shop.post(
        f"/customers/{PERSON}/share-page",
        {"program_id": program["program_id"], "return_url": "https://shop.example/spurwort-zurueck"},
    )
    ana = shop.link(program, "ana")
    ordered: dict[str, Any] = {"customer": told, "metadata": {"k": "spurwort-order"}}
    first = shop.order(PERSON, order_id="hers-1", referral=ana["code"], **ordered)
    shop.refund(first, 1000, "refund-1")
    shop.order("ben", order_id="bens-1", referral="TRUDEL CODE")
    shop.order("ben", order_id="bens-2", referral=ana["code"])
    shop.order("cleo", order_id="cleos-1", referral=ana["code"])
    shop.order("cleo", order_id="cleos-2", referral="trudelcode")  # noted alone: Ana brought her
    unreferred = shop.order(PERSON, order_id="hers-2", **ordered)
    shop.post(
        f"/conversions/{unreferred['conversion_id']}/void", {"reason": "other", "note": "spurwort-void"}, status=200
    )
    shop.order("dan", order_id="dans-0")
    dan = shop.order("dan", order_id="dans-1")
    late = {"referral": "trudelcode", "note": "Zaubertrude: spurwort-spaet", "overrule": ["existing_customer"]}
    shop.post(f"/conversions/{dan['conversion_id']}/attribution", late, status=200)
    eve = shop.order("eve", order_id="eves-1", referral=her["url"])
    denied = next(reward for reward in eve["rewards"] if reward["side"] == "advocate")
    shop.post(f"/rewards/{denied['reward_id']}/deny", {"note": "spurwort-review"}, status=200)
    body = {"customer_id": PERSON, "direction": "credit", "amount": 700, "currency": "EUR", "note": "spurwort-goodwill"}
    shop.post("/ledger/adjustments", body, Idempotency_Key="a-key")
    spent = shop.post(
        "/redemptions",
        {"customer_id": PERSON, "amount": 500, "currency": "EUR", "metadata": {"k": "spurwort-redemption"}},
        Idempotency_Key="another-key",
    )
    shop.post(f"/redemptions/{spent['redemption_id']}/capture", status=200)
    shop.post(f"/redemptions/{spent['redemption_id']}/returns", {"return_id": "back", "amount": 100})
    shop.reserve(PERSON, 300)
    for dataset in DATASETS:
        assert shop.call("GET", f"/exports/{dataset}.xlsx", scope="marketing").status_code == 200
    return her


def told_by(orchard: CommandLine, folder: Path) -> Iterator[tuple[str, bytes]]:
    """(where, what) of all that is kept: each row of each table, the database's files, logs and local state."""
    engine = create_engine(orchard.database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {name}")):
                yield f"table {name}", repr(tuple(row)).encode()
    engine.dispose()
    files = list(folder.rglob("*"))
    if orchard.database_url.startswith("sqlite"):
        path = Path(orchard.database_url.removeprefix("sqlite:///"))
        files += path.parent.glob(f"{path.name}*")
    for file in files:
        if file.is_file():
            yield str(file), file.read_bytes()


def traces_in(place: str, content: bytes) -> Iterator[str]:
    for trace in TRACES:
        for encoded in (trace.encode(), trace.encode("utf-16-le")):
            if encoded in content:
                yield f"{trace} in {place}"


def numbers(shop: Shop) -> Any:
    """What marketing and accountants see, which an erasure leaves as it is."""
    summary = shop.get("/stats/summary", scope="marketing")
    ranking = shop.get("/stats/advocates?sort=friends", scope="marketing")["data"]
    return (
        {name: value for name, value in summary.items() if name not in ("from", "to")},
        sorted((one["friends"], one["net_lifetime_value"], one["rewards"]) for one in ranking),
        shop.get("/ledger/trial-balance"),
        shop.get("/stats/cohorts", scope="marketing"),
    )


@pytest.fixture
def erased(orchard: CommandLine, server: Server, network_shop: Shop) -> dict[str, Any]:
    """She left her traces, and all of them were there to be found."""
    return leave_traces(network_shop, server.base_url)


def test_nothing_tells_of_who_was_erased_and_the_books_and_numbers_stay(
    orchard: CommandLine, server: Server, network_shop: Shop, folder: Path, erased: dict[str, Any]
) -> None:
    shop = network_shop
    orchard("worker", "--once")
    before, journal = numbers(shop), orchard("ledger", "export", "--format", "hledger", *merchant(shop))
    found = {trace for place, content in told_by(orchard, folder) for trace in traces_in(place, content)}
    assert {trace.split(" ")[0] for trace in found} >= set(TRACES) - {"zaubertrude"}

    receipt = shop._expect(shop.call("DELETE", f"/customers/{PERSON}?balance=keep"), 200)
    assert receipt["balance"] == "keep"
    assert [one["currency"] for one in receipt["balances"]] == ["EUR"]
    orchard("worker", "--once")
    assert numbers(shop) == before
    assert orchard("ledger", "export", "--format", "hledger", *merchant(shop)) == journal
    checkpoint(orchard)

    left = {trace for place, content in told_by(orchard, folder) for trace in traces_in(place, content)}
    assert left == set()
    for dataset in DATASETS:
        for form in ("csv", "jsonl"):
            answer = shop.call("GET", f"/exports/{dataset}.{form}", scope="marketing")
            assert set(traces_in(dataset, answer.content)) == set()
    for path in ("/customers", "/links", "/conversions", "/rewards", "/redemptions", "/ledger/adjustments"):
        assert set(traces_in(path, shop.call("GET", f"{path}?limit=200").content)) == set()
    assert json.loads(orchard("ledger", "verify", "--json", *merchant(shop)))[0]["ok"]
    assert shop.get("/ledger/verification")["problems"] == []
    assert shop._expect(shop.call("DELETE", f"/customers/{PERSON}"), 200) == receipt


def merchant(shop: Shop) -> tuple[str, str]:
    return ("--merchant", str(shop.merchant_id))


def checkpoint(orchard: CommandLine) -> None:
    """The worker's last words may stand in SQLite's journal still, which its next checkpoint clears."""
    if orchard.database_url.startswith("sqlite"):
        connection = sqlite3.connect(orchard.database_url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
