"""What PostgreSQL is to believe of tables that it has not looked at yet.

Every index leads with the merchant, so to a planner without statistics, to which any column narrows a table down to a
two-hundredth, one of them looks as good as another: a plan made then may read all that a merchant has to find one row,
and prepared statements keep their plans. So it is told that the merchant narrows nothing down. That is so where there
is one; where there are many, it finds out as soon as it looks.
"""

from typing import Any

from sqlalchemy import Connection, text

TELLS = 180_000
"""The first version of PostgreSQL that can be told. Earlier ones find out when they look, at 50 rows or `ANALYZE`."""

_UNKNOWN = text(
    "SELECT n.nspname AS schema, c.relname AS table FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'merchant_id'"
    " WHERE c.relkind = 'r' AND n.nspname = current_schema() AND NOT EXISTS ("
    "SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid AND s.staattnum = a.attnum)"
)
_TELL = text(
    "SELECT pg_restore_attribute_stats('schemaname', CAST(:schema AS text), 'relname', CAST(:table AS text),"
    " 'attname', 'merchant_id', 'inherited', false,"
    " 'null_frac', CAST(0 AS real), 'avg_width', 16, 'n_distinct', CAST(1 AS real))"
)


def assume(connection: Connection) -> None:
    """Say of every table of which nothing is known that the merchant narrows nothing down. Again changes nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.server_version < TELLS:
        return
    for row in connection.execute(_UNKNOWN).all():
        connection.execute(_TELL, {"schema": row.schema, "table": row.table})
