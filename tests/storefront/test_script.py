"""The script for shops' pages, and the offer that it may show, as HTTP gives them."""

import base64
import gzip
import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from service.storefront import offers
from service.storefront.pages import NEWEST, SCRIPTS
from tests.shop import Shop

DOCS = Path(__file__).resolve().parents[2] / "docs" / "storefront.md"
MOST_BYTES = 3_000
PUBLISHED: dict[str, str] = {
    "1.0.0": "sha384-0QrXxdjKAsXkqJx6SWBNHIYiNPtstleNfm0GLYYaC3GFyK0f7xSFvVMkRmK+OdiJ",
}
"""version -> the integrity hash that shops have in their pages: what was published never changes."""


def integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def test_what_was_published_never_changes() -> None:
    found = {path.stem.removeprefix("orchard-"): integrity(path.read_bytes()) for path in SCRIPTS.iterdir()}
    assert found == PUBLISHED
    assert list(PUBLISHED)[-1] == NEWEST


def test_the_docs_give_the_integrity_hash_of_the_newest() -> None:
    assert f'integrity="{PUBLISHED[NEWEST]}"' in DOCS.read_text()
    assert f"/orchard-{NEWEST}.js" in DOCS.read_text()


def test_the_script_is_small_and_kept_by_browsers(client: FlaskClient) -> None:
    newest = client.get("/orchard.js", headers={"Accept-Encoding": "gzip, br"})
    assert len(newest.data) < MOST_BYTES
    assert newest.headers["Content-Encoding"] == "gzip"
    assert newest.headers["Cache-Control"] == "public, max-age=3600"
    assert newest.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get("/orchard.js", headers={"Accept-Encoding": "gzip, br", "If-None-Match": newest.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    plain = client.get(f"/orchard-{NEWEST}.js", headers={"Accept-Encoding": ""})
    assert plain.data == gzip.decompress(newest.data)
    assert "immutable" in plain.headers["Cache-Control"]
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("version", ["0.0.0", "1.0.0.js/../x", "..%2f..%2fsetup", "1.0.0%00", ""])
def test_there_are_no_other_versions(client: FlaskClient, version: str) -> None:
    assert client.get(f"/orchard-{version}.js").status_code == 404


def offered(client: FlaskClient, token: str, language: str = "en") -> Any:
    answer = client.get(f"/offers/{token}.json", query_string={"language": language})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def test_the_offer_is_what_the_links_own_page_says(shop: Shop, client: FlaskClient) -> None:
    link = shop.link(shop.program(landing="page"))
    greeted = shop.follow(link)
    token = re.findall(r"referral=([^&#\"]+)", greeted.text)[0]
    title = re.findall(r"<h1>([^<]+)</h1>", greeted.text)[0]
    assert offered(client, token)["title"] == title
    assert offered(client, link["url"].rpartition("/")[2])["title"] == title
    german = offered(client, token, "de-AT")
    assert (german["language"], german["direction"], german["close"]) == ("de", "ltr", "Schließen")


@pytest.mark.parametrize("token", ["x", "a.b", "x" * 2000, "%00", "é", "..", "<script>"])
def test_nothing_is_offered_for_rubbish(client: FlaskClient, token: str) -> None:
    assert offered(client, token)["title"] is None


def test_nothing_is_offered_that_an_order_would_not_be_given(shop: Shop, client: FlaskClient) -> None:
    program = shop.program(attribution_window_days=1)
    link = shop.link(program)
    token = shop.visit(link)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1), tick=False):
        assert offered(client, token)["title"] is None
    for change in ({"friend_reward": None}, {"status": "paused"}, {"status": "ended"}):
        other = shop.program()
        of_other = shop.visit(shop.link(other))
        shop.patch(f"/programs/{other['program_id']}", change)
        assert offered(client, of_other)["title"] is None, change
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    assert offered(client, token)["title"] is None


def test_without_the_database_nothing_is_offered_and_nothing_fails(
    shop: Shop, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = shop.visit(shop.link(shop.program()))

    def away(*_: Any) -> None:
        raise OperationalError("select", {}, Exception("away"))

    monkeypatch.setattr(offers, "look", away)
    assert offered(client, token)["title"] is None
