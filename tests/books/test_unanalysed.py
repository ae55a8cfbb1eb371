"""What is verified right after a restore, when PostgreSQL has counted nothing yet, is joined by keys all the same.

As a cursor, which is planned for its first rows.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from service.books import audit, upkeep
from service.conversions import conversions
from service.conversions.orders import Order
from service.customers.contacts import Contact
from service.database.engine import Database
from service.tokens import TokenSigner
from tests.database.test_routing import Asked, asked, plan_of
from tests.serving import SECRET
from tests.shop import Shop
from tests.test_health import new_shop_of, of

__all__ = ["asked"]
SIGNER = TokenSigner([SECRET])


def test_nothing_is_compared_with_everything(young: Database, asked: list[Asked]) -> None:
    app = of(young.engine.url.render_as_string(hide_password=False))
    shop = new_shop_of(app)
    code = shop.link(shop.program(friend_reward=None, rewarded_orders=None))["code"]
    app.extensions["orchard"].database.dispose()
    young.write(partial(_report, shop=shop, code=code))
    upkeep.seal_books(young, datetime.now(UTC))
    upkeep.seal_records(young, datetime.now(UTC))
    del asked[:]
    with young.reading() as session:
        assert audit.verify(session, shop.merchant_id).problems == []
    statements = [(text, values) for text, values in asked if text.lstrip().startswith(("SELECT", "WITH"))]
    assert len(statements) > 30
    with young.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for text, values in statements:
            for step in steps(plan_of(driver, f"DECLARE look CURSOR FOR {text}", values)):
                assert "Join Filter" not in step, (text, step)


def _report(session: Session, *, shop: Shop, code: str) -> None:
    now = datetime.now(UTC)
    for number in range(300):
        order = Order(f"o{number}", 5000, "EUR", Contact(f"f{number}"), code, now)
        conversions.record(session, SIGNER, shop.merchant_id, order, now=now)


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)
