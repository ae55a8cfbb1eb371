"""/v1/exports: datasets as files, in a stream."""

import hashlib
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from flask import Response, current_app, request
from marshmallow import fields
from sqlalchemy import text
from sqlalchemy.orm import Session

from service import __version__, processors
from service.database.engine import Database
from service.errors import ReferralError
from service.events import events
from service.statistics.exports import parquet, workbooks
from service.statistics.exports.columns import DATASETS
from service.statistics.exports.exporting import Export
from service.statistics.exports.requests import Asked
from service.statistics.exports.text import PIECE_BYTES, csv_pieces, json_pieces
from service.turns import Turns
from service.web.fields import Day, QueryFlag, Strict
from service.web.files import FileResource
from service.web.resource import MARKETING
from service.web.traffic import Courtesy
from service.web.wiring import Wiring, wiring

AT_ONCE = max(1, processors.count() // 2)
"""An export keeps a process busy, of which there is one more than there are cores."""

SEND_SECONDS = 30
"""In which a reader must take a piece: who reads a byte a second must not keep a process for ever."""

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
CHANGES_WITH_TIME = frozenset({"rewards", "redemptions"})
CHANGES_WITH_EVENTS = CHANGES_WITH_TIME | {"conversions", "refunds", "ledger"}
"""The others change with what is no event: visits, and what people are called."""

resource = FileResource("exports", "Rows of every kind, as files for people, for programs and for spreadsheets")
turns = Turns(AT_ONCE)


class TooManyExports(ReferralError):
    """As many exports go on as may."""

    def __init__(self) -> None:
        super().__init__(f"{AT_ONCE} exports go on at once, and no more. Try again when one of them is done.")


@dataclass(frozen=True, slots=True)
class Request(Asked):
    """The same, and whether a CSV begins with a byte order mark: Excel takes one without for Latin-1."""

    bom: bool = False


class ExportQuery(Strict):
    """Which days (of the merchant's time zone), of which program, and which columns, with commas between them."""

    makes = Request

    since = Day(data_key="from", load_default=None)
    until = Day(data_key="to", load_default=None)
    program_id = fields.UUID(load_default=None)
    columns = fields.String(load_default=None)
    bom = QueryFlag(load_default=False)


@resource.streams(
    "/exports/<string:dataset>.<string:format>",
    scopes=MARKETING,
    query=ExportQuery,
    media_types=[kind.partition(";")[0] for kind in MEDIA_TYPES.values()],
    choices={"dataset": list(DATASETS), "format": list(MEDIA_TYPES)},
)
def export(merchant_id: UUID, asked: Request, dataset: str, format: str) -> Response:
    """Take rows away as a file"""
    if format == "parquet":
        parquet.refuse_missing()
    wired, now = wiring(), datetime.now(UTC)
    with wired.database.reading() as session:
        by_events = dataset in CHANGES_WITH_EVENTS
        version = events.state(session, merchant_id) if by_events else wired.database.version()
        prepared = asked.prepared(session, merchant_id, dataset, wired.time_zone(merchant_id), now=now)
    headers = {"ETag": f'W/"{_etag(prepared, format, version, bom=asked.bom)}"', "Cache-Control": "private, no-cache"}
    if request.if_none_match.contains_weak(headers["ETag"][3:-1]):
        return Response(status=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{_name(prepared)}.{format}"'
    pieces = _begun(_streamed(wired, prepared, format, bom=asked.bom))
    return Response(pieces, content_type=MEDIA_TYPES[format], headers=headers)


def _name(prepared: Export) -> str:
    first, end = prepared.days
    return "_".join([prepared.dataset, *([f"from_{first}"] if first else []), *([f"to_{end}"] if end else [])])


def _etag(prepared: Export, form: str, version: str, *, bom: bool) -> str:
    """What differs wherever the file may: by what is asked, by what was written since, and where time changes it."""
    wanted = prepared.wanted
    minute = wanted.now.replace(second=0, microsecond=0) if prepared.dataset in CHANGES_WITH_TIME else ""
    names = [column.name for column in prepared.columns]
    rows = (wanted.merchant_id, prepared.dataset, wanted.since, wanted.until, wanted.program_id)
    asked = (*rows, names, form, bom)
    return hashlib.sha256(repr((asked, version, minute, __version__)).encode()).hexdigest()[:32]


def _begun(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """The same, after its first piece is there: what is wrong by then is still answered as a problem."""
    first = next(pieces)

    def rest() -> Iterator[bytes]:
        try:
            yield first
            yield from pieces
        finally:
            pieces.close()

    return rest()


def _streamed(wired: Wiring, prepared: Export, form: str, *, bom: bool) -> Generator[bytes, None, None]:
    """The file in pieces, from one snapshot of the database, in a turn of its own. Raises TooManyExports."""
    beat: Callable[[], object] = current_app.extensions.get("orchard-heartbeat", lambda: None)
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SEND_SECONDS)
    courtesy = Courtesy()

    def give_way() -> None:
        beat()
        courtesy.give_way()

    made_some = beat if wired.database.is_sqlite else give_way  # where a reader keeps writers waiting, no pause is kind
    with turns.turn(TooManyExports):
        for piece in _pieces(wired.database, prepared, form, bom=bom, made_some=made_some):
            give_way()
            yield piece
            courtesy.resume()


def _pieces(
    database: Database, prepared: Export, form: str, *, bom: bool, made_some: Callable[[], object]
) -> Iterator[bytes]:
    """While text is read from PostgreSQL its snapshot stays. Anything else is whole before the first piece is sent:
    a file that is made at its end, and on SQLite, where a reader keeps writers waiting, every file.

    made_some: called now and then while a file is made that is made at its end.
    """
    if form in TEXTS and not database.is_sqlite:
        with database.reading() as session:
            _take_its_time(session, prepared)
            yield from TEXTS[form](session, prepared, bom)
        return
    with tempfile.TemporaryFile() as file:
        with database.reading() as session:
            _take_its_time(session, prepared)
            if form in TEXTS:
                file.writelines(TEXTS[form](session, prepared, bom))
            else:
                write = workbooks.write if form == "xlsx" else parquet.write
                write(session, prepared, file, advance=lambda _: made_some())
        yield from workbooks.pieces(file, size=PIECE_BYTES)


TEXTS: dict[str, Callable[[Session, Export, bool], Iterator[bytes]]] = {
    "csv": lambda session, prepared, bom: csv_pieces(session, prepared, bom=bom),
    "jsonl": lambda session, prepared, _: json_pieces(session, prepared),
}


def _take_its_time(session: Session, prepared: Export) -> None:
    """On PostgreSQL: as long as the reader needs, in one process, and by plans for reading much.

    What is of all days is read in the order of its index, so the first rows come at once; of some days, those days'
    rows are sorted.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        session.execute(text("SET LOCAL enable_seqscan = on"))
        session.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        if prepared.period is None:
            session.execute(text("SET LOCAL enable_sort = off"))
