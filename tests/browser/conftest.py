"""A service, a shop and a browser for the tests of one file."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from service.database.engine import Database
from service.migrations import schema
from tests.conftest import missing
from tests.functional.conftest import CommandLine
from tests.serving import Server, serving
from tests.shop import Shop, over_network

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service on SQLite."""
    folder = tmp_path_factory.mktemp("browser")
    url = f"sqlite:///{folder / 'orchard.db'}"
    schema.upgrade(Database(url))
    with serving(url, folder, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def web_shop(server: Server) -> Shop:
    """A merchant of the tests of one file."""
    folder = server.log.parent
    made = CommandLine(f"sqlite:///{folder / 'orchard.db'}", folder).merchant("Tea & Sons")
    return Shop(over_network(server.base_url), made["keys"], made["merchant_id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium (in Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()
