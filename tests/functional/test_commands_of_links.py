"""Brands, slugs and link domains by the command line, seen by who comes over the network."""

import json
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from service.commands import main
from tests.functional.conftest import CommandLine
from tests.serving import SECRET, Server
from tests.shop import BROWSER, Shop, over_network

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 10"><path d="M0 0h30v10z" fill="#7a1f5c"/></svg>'


class InProcess:
    """The command line without a process for each command."""

    def __init__(self, orchard: CommandLine) -> None:
        self.folder = orchard.folder
        self._environment = {"ORCHARD_DATABASE_URL": orchard.database_url, "ORCHARD_SECRET_KEYS": SECRET}

    def __call__(self, *arguments: str, status: int = 0) -> str:
        done = CliRunner(env=self._environment).invoke(main, arguments)
        assert done.exit_code == status, done.output
        return done.output


@pytest.fixture
def run(orchard: CommandLine) -> InProcess:
    """As above, on the database of the server."""
    return InProcess(orchard)


@pytest.fixture
def one(orchard: CommandLine, server: Server) -> Shop:
    """A merchant of one test."""
    made = orchard.merchant("Tea & more")
    return Shop(over_network(server.base_url), made["keys"], made["merchant_id"])


def get(address: str, **headers: str) -> Any:
    sent = {"User-Agent": BROWSER, "Accept-Language": "en", **headers}
    return requests.get(address, headers=sent, timeout=60, allow_redirects=False)


def test_a_merchant_gets_a_slug_of_its_own_and_old_ones_go_on(run: InProcess, server: Server, one: Shop) -> None:
    link = one.link(one.program())
    slug = link["short_url"].split("/")[-2]
    assert slug.startswith("tea-and-more")
    assert slug in run("merchant", "list")
    new = f"teas-{one.merchant_id.hex[-8:]}"
    run("merchant", "change", "--slug", new, "--merchant", str(one.merchant_id))
    changed = one.get(f"/links/{link['link_id']}")["short_url"]
    assert changed.split("/")[-2] == new
    for address in (link["short_url"], changed):
        path = "/c/" + address.partition("/c/")[2]
        assert get(server.base_url + path).status_code == 302
    other = json.loads(run("merchant", "create", "Tea & more", "--currency", "EUR", "--json"))
    assert other["slug"] not in (slug, new)
    said = run("merchant", "change", "--slug", new, "--merchant", other["merchant_id"], status=1)
    assert "belongs to another shop" in said
    assert "small letters" in run("merchant", "create", "x", "--currency", "EUR", "--slug", "A b", status=1)


def test_a_brand_is_changed_and_taken_away(run: InProcess, server: Server, one: Shop) -> None:
    program = one.program(landing="page")
    link = one.link(program)
    logo = run.folder / "logo.svg"
    logo.write_text(SVG)
    of = ("--merchant", str(one.merchant_id))
    told = ("--name", "Teas", "--accent", "#7a1f5c", "--imprint-url", "https://shop.example/imprint")
    run("brand", *told, "--logo", str(logo), *of)
    run("brand", "--program", program["program_id"], "--name", "Friends of tea", *of)
    page = get(server.base_url + "/r/" + link["url"].partition("/r/")[2]).text
    assert "at Friends of tea" in page
    assert 'class="logo"' in page
    assert "https://shop.example/imprint" in page
    run("brand", "--logo", "", "--name", "", *of)
    assert (one.get("/brand")["logo_url"], one.get("/brand")["name"]) == (None, None)
    assert one.get("/brand")["accent"] == "#7a1f5c"
    for wrong, said in ((("--accent", "#ffd400"), "would do"), (("--logo", "nowhere.png"), "cannot be read")):
        assert said in run("brand", *wrong, *of, status=1)


def test_an_operators_word_makes_a_link_domain(run: InProcess, server: Server, one: Shop) -> None:
    program = one.program()
    of = ("--merchant", str(one.merchant_id), "--program", program["program_id"])
    assert "no link domain" in run("link-domain", "verify", *of, status=1)
    host = f"{one.merchant_id.hex[-12:]}.shop.invalid"
    one.put(f"/programs/{program['program_id']}/link-domain", {"host": host})
    assert f"_orchard.{host} TXT orchard=" in run("link-domain", "verify", *of, status=1)
    assert f"{host} is the shop's" in run("link-domain", "verify", "--take-my-word", *of)
    link = one.link(program)
    assert link["url"].startswith(f"https://{host}/r/")
    path = "/r/" + link["url"].partition("/r/")[2]
    assert get(server.base_url + path, Host=host).status_code == 302
    run("link-domain", "remove", *of)
    assert host not in one.link(program)["url"]
