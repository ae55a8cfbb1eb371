"""Where links led when they were last followed, so that friends arrive while the database is away.

A file beside the service's other local state: shared by the workers of one machine, and there after a restart.
"""

import hashlib
import logging
import os
import sqlite3
import threading
from pathlib import Path
from uuid import UUID

from service.database.sqlite import make_private
from service.links.evidence import LinkEvidence

log = logging.getLogger("orchard.destinations")
MOST_REMEMBERED = 10_000
PATIENCE_SECONDS = 0.2


class Destinations:
    """Remembers destinations, first in the process, then in a file of this folder.

    Where the folder cannot be written, in the process alone.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "destinations.db"
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0

    def remember(self, link_id: UUID, destination_url: str) -> None:
        """Note where the link leads now. Costs nothing while that stays the same."""
        self._note(link_id.hex, destination_url)

    def forget(self, link_id: UUID) -> None:
        """The link leads nowhere any more."""
        self._known.pop(link_id.hex, None)
        self._run("DELETE FROM destination WHERE link = ?", (link_id.hex,))

    def recall(self, link_id: UUID) -> str | None:
        """Where the link led when it was last followed on this machine, if it ever was."""
        return self._noted(link_id.hex)

    def remember_code(self, slug: str, code: str, link: LinkEvidence) -> None:
        """Note whose code this is, as shop and code are folded."""
        self._note(_name_of(slug, code), f"{link.merchant_id.hex} {link.link_id.hex}")

    def recall_code(self, slug: str, code: str) -> LinkEvidence | None:
        """The link that this code was of when it was last followed on this machine, if it ever was."""
        noted = self._noted(_name_of(slug, code))
        if noted is None:
            return None
        merchant_id, link_id = noted.split()
        return LinkEvidence(UUID(merchant_id), UUID(link_id))

    def _note(self, name: str, value: str) -> None:
        if self._known.get(name) == value:
            return
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[name] = value
        self._run("INSERT OR REPLACE INTO destination VALUES (?, ?)", (name, value))

    def _noted(self, name: str) -> str | None:
        known = self._known.get(name)
        if known is not None:
            return known
        rows = self._run("SELECT url FROM destination WHERE link = ?", (name,))
        return rows[0][0] if rows else None

    def _run(self, statement: str, values: tuple[str, ...]) -> list[tuple[str]]:
        try:
            with self._lock:
                return self._open().execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            log.warning("destinations are kept in memory alone: %s", error)
            return []

    def _open(self) -> sqlite3.Connection:
        """This process's connection: one that was made before a fork is the parent's."""
        if self._connection is None or self._opened_by != os.getpid():
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            make_private(self._path)
            connection = sqlite3.connect(
                self._path, timeout=PATIENCE_SECONDS, check_same_thread=False, isolation_level=None
            )
            connection.execute("PRAGMA secure_delete=ON")  # what is forgotten leaves no trace in the file
            connection.execute("PRAGMA synchronous=OFF")  # what is lost is learned again
            connection.execute("CREATE TABLE IF NOT EXISTS destination (link TEXT PRIMARY KEY, url TEXT NOT NULL)")
            self._connection, self._opened_by = connection, os.getpid()
        return self._connection


def _name_of(slug: str, code: str) -> str:
    """What a code is noted under: it may hold somebody's name, which is not to stand here."""
    return hashlib.sha256(f"{slug}/{code}".encode()).hexdigest()
