"""What PostgreSQL is to believe of tables that it has not looked at yet.

Every index leads with the merchant, so to a planner without statistics, to which any column narrows a table down to a
two-hundredth, one of them looks as good as another: a plan made then may read all that a merchant has to find one row,
and prepared statements keep their plans. So it is told what is safe to believe. The merchant, the program and the
advocate narrow nothing down, which is so where there is one of them. What is unique together with the merchant, and
what is of one order or customer, narrows down to a row: or each look-up would seem to find a two-hundredth of the
table, and a few of them in one statement so much that reading all of a table looked cheap. The rest it finds out as
soon as it looks.
"""

from typing import Any

from sqlalchemy import Connection, text

TELLS = 180_000
"""The first version of PostgreSQL that can be told. Earlier ones find out when they look, at 50 rows or `ANALYZE`."""

LOVED = ("merchant_id", "program_id", "advocate_id")
"""What all rows of a table may have in common: one merchant, one program, one advocate whose link is everywhere."""
OWN = ("customer_id", "friend_id", "conversion_id")
"""What few rows have in common: those of one order, or of one of many customers."""

_UNKNOWN = text(
    "SELECT n.nspname AS schema, c.relname AS table, a.attname AS column,"
    " CASE WHEN a.attname = ANY (:loved) THEN 1 ELSE -1 END AS distinct FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
    " WHERE c.relkind = 'r' AND n.nspname = current_schema() AND (a.attname = ANY (:loved) OR a.attname = ANY (:own)"
    " OR EXISTS (SELECT FROM pg_index AS i JOIN pg_attribute AS m ON m.attrelid = c.oid AND m.attnum = i.indkey[0]"
    " WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 2"
    " AND m.attname = 'merchant_id' AND i.indkey[1] = a.attnum"
    ")) AND NOT EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid AND s.staattnum = a.attnum)"
)
_TELL = text(
    "SELECT pg_restore_attribute_stats('schemaname', CAST(:schema AS text), 'relname', CAST(:table AS text),"
    " 'attname', CAST(:column AS text), 'inherited', false,"
    " 'null_frac', CAST(0 AS real), 'avg_width', 16, 'n_distinct', CAST(:distinct AS real))"
)


def assume(connection: Connection) -> None:
    """Say it of every column of which nothing is known. Again changes nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.server_version < TELLS:
        return
    for row in connection.execute(_UNKNOWN, {"loved": list(LOVED), "own": list(OWN)}).all():
        connection.execute(_TELL, dict(row._mapping))
