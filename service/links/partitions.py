"""On PostgreSQL visits are kept by months: made ahead of their time, and dropped whole when nobody keeps any of one."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

_STRAYED = text("SELECT EXISTS (SELECT 1 FROM visit_rest WHERE hour >= :first AND hour < :following)")
_MADE = text("SELECT to_regclass(:name) IS NOT NULL")


def prepare_partitions(connection: Connection, *, now: datetime, months: int = 4) -> None:
    """On PostgreSQL, make the partitions of this month and the next ones, where they are missing."""
    if connection.dialect.name != "postgresql":
        return
    for ahead in range(months):
        first, following = _month(now, ahead), _month(now, ahead + 1)
        name = f"visit_{first:%Y_%m}"
        if connection.scalar(_MADE, {"name": name}):
            continue  # nothing is written then, also where nothing can be
        if connection.scalar(_STRAYED, {"first": first, "following": following}):
            continue  # visits that came before their partition are well where they are
        bounds = f"FROM ('{first:%Y-%m-%d}+00') TO ('{following:%Y-%m-%d}+00')"
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF visit FOR VALUES {bounds}"))


_MONTHS = text("""
    SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
     WHERE inhparent = 'visit'::regclass AND c.relname ~ '^visit_[0-9]{4}_[0-9]{2}$'
""")


def drop_partitions(connection: Connection, *, before: datetime) -> None:
    """On PostgreSQL, drop the partitions of months that ended by then."""
    if connection.dialect.name != "postgresql":
        return
    for name in connection.scalars(_MONTHS).all():
        _, year, month = name.split("_")
        if _month(datetime(int(year), int(month), 1, tzinfo=UTC), 1) <= before:
            connection.execute(text(f"DROP TABLE {name}"))


def _month(now: datetime, ahead: int) -> datetime:
    years, month = divmod(now.month - 1 + ahead, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC)
