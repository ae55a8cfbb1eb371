"""How bodies and queries are parsed: strictly, and with words that say how to mend what is wrong."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from service.values import LONGEST_NAME
from service.web import documents
from service.web.errors import InvalidValues

UNKNOWN_FIELD = "Unknown field."
MOST_FAULTS = 100
"""How many faults of one request are named: as many as somebody may read."""


class StrictParser(FlaskParser):
    """Refuses unknown fields everywhere, and bodies that are not good JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body, as strict as documents.json_of; none at all where none of its fields is needed."""
        if not any(field.required for field in schema.fields.values()) and not documents.body_of(req):
            return {}
        return documents.json_of(req)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **more: Any) -> NoReturn:
        """Say what is wrong with each field."""
        faults: dict[str, str] = {}
        for messages in error.normalized_messages().values():  # type: ignore[no-untyped-call]
            faults.update(_flat("", messages))
        for field, message in faults.items():
            if message == UNKNOWN_FIELD:
                faults[field] = message + _hint(schema, field)
        raise InvalidValues(dict(islice(faults.items(), MOST_FAULTS)))


def parsed(schema: Schema, members: Mapping[str, Any]) -> Any:
    """What these values are by this schema, for who asks from within. Raises InvalidValues."""
    try:
        return schema.load(members)
    except ValidationError as error:
        raise InvalidValues(dict(islice(_flat("", error.messages).items(), MOST_FAULTS))) from None


def _hint(schema: Schema, path: str) -> str:
    """Which field of the same place may have been meant by one that is unknown."""
    *outer, name = path.split(".")
    for step in outer:
        field = schema.fields.get(step)
        if not isinstance(field, fields.Nested):
            return ""
        schema = field.schema
    known = [field.data_key or field_name for field_name, field in schema.fields.items()]
    near = get_close_matches(name[:LONGEST_NAME], known, 1)
    return f" Did you mean {near[0]}?" if near else ""


def _flat(prefix: str, messages: Any) -> dict[str, str]:
    if isinstance(messages, dict):
        flat: dict[str, str] = {}
        for name, inner in messages.items():
            flat.update(_flat(f"{prefix}.{name}" if prefix else str(name), inner))
        return flat
    return {prefix.removesuffix("._schema"): " ".join(str(message) for message in messages)}
