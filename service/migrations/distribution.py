"""Many machines: on Citus each table is spread by its merchant, so that all that is one shop's is on one machine.

Merchants, and what finds them by an address, are few and hardly ever written, and are on every machine. Migrations go
on as before: a table that one makes is spread with the others. See docs/decisions/0027-many-machines.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.schema import AddConstraint

from service.database.release import HAS_CITUS, is_spread

EVERYWHERE = ("link_host", "merchant", "slug")
BESIDE = "customer"
"""The table beside which the others lie: what is one merchant's is on one machine in all of them."""

_TABLES = text("""
    SELECT c.relname FROM pg_class AS c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> 'alembic_version'
       AND NOT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = c.oid)
     ORDER BY c.relname <> :beside, c.relname
""")
_POINTERS = text("""
    SELECT conrelid::regclass::text AS name, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conparentid = 0
""")
_EVERYWHERE = text("SELECT create_reference_table(:name)")
_BY_MERCHANT = text("SELECT create_distributed_table(:name, 'merchant_id', colocate_with => :beside)")
_SETTINGS = "SET LOCAL citus.enable_unsafe_triggers = on; SET LOCAL citus.multi_shard_modify_mode = 'sequential'"
"""Triggers of ours change nothing on another machine; and what is on every machine is changed in one session."""


class NoCitus(Exception):
    """The database is not one of many machines."""

    def __init__(self) -> None:
        super().__init__("This is no PostgreSQL with Citus: CREATE EXTENSION citus, on each machine, comes first.")


def is_distributed(connection: Connection) -> bool:
    """Whether the tables are spread over machines."""
    return connection.dialect.name == "postgresql" and is_spread(
        lambda query: connection.exec_driver_sql(query).scalar_one()
    )


def tables_to_distribute(connection: Connection) -> list[str]:
    """The names of the tables that are not spread yet. Raises NoCitus."""
    if connection.dialect.name != "postgresql" or not connection.exec_driver_sql(HAS_CITUS).scalar_one():
        raise NoCitus
    return list(connection.execute(_TABLES, {"beside": BESIDE}).scalars())


def distribute(connection: Connection, names: Sequence[str]) -> None:
    """Spread these tables, with their rows, keys and triggers."""
    connection.exec_driver_sql(_SETTINGS)
    # A table that is spread points to none that is not, nor the other way round; so nothing points for this moment.
    pointers = connection.execute(_POINTERS).all()
    for pointer in pointers:
        connection.exec_driver_sql(f"ALTER TABLE {pointer.name} DROP CONSTRAINT {pointer.conname}")
    for name in names:
        _spread(connection, name)
    for pointer in pointers:
        connection.exec_driver_sql(f"ALTER TABLE {pointer.name} ADD CONSTRAINT {pointer.conname} {pointer.definition}")


@contextmanager
def new_tables_distributed(connection: Connection) -> Iterator[None]:
    """Where the tables are spread, so is every table that SQLAlchemy makes meanwhile, before it points to any."""
    if not is_distributed(connection):
        yield
        return
    connection.exec_driver_sql(_SETTINGS)
    event.listen(Table, "before_create", _leave_pointers)
    event.listen(Table, "after_create", _spread_new)
    try:
        yield
    finally:
        event.remove(Table, "before_create", _leave_pointers)
        event.remove(Table, "after_create", _spread_new)


def _spread(connection: Connection, name: str) -> None:
    if name in EVERYWHERE:
        connection.execute(_EVERYWHERE, {"name": name})
    else:
        beside = "none" if name == BESIDE else BESIDE
        connection.execute(_BY_MERCHANT, {"name": name, "beside": beside})


def _leave_pointers(table: Table, _connection: Connection, **_: Any) -> None:
    for pointer in table.foreign_key_constraints:
        pointer.use_alter = True


def _spread_new(table: Table, connection: Connection, **_: Any) -> None:
    _spread(connection, table.name)
    for pointer in table.foreign_key_constraints:
        connection.execute(AddConstraint(pointer))
