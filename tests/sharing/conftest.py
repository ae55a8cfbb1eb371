"""A customer's page."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.shop import Shop

Open = Callable[..., Any]


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """In place of pytest-flask's: each request has a context of its own, as it has on a server."""


@pytest.fixture
def address(shop: Shop) -> Callable[..., str]:
    """Asks for a customer's page in a program; its path."""

    def ask(program: dict[str, Any], customer: str = "ana", **fields: Any) -> str:
        body = {"program_id": program["program_id"], **fields}
        url = shop.post(f"/customers/{customer}/share-page", body, scope="checkout")["url"]
        return re.sub(r"^https?://[^/]+", "", url)

    return ask
