"""What a customer's page and a browser's quote cost, beside a bare Flask view in the same run."""

import statistics
import time
from pathlib import Path

import requests

from service.database.engine import Database
from service.migrations import schema
from tests.bench.loads import PROXIED, bare_flask, compare, median, round_of
from tests.functional.conftest import CommandLine
from tests.postgres import PostgreSQL
from tests.serving import serving
from tests.shop import Shop, over_network

FRIENDS = 1000
LOOKS = 200
SITE = "https://shop.example"


def bench_sharing(postgres: PostgreSQL, folder: Path, workers: int) -> None:
    """Measure and print."""
    url = postgres.engine_url(postgres.create())
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    orchard = CommandLine(url, folder)
    made = orchard.merchant("Bench")
    public = orchard("key", "create", "--scope", "public").strip()
    with serving(url, folder, workers=workers, **PROXIED) as server, bare_flask(folder, workers) as bare:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        program = shop.program(tiers=[{"from_referral": 2000, "advocate_reward": {"type": "fixed", "amount": 1500}}])
        link = shop.link(program)
        for _ in range(FRIENDS):
            shop.order(referral=link["code"], customer={"first_name": "Gus"})
        page = shop.post("/customers/ana/share-page", {"program_id": program["program_id"]})["url"]
        bare_view = f"{bare.base_url}/r/x"
        limit, ours = _first_byte(bare_view), _first_byte(page)
        print(f"a customer's page, {FRIENDS} friends   first byte {ours:6.2f} ms   bare Flask {limit:6.2f} ms")
        print(f"{'':30} ratio {ours / limit:.1f}, wanted below 3: {'yes' if ours < 3 * limit else 'NO'}")
        print(f"{'':30} {len(requests.get(page, timeout=10).content)} bytes\n", flush=True)
        given = {"BENCH_KEY": public, "BENCH_TOKEN": shop.visit(link), "BENCH_ORIGIN": SITE}
        redirects = median(lambda: round_of(bare.base_url, "follow", {**given, "BENCH_TOKENS": _tokens(folder)}))
        quotes = median(lambda: round_of(server.base_url, "quote", given))
    compare("quotes of browsers, PostgreSQL", quotes, "bare Flask redirect", redirects.per_second, wanted=0.3)


def _first_byte(address: str) -> float:
    """Milliseconds until an answer begins, one after the other: the median."""
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        answer = requests.get(address, stream=True, timeout=10, allow_redirects=False)
        took.append((time.perf_counter() - began) * 1000)
        _ = answer.content  # what is not waited for is still worked off, beside the next one
    return statistics.median(took)


def _tokens(folder: Path) -> str:
    """A file with one token, for the bare view."""
    path = folder / "token"
    path.write_text("x\n")
    return str(path)
