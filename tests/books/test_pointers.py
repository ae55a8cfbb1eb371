"""What was deleted behind our back is missed by what belonged to it, sealed or not; books are found from the books."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from service.books import pointers
from service.database.engine import Database
from service.database.tables import Base
from tests.books.test_records import found, found_after
from tests.functional.conftest import CommandLine
from tests.shop import Shop
from tests.test_health import new_shop_of, of


@pytest.fixture
def ids(shop: Shop) -> dict[str, str]:
    """A row of each kind that others belong to: table -> its id. Nothing is sealed."""
    program = shop.program(hold_days=0)
    link = shop.link(program)
    order = shop.order("ben", referral=link["code"])
    refund = shop.refund(order, 100, "r-1")
    shop.post(f"/conversions/{order['conversion_id']}/refunds/r-1/reverse", status=200)
    redemption = shop.reserve("ana", 10)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "b", "amount": 1})
    assert refund["refund_id"] == "r-1"
    return {
        "merchant": str(shop.merchant_id),
        "program": program["program_id"],
        "link": link["link_id"],
        "conversion": order["conversion_id"],
        "reward": order["rewards"][0]["reward_id"],
        "redemption": redemption["redemption_id"],
    }


@pytest.mark.parametrize(
    ("table", "missed_by"),
    [
        ("merchant", "customer ana belongs to a merchant"),
        ("program", "belongs to a program"),
        ("link", "belongs to a link"),
        ("conversion", "belongs to a conversion"),
        ("reward", "belongs to a reward"),
        ("redemption", "belongs to a redemption"),
    ],
)
def test_what_is_deleted_is_missed(
    shop: Shop, database: Database, ids: dict[str, str], table: str, missed_by: str
) -> None:
    problems = found_after(shop, database, f"DELETE FROM {table} WHERE {table}_id = :id", ids[table])
    assert any(missed_by in problem and problem.endswith("that is gone") for problem in problems), problems
    assert found(shop, database) == []


def test_what_could_be_missed_is_named_for_a_while_and_no_longer(
    shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pointers, "NAMED", 2)
    for name in ("ana", "ben", "cleo"):
        shop.put(f"/customers/{name}", {"first_name": name}, status=201)
    problems = found_after(shop, database, "DELETE FROM merchant WHERE merchant_id = :id", str(shop.merchant_id))
    assert problems == [f"customer {name} belongs to a merchant that is gone" for name in ("ana", "ben")]


AROUND = {
    *("api_key", "brand", "dashboard_session", "erasure", "idempotency", "link_domain", "link_host", "logo", "mailbox"),
    *("merchant_currency", "record_block", "record_seal", "retention", "share_page", "slug", "verification_run"),
}
"""Tables that belong to something and say nothing of what anybody earned, spent or gave back."""


def test_every_table_about_money_is_looked_at() -> None:
    looked_at = {str(kind.__tablename__) for kind in pointers.KINDS}
    points = {table.name for table in Base.metadata.tables.values() if table.foreign_key_constraints}
    assert points - AROUND == looked_at


def test_books_are_found_from_the_books(
    backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    url = migrated_database_url(backend)
    app = of(url)
    shop, other = new_shop_of(app), new_shop_of(app)
    for one in (shop, other):
        one.order("ben", referral=one.link(one.program())["code"])
    database: Database = app.extensions["orchard"].database
    orchard = CommandLine(url, tmp_path)
    assert "sound" in orchard("ledger", "verify")
    with database.engine.connect() as connection:
        _without_guards(connection, database)
        connection.execute(text("DELETE FROM merchant"))
        connection.commit()
    database.dispose()
    said = orchard("ledger", "verify", status=1)
    for one in (shop, other):
        assert str(one.merchant_id) in said
        assert "belongs to a merchant that is gone" in orchard(
            "ledger", "verify", "--merchant", str(one.merchant_id), status=1
        )


def _without_guards(connection: Any, database: Database) -> None:
    if database.is_sqlite:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    else:
        connection.exec_driver_sql("SET session_replication_role = replica")
