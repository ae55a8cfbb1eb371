"""Proof of large books over HTTP: made by the worker, and told until there is a newer one.

Small books are proved while the caller waits. What takes longer than that is asked for, and answered from the last run:
nobody holds a web process for minutes.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.books import audit
from service.books.tables import VerificationRun
from service.database.engine import Database
from service.errors import TryLater
from service.ids import new_id
from service.ledger import proof

log = logging.getLogger("orchard.books")
AT_ONCE = 2_000
"""So many transactions are proved while somebody waits: half a second."""

GOOD_FOR = timedelta(minutes=1)
"""A proof that was finished so lately is not asked for again."""

ABANDONED_AFTER = timedelta(minutes=1)
"""Who says nothing for so long of a run is taken for dead, and another one begins."""

BEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Told:
    """A report as the contract has it, and of when it is."""

    document: dict[str, Any]
    verified_at: datetime


def ask(database: Database, merchant_id: UUID, *, now: datetime) -> None:
    """Ask for a run, where the books are large and there is none of late."""
    with database.reading() as session:
        if not proof.has_more_than(session, merchant_id, AT_ONCE):
            return
        run = session.get(VerificationRun, merchant_id)
        if run is not None and (run.is_asked or now < run.touched_at + GOOD_FOR):
            return
    database.write(partial(_ask, merchant_id=merchant_id, now=now))


def _ask(session: Session, *, merchant_id: UUID, now: datetime) -> None:
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is None:
        run = VerificationRun(merchant_id=merchant_id, is_asked=False, touched_at=now)
        session.add(run)
    if not run.is_asked:
        run.is_asked, run.asked_at, run.looked_at = True, now, 0


def tell(session: Session, merchant_id: UUID, head: proof.Head | None, *, now: datetime) -> Told:
    """What there is to tell: of small books as they are now, of large ones from the last run.

    head: that was kept: it must be part of the chain as it stands. Raises TryLater before the first run.
    """
    if not proof.has_more_than(session, merchant_id, AT_ONCE):
        return Told(audit.document(audit.verify(session, merchant_id, expected_head=head)), now)
    run = session.get(VerificationRun, merchant_id)
    if run is None or run.report is None or run.verified_at is None:
        looked_at = run.looked_at if run else 0
        raise TryLater(f"The books are large and are being verified: {looked_at} transactions were looked at so far.")
    fault = proof.kept_head_fault(session, merchant_id, head) if head else None
    problems = [*run.report["problems"], *([fault] if fault else [])]
    return Told({**run.report, "ok": not problems, "problems": problems}, run.verified_at)


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
    """One run. One that fails is tried again once it is taken for abandoned."""
    now, run_id = datetime.now(UTC), new_id()
    if not database.write(partial(_claim, merchant_id=merchant_id, run_id=run_id, now=now)):
        return
    try:
        with database.reading() as session:
            books = proof.Verification(session, merchant_id)
            with _heartbeat(database, books, merchant_id, run_id):
                report = audit.report(session, merchant_id, books)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.error("the books of %s could not be verified: %s", merchant_id, type(error.orig).__name__)
        return
    document = audit.document(report)
    finish = partial(_finish, merchant_id=merchant_id, document=document, verified_at=now)
    if database.write(finish):
        log.info("verified %s: %d problems", merchant_id, len(report.problems))


def _claim(session: Session, *, merchant_id: UUID, run_id: UUID, now: datetime) -> bool:
    """Whether the run is this process's now: another one may have been quicker."""
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is None or not run.is_asked or (run.run_id and run.touched_at > now - ABANDONED_AFTER):
        return False
    run.run_id, run.touched_at = run_id, now
    return True


@contextmanager
def _heartbeat(database: Database, books: proof.Verification, merchant_id: UUID, run_id: UUID) -> Iterator[None]:
    """Tell now and then how far it is. Not on SQLite, where nobody writes while somebody reads."""
    is_over = Event()

    def beat() -> None:
        with suppress(DBAPIError):  # who cannot be heard of is taken for dead
            while not is_over.wait(BEAT_SECONDS):
                touch = partial(_touch, merchant_id=merchant_id, run_id=run_id, looked_at=books.transactions)
                database.write(touch)

    heart = Thread(target=beat, daemon=True)
    if not database.is_sqlite:
        heart.start()
    try:
        yield
    finally:
        is_over.set()
        if heart.ident is not None:
            heart.join()


def _touch(session: Session, *, merchant_id: UUID, run_id: UUID, looked_at: int) -> None:
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is not None and run.run_id == run_id:
        run.looked_at, run.touched_at = looked_at, datetime.now(UTC)


def _finish(session: Session, *, merchant_id: UUID, document: dict[str, Any], verified_at: datetime) -> bool:
    """Whether it is newer than what is there: who was taken for dead may come after another one."""
    run = session.get(VerificationRun, merchant_id, with_for_update=True)
    if run is None or (run.verified_at and run.verified_at >= verified_at):
        return False
    run.report, run.verified_at, run.touched_at = document, verified_at, datetime.now(UTC)
    run.is_asked, run.run_id = False, None
    return True
