"""People at the dashboard."""

from collections.abc import Callable

import pytest
from flask import Flask

from service.dashboard.tries import Tries
from tests.dashboard.visitor import Visitor, visitor_of
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """In place of pytest-flask's: each request has a context of its own, as it has on a server."""


@pytest.fixture(autouse=True)
def _fresh_tries(app: Flask) -> None:
    """Nobody has tried anything yet."""
    app.extensions["orchard-tries"] = Tries()


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(app)


@pytest.fixture
def enter(app: Flask) -> Callable[..., Visitor]:
    """Signs somebody in with a key of a shop."""
    return lambda shop, scope="marketing": visitor_of(app, shop, scope)


@pytest.fixture
def marketer(app: Flask, shop: Shop) -> Visitor:
    """Somebody who is signed in with the shop's marketing key."""
    return visitor_of(app, shop)
