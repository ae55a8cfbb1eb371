"""Looking at a page: what it asks for, what goes wrong in it, and what it looks like."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"phone": (375, 667), "desktop": (1280, 800)}


def faults(page: Page) -> list[Any]:
    """What axe finds."""
    found: list[Any] = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return found


def watch(page: Page) -> tuple[set[str], list[str]]:
    """The hosts that the page asks, and the errors in its console, as they come."""
    hosts: set[str] = set()
    errors: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc) if request.url[:4] == "http" else None)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return hosts, errors


def keep(page: Page, name: str) -> None:
    """Keep a screenshot, where somebody wants them."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
