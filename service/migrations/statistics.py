"""What PostgreSQL is to believe of tables that it has not looked at yet.

Every index leads with the merchant, so to a planner without statistics, to which any column narrows a table down to a
two-hundredth, one of them looks as good as another: a plan made then may read all that a merchant has to find one row,
and prepared statements keep their plans. So it is told what is safe to believe. The merchant, the program and the
advocate narrow nothing down, which is so where there is one of them. What is unique together with the merchant narrows
down to a row, and so nearly does the customer of an order: or each look-up would seem to find a two-hundredth of the
table, and a few of them in one statement so much that reading all of a table looked cheap. The rest it finds out as
soon as it looks, and all of it of the months of visits, which are tables of their own.
"""

from typing import Any

from sqlalchemy import Connection, text

TELLS = 180_000
"""The first version of PostgreSQL that can be told. Earlier ones find out when they look, at 50 rows or `ANALYZE`."""

# Whatever of these tables nothing is known of; pg_stats, as pg_statistic is for superusers alone.
_COLUMNS = """
    SELECT n.nspname AS schema, c.relname AS table, a.attname AS column, {distinct} AS distinct
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relkind = 'r' AND n.nspname = current_schema() AND {which} AND NOT EXISTS (
        SELECT FROM pg_stats AS s
        WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
    )
    ORDER BY c.relname, a.attname
"""
_IS_UNIQUE = """
    EXISTS (
        SELECT FROM pg_index AS i
        JOIN pg_attribute AS m ON m.attrelid = c.oid AND m.attnum = i.indkey[0] AND m.attname = 'merchant_id'
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
        AND i.indnkeyatts = 2 AND i.indkey[1] = a.attnum
    )
"""
_IS_FEW = f"((c.relname, a.attname) = ('conversion', 'customer_id') OR {_IS_UNIQUE})"
_IS_SHARED = "a.attname IN ('merchant_id', 'program_id', 'advocate_id')"

_UNKNOWN = (
    text(_COLUMNS.format(distinct=-1, which=_IS_FEW)),  # as many values as rows
    text(_COLUMNS.format(distinct=1, which=_IS_SHARED)),  # one value; not what has just been told that it is unique
)
_TELL = text(
    "SELECT pg_restore_attribute_stats('schemaname', CAST(:schema AS text), 'relname', CAST(:table AS text),"
    " 'attname', CAST(:column AS text), 'inherited', false,"
    " 'null_frac', CAST(0 AS real), 'avg_width', 16, 'n_distinct', CAST(:distinct AS real))"
)


def assume(connection: Connection) -> None:
    """Tell PostgreSQL what to believe of the columns of which it knows nothing. Again changes nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.server_version < TELLS:
        return
    for unknown in _UNKNOWN:
        for row in connection.execute(unknown).all():
            connection.execute(_TELL, dict(row._mapping))
