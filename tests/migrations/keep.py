"""Keeps a database as this release leaves it, for later ones to upgrade: `python -m tests.migrations.keep`.

To be run once, when a migration lands; what is kept is not changed afterwards.
"""

import json
import os
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service import worker
from service.app import create_app
from service.database.engine import Database
from service.database.release import HEAD
from service.merchants import keys
from service.migrations import schema
from service.settings import Settings
from tests.serving import SECRET
from tests.shop import TEN_PERCENT, Shop

RELEASES = Path(__file__).parent / "releases"


def main() -> None:
    """Write what a shop's life leaves in a database of SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orchard.db"
        os.chdir(folder)
        _live(f"sqlite:///{path}")
        kept = _kept(path)
    (RELEASES / f"{HEAD}.json").write_text(json.dumps(kept, separators=(",", ":")))


def _live(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    app, now = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0)), datetime.now(UTC)
    merchant, made = database.write(lambda s: keys.create_merchant(s, "Acme", "EUR", now=now))
    shop = Shop(app.test_client().open, made, merchant.merchant_id)
    program = shop.program(rewarded_orders=None, friend_reward={**TEN_PERCENT, "as": "discount"})
    link, other = shop.link(program), shop.link(shop.program(hold_days=14), "cleo")
    mailbox = {"email": "gus@friend.example", "first_name": "Gus"}
    given_back = shop.order("ben", referral=link["code"])
    shop.order("ben")
    voided = shop.order("dan", referral=other["code"])
    amended = shop.order("fay", referral=link["code"])
    shop.order("gus", referral=shop.visit(link), customer=mailbox)
    shop.order("gus2", customer=mailbox)
    shop.refund(given_back, 1000, "r1")
    shop.post(f"/conversions/{voided['conversion_id']}/void", {"reason": "cancelled"}, status=200)
    shop.post(f"/conversions/{amended['conversion_id']}/amendments", {"amendment_id": "a1", "amount": 6000})
    spent = f"/redemptions/{shop.reserve('ana', 300)['redemption_id']}"
    shop.post(f"{spent}/capture", {}, status=200)
    shop.post(f"{spent}/returns", {"return_id": "b1", "amount": 100})
    shop.reserve("ana", 50)
    goodwill = {"customer_id": "ana", "direction": "credit", "amount": 70, "currency": "EUR", "note": "sorry"}
    shop.post("/ledger/adjustments", goodwill)
    shop.patch(f"/programs/{program['program_id']}", {"hold_days": 3})
    shop.patch("/brand", {"name": "Acme Teas", "accent": "#7A1F5C"})
    shop.post("/customers/ana/share-page", {"program_id": program["program_id"]})
    shop.post("/customers/ana/merge", {"from": "cleo"}, status=200)
    shop.call("DELETE", "/customers/fay")
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    database.dispose()
    app.extensions["orchard"].database.dispose()


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    """table -> its columns and rows, of those that have any."""
    connection, kept = sqlite3.connect(path), {}
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('alembic_version') ORDER BY name"
    for (name,) in connection.execute(names).fetchall():
        cursor = connection.execute(f"SELECT * FROM {name}")
        rows = [[value.hex() if isinstance(value, bytes) else value for value in row] for row in cursor.fetchall()]
        if rows:
            kept[name] = {"columns": [column[0] for column in cursor.description], "rows": rows}
    connection.close()
    return kept


if __name__ == "__main__":
    main()
