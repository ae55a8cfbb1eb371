"""/v1/customers/import: existing customers, in a file of any length."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from marshmallow import fields

from service.customers import importing
from service.customers.files import lines_of, read
from service.errors import ReferralError
from service.merchants import tables as merchants
from service.turns import Turns
from service.web.fields import Strict, Whole
from service.web.files import FileResource
from service.web.rendering import Answer
from service.web.resource import CHECKOUT
from service.web.traffic import Courtesy
from service.web.wiring import wiring

FORMS = {
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
}
resource = FileResource("imports", "Customers from before")
turns = Turns(1)
"""An import keeps a process busy for minutes, and the disk."""


class TooManyImports(ReferralError):
    """One goes on already."""

    def __init__(self) -> None:
        super().__init__("An import goes on already. Try again when it is done.")


class RowFaultOut(Strict):
    """What is wrong with a row. row: the line of the file where it begins, from 1."""

    row = Whole(least=1, required=True)
    field = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)


class ImportOut(Strict):
    """What became of the rows, and what was wrong with the first thousand that were refused."""

    rows = Whole(least=0, required=True)
    created = Whole(least=0, required=True)
    changed = Whole(least=0, required=True)
    unchanged = Whole(least=0, required=True)
    refused = Whole(least=0, required=True)
    faults = fields.List(fields.Nested(RowFaultOut), required=True)
    ignored_columns = fields.List(fields.String(), required=True)


@resource.takes("/customers/import", ImportOut, scopes=CHECKOUT, forms=FORMS)
def import_customers(merchant_id: UUID, form: str, read_some: Callable[[int], bytes]) -> Answer:
    """Make known who was a customer before"""
    database, now = wiring().database, datetime.now(UTC)
    beat: Callable[[], object] = current_app.extensions.get("orchard-heartbeat", lambda: None)
    courtesy = Courtesy()

    def give_way() -> None:
        beat()
        courtesy.give_way()

    with database.reading() as session:
        zone = ZoneInfo(merchants.get(session, merchant_id).time_zone)
    with turns.turn(TooManyImports):
        reading = read(form, lines_of(read_some), zone=zone, now=now)
        tally = importing.take_over(database, merchant_id, reading.rows, now=now, advance=give_way)
    return Answer({**tally.document, "ignored_columns": list(reading.ignored)})
