"""Proof of large books over HTTP: made by the worker, and told until there is a newer one.

Small books are proved while the caller waits. What takes longer than that is asked for, and answered from the last run:
nobody holds a web process for minutes.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.books import audit
from service.books.tables import VerificationRun
from service.database.engine import Database
from service.errors import TryLater
from service.ledger import proof

log = logging.getLogger("orchard.books")
AT_ONCE = 2_000
"""So many transactions are proved while somebody waits: half a second."""

GOOD_FOR = timedelta(minutes=1)
"""A run that is younger is not asked for again."""

ABANDONED_AFTER = timedelta(minutes=5)
"""Who says nothing for so long of a run is taken for dead, and another one begins."""


@dataclass(frozen=True, slots=True)
class Told:
    """A report as the contract has it, and of when it is."""

    document: dict[str, Any]
    verified_at: datetime


def ask(database: Database, merchant_id: UUID, head: str | None, *, now: datetime) -> None:
    """Ask for a run, where the books are large and there is none of late. head: that was kept."""
    with database.reading() as session:
        if not proof.has_more_than(session, merchant_id, AT_ONCE):
            return
        run = session.get(VerificationRun, merchant_id)
        if run is not None and (run.is_asked or (run.head == head and now < run.asked_at + GOOD_FOR)):
            return
    database.write(partial(_ask, merchant_id=merchant_id, head=head, now=now))


def _ask(session: Session, *, merchant_id: UUID, head: str | None, now: datetime) -> None:
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is None:
        run = VerificationRun(merchant_id=merchant_id, looked_at=0, touched_at=now)
        session.add(run)
    if not run.is_asked:
        run.is_asked, run.asked_at, run.wanted_head, run.looked_at = True, now, head, 0


def tell(session: Session, merchant_id: UUID, head: str | None, *, now: datetime) -> Told:
    """What there is to tell: of small books as they are now, of large ones from the last run with this head.

    Raises TryLater where there is none yet.
    """
    if not proof.has_more_than(session, merchant_id, AT_ONCE):
        return Told(audit.document(audit.verify(session, merchant_id, expected_head=_head(head))), now)
    run = session.get(VerificationRun, merchant_id)
    if run is None or run.report is None or run.verified_at is None or run.head != head:
        looked_at = run.looked_at if run else 0
        raise TryLater(f"The books are large and are being verified: {looked_at} transactions were looked at so far.")
    return Told(run.report, run.verified_at)


def verify_asked(database: Database, now: datetime) -> int:
    """Make the runs that were asked for, one after another. Brings nobody up to date: 0.

    On connections of its own, which may take as long as they need.
    """
    with database.reading() as session:
        asked = VerificationRun.asked(session, abandoned_before=now - ABANDONED_AFTER)
    if asked:
        own = Database(database.engine.url.render_as_string(hide_password=False), patient=True)
        try:
            for merchant_id in asked:
                _run(own, merchant_id)
        finally:
            own.dispose()
    return 0


def _run(database: Database, merchant_id: UUID) -> None:
    now = datetime.now(UTC)
    run = database.write(partial(_claim, merchant_id=merchant_id, now=now))
    if run is None:
        return
    told = partial(_tell_progress, database, merchant_id) if not database.is_sqlite else None
    try:
        with database.reading() as session:
            report = audit.verify(session, merchant_id, expected_head=_head(run.wanted_head), told=told)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.error("the books of %s could not be verified: %s", merchant_id, type(error.orig).__name__)
        return
    document, head = audit.document(report), run.wanted_head
    finish = partial(_finish, merchant_id=merchant_id, document=document, head=head, verified_at=now)
    database.write(finish)
    log.info("verified %s: %d problems", merchant_id, len(report.problems))


def _claim(session: Session, *, merchant_id: UUID, now: datetime) -> VerificationRun | None:
    """The run, which is this process's now; None where another one was quicker."""
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is None or not run.is_asked or (run.is_running and run.touched_at > now - ABANDONED_AFTER):
        return None
    run.is_running, run.touched_at = True, now
    return run


def _tell_progress(database: Database, merchant_id: UUID, looked_at: int) -> None:
    """So that who waits is told. Not on SQLite, where nobody writes while somebody reads."""

    def write(session: Session) -> None:
        run = session.get_one(VerificationRun, merchant_id)
        run.looked_at, run.touched_at = looked_at, datetime.now(UTC)

    database.write(write)


def _finish(
    session: Session, *, merchant_id: UUID, document: dict[str, Any], head: str | None, verified_at: datetime
) -> None:
    run = session.get_one(VerificationRun, merchant_id)
    run.report, run.head, run.verified_at = document, head, verified_at
    run.is_asked = run.is_running = False


def _head(text: str | None) -> proof.Head | None:
    return proof.head_of(text) if text else None
