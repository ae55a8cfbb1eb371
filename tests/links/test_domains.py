"""A shop's own host: whose it is, what it serves, and what others get."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import dns.flags
import dns.message
import dns.resolver
import dns.rrset
import pytest
from flask import Flask

from service.app import create_app
from service.database.engine import Database
from service.links import domains
from service.links.domains import LinkHosts
from service.links.hosts import fault_of_host
from service.links.upkeep import ask_for_domains
from service.settings import Settings
from tests.shop import BROWSER, Shop

HOST = "friends.shop.example"
Records = dict[str, list[str]]


class _Server(socketserver.UDPServer):
    """A DNS server with these records."""

    records: Records


class _Dns(socketserver.BaseRequestHandler):
    """Answers with the TXT records that there are."""

    server: _Server

    def handle(self) -> None:
        data, channel = self.request
        asked = dns.message.from_wire(data)
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        name = str(asked.question[0].name).rstrip(".")
        texts = self.server.records.get(name, [])
        if texts:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *(f'"{text}"' for text in texts)))
        channel.sendto(answer.to_wire(), self.client_address)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """What a DNS server says, which is asked as the system's would be."""
    known: Records = {}
    with _Server(("127.0.0.1", 0), _Dns) as server:
        server.records = known
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        yield known
        server.shutdown()


def fetch(shop: Shop, address: str, host: str, **headers: str) -> Any:
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return shop._send(path, method="GET", headers={"User-Agent": BROWSER, "Host": host, **headers})


def named(shop: Shop, program: dict[str, Any], host: str) -> dict[str, Any]:
    path = f"/programs/{program['program_id']}/link-domain"
    found: dict[str, Any] = shop.put(path, {"host": host})
    return found


def verified(shop: Shop, program: dict[str, Any], host: str, database: Database) -> None:
    named(shop, program, host)
    of = shop.merchant_id, UUID(program["program_id"])
    database.write(lambda session: domains.confirm(session, *of, now=datetime.now(UTC)))


@pytest.fixture
def host(shop: Shop) -> str:
    """One that nobody else of these tests has."""
    return f"{shop.merchant_id.hex[-12:]}.shop.example"


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process knows of hosts is asked for again at once."""
    monkeypatch.setattr(domains, "KNOWN_SECONDS", 0)


def test_a_host_is_the_shops_once_its_record_says_so(
    shop: Shop, database: Database, records: Records, host: str
) -> None:
    program = shop.program()
    said = named(shop, program, host.upper() + ".")
    assert (said["host"], said["status"], said["verified_at"]) == (host, "pending", None)
    assert said["record"]["name"] == f"_orchard.{host}"
    now = datetime.now(UTC)
    for text in ([], ["orchard=wrong"], ["v=spf1 -all", said["record"]["value"]]):
        link = shop.link(program)
        assert host not in link["url"] + link["short_url"]
        records[said["record"]["name"]] = text
        now += timedelta(minutes=1)
        ask_for_domains(database, now)
    path = f"/programs/{program['program_id']}/link-domain"
    assert shop.get(path)["status"] == "verified"
    assert shop.put(path, {"host": host}) == shop.get(path)
    link = shop.link(program)
    assert link["url"].startswith(f"https://{host}/r/")
    assert link["short_url"].startswith(f"https://{host}/c/")
    assert shop.get("/links")["data"] == [link]


def test_links_are_followed_there_and_pages_name_it(shop: Shop, database: Database, host: str) -> None:
    program = shop.program(landing="page")
    verified(shop, program, host, database)
    link = shop.link(program)
    for address in (link["url"], link["short_url"]):
        assert "gives you" in fetch(shop, address, host).text
        card = fetch(shop, address, f"{host}:443", **{"User-Agent": "WhatsApp/2"})
        assert f'<meta property="og:image" content="https://{host}/cards/' in card.text
        assert fetch(shop, address, "localhost").status_code == 200
    assert fetch(shop, "/accents/7a1f5c.css", host).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/programs", "/docs", "/dashboard", "/livez", "/metrics", "/openapi.yaml"])
def test_nothing_else_is_served_there(shop: Shop, database: Database, host: str, path: str) -> None:
    verified(shop, shop.program(), host, database)
    assert fetch(shop, path, host).status_code == 404


def test_no_other_programs_links_are_followed_there(
    shop: Shop, new_shop: Callable[[], Shop], database: Database, host: str
) -> None:
    verified(shop, shop.program(), host, database)
    stranger = new_shop()
    for other in (shop.link(shop.program()), stranger.link(stranger.program())):
        for address in (other["url"], other["short_url"]):
            answer = fetch(shop, address, host)
            assert answer.status_code == 404
            assert "https://shop.example/welcome?a=1#top" in answer.text
            assert fetch(shop, address, "localhost").status_code == 302
        token = other["url"].partition("/r/")[2]
        assert fetch(shop, f"/cards/{token}.png", host).status_code == 404
        assert fetch(shop, f"/cards/{token}.png", "localhost").status_code == 200
    for path in ("/r/x.y", f"/c/nobody/{other['code']}", "/c/%00/x", "/c/acme/x"):
        assert 'class="button"' in fetch(shop, path, host).text


def test_a_host_belongs_to_who_showed_it_first_and_a_claim_keeps_it_from_nobody(
    shop: Shop, new_shop: Callable[[], Shop], database: Database, host: str
) -> None:
    squatter, program = new_shop(), shop.program()
    claimed = squatter.program()
    named(squatter, claimed, host)
    verified(shop, program, host, database)
    of_squatter = squatter.merchant_id, UUID(claimed["program_id"])
    with pytest.raises(domains.HostTaken):
        database.write(lambda session: domains.confirm(session, *of_squatter, now=datetime.now(UTC)))
    path = f"/programs/{squatter.program()['program_id']}/link-domain"
    assert squatter.call("PUT", path, {"host": host}).status_code == 409
    squatter.get(f"/programs/{program['program_id']}/link-domain", status=404)


def test_another_host_starts_anew_and_the_old_one_is_let_go(shop: Shop, database: Database, host: str) -> None:
    program = shop.program()
    verified(shop, program, host, database)
    link = shop.link(program)
    said = named(shop, program, f"new.{host}")
    assert said["status"] == "pending"
    assert fetch(shop, link["url"], "localhost").status_code == 302
    assert LinkHosts(database).owner(host) is None
    of = shop.merchant_id, UUID(program["program_id"])
    database.write(lambda session: domains.forget(session, *of))
    shop.get(f"/programs/{program['program_id']}/link-domain", status=404)


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "shop", "a b.example", "-a.example", "1.2.3.4", "é.example", "x" * 201, "a..example", "a/b.c"],
)
def test_what_cannot_be_a_host_is_told(shop: Shop, host: str) -> None:
    path = f"/programs/{shop.program()['program_id']}/link-domain"
    assert shop.call("PUT", path, {"host": host}).status_code == 422


def test_the_services_own_host_is_nobodys() -> None:
    assert fault_of_host("friends.orchard.example", ours="orchard.example")
    assert fault_of_host("orchard.example", ours="orchard.example")
    assert fault_of_host("friends.shop.example", ours="orchard.example") is None


def test_in_production_a_host_that_nobody_has_serves_nothing_to_friends(
    shop: Shop, database: Database, app: Flask
) -> None:
    settings: Settings = app.extensions["orchard"].settings
    link = shop.link(shop.program())
    members = {**_members(settings), "environment": "production", "base_url": "https://orchard.example"}
    strict = create_app(Settings(**members))
    path = urlsplit(link["url"]).path
    for host, status in (("orchard.example", 302), ("evil.example", 404), ("127.0.0.1", 404)):
        answer = strict.test_client().get(path, headers={"User-Agent": BROWSER, "Host": host})
        assert answer.status_code == status, host
    lives = strict.test_client().get("/livez", headers={"Host": "127.0.0.1"})
    assert (lives.status_code, lives.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
    assert "Strict-Transport-Security" not in shop.call("GET", "/links").headers
    strict.extensions["orchard"].database.dispose()


def _members(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_while_the_database_is_away_what_was_known_holds(
    shop: Shop, database: Database, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified(shop, shop.program(), host, database)
    hosts = LinkHosts(database)
    assert hosts.owner(host) is not None
    broken = Database("sqlite:////nowhere/at/all.db")
    monkeypatch.setattr(hosts, "_database", broken)
    assert hosts.owner(host) is not None
    assert hosts.owner("other.example") is None
    monkeypatch.setattr(domains, "MOST_KNOWN", 1)
    assert hosts.owner("other.example") is None
