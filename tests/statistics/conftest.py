"""What tests of the numbers share: a shop in any time zone, and rounds of the worker."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from service import worker
from service.database.engine import Database
from service.merchants import keys
from tests.shop import Shop


@pytest.fixture
def shop_in(new_shop: Callable[[], Shop], database: Database) -> Callable[[str], Shop]:
    """Makes a merchant whose days are those of a zone."""

    def make(zone: str) -> Shop:
        shop = new_shop()
        database.write(lambda session: keys.change_merchant(session, shop.merchant_id, time_zone=zone))
        return shop

    return make


@pytest.fixture
def work(database: Database) -> Callable[[], None]:
    """One round of the worker."""

    def once() -> None:
        worker.round_of_upkeep(database, now=datetime.now(UTC))

    return once


def stats(shop: Shop, path: str, **more: Any) -> Any:
    """What marketing is told."""
    return shop.get(f"/stats/{path}", scope="marketing", **more)


def money(shop: Shop, query: str = "", currency: str = "EUR") -> dict[str, Any]:
    """The summary's amounts of a currency."""
    found = stats(shop, f"summary{query}")["money"]
    return next((of for of in found if of["currency"] == currency), {})
