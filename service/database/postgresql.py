"""PostgreSQL: how it is connected to, and how long anything there is waited for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event

from service.database import release
from service.database.driver import CheckoutConnection
from service.database.watch import Hanging, Watch, within

OPTIONS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    " -c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"
)
"""Every statement here is a look-up by key: planning it anew, or compiling it, only costs, and a plan that was made
while a table was empty must not go on reading all of it. See docs/decisions/0012-plans-that-stay-right.md."""
RENEWED_AFTER_SECONDS = 600
"""A connection's plans are as old as it is: one that was made amid an `ANALYZE` of empty tables goes with it."""

PATIENT = " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c enable_seqscan=on"
HASTY_SECONDS = 1
"""How long a friend who follows a link waits for a lock, before they go on without a visit."""

ALONE = f" -c synchronous_commit=off -c lock_timeout={HASTY_SECONDS}s"

LINE: Mapping[str, str | int] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""When whoever is at the other end of the network counts as gone."""

CONNECT_SECONDS = 1.5
PATIENT_CONNECT_SECONDS = 10


def opened(url: str, watch: Watch, *, alone: bool, patient: bool, is_fenced: bool) -> Engine:
    """An engine on this database.

    alone: each statement is a transaction of its own, committed asynchronously.
    patient: statements may take as long as they need. is_fenced: whether a release that is too old is refused, and sent
    away by an upgrade; another upgrade is not.
    """
    options = OPTIONS + (PATIENT if patient else "") + (ALONE if alone else "")
    arguments: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None} if alone else {}
    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=5,
        pool_recycle=RENEWED_AFTER_SECONDS,
        hide_parameters=True,
        connect_args={**LINE, "options": options, "application_name": "orchard" if is_fenced else "orchard upgrade"},
        **arguments,
    )
    seconds = PATIENT_CONNECT_SECONDS if patient else CONNECT_SECONDS

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, given: Any, named: Any) -> CheckoutConnection:
        watch.admit()
        connection = _connected(watch, partial(CheckoutConnection.connect, *given, **named), seconds)
        try:
            if is_fenced:
                release.admit(connection)
            release.find_machines(connection)
        except psycopg.Error:
            connection.close()
            raise
        return connection

    @event.listens_for(engine, "checkout")
    def check_out(*_: Any) -> None:
        watch.admit()

    @event.listens_for(engine, "rollback_savepoint")
    def forget(connection: Connection, *_: Any) -> None:
        driver: Any = connection.connection.driver_connection
        driver.forget_part()

    return engine


def _connected(watch: Watch, connect: Callable[[], CheckoutConnection], seconds: float) -> CheckoutConnection:
    """A connection that is watched from its first statement on. Raises Hanging where it takes longer than that."""
    try:
        connection = within(seconds, connect, let_go=CheckoutConnection.close)
    except TimeoutError as error:
        watch.missed()
        raise Hanging from error
    watch.add(connection)
    return connection


def takes_writes(connection: Connection) -> bool:
    """Whether this is no standby, and nobody has said that it may only be read."""
    asked = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
    return bool(connection.exec_driver_sql(asked).scalar_one())


def own(engine: Engine) -> CheckoutConnection:
    """A connection beside the pool, which is no writer's, so that no upgrade waits for it."""
    given, named = engine.dialect.create_connect_args(engine.url)
    options = "-c statement_timeout=1s"
    more: Any = {**named, **LINE, "options": options, "application_name": "orchard watch", "autocommit": True}
    return CheckoutConnection.connect(*given, **more)


def share_losses(engine: Engine, other: Engine) -> None:
    """Where a connection of this engine is found dead, the database went away: what the other has pooled is as dead."""

    @event.listens_for(engine, "handle_error")
    def let_go(context: ExceptionContext) -> None:
        if context.is_disconnect:
            other.dispose()
