"""What the generated OpenAPI document needs beyond what the endpoints declare."""

from collections.abc import Callable, Sequence
from typing import Any

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from flask_smorest import Api
from marshmallow import fields, validate

from service import currencies
from service.values import LONGEST_KEY, LONGEST_METADATA, MOST_KEYS
from service.web.fields import PRINTABLE, Bound, Currency, CurrencyCode, Day, Text
from service.web.optional import Metadata, Optional
from service.web.rendering import ProblemDocument

WITHOUT_NUL = r"^[^\x00]*$"
"""No JSON of ours holds the character U+0000."""

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457: what went wrong",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "A stable reference, explained in docs/problems.md"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "Finds the request in the log; the answer's X-Request-Id"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Where, such as customer.email"},
                    "code": {"type": "string", "description": "What kind of fault, such as required"},
                    "message": {"type": "string", "description": "What is wrong, and how to mend it"},
                },
            },
        },
    },
}


def describe(api: Api) -> None:
    """Tell the generator of our security and of our kinds of values."""
    api.spec.components.security_scheme(
        "key", {"type": "http", "scheme": "bearer", "description": "A key of the shop: `ok_<scope>_...`"}
    )
    plugin = next(plugin for plugin in api.spec.plugins if isinstance(plugin, MarshmallowPlugin))
    if plugin.converter is not None:
        plugin.converter.add_attribute_function(_of_field)  # type: ignore[no-untyped-call]


def document(api: Api, amendments: Sequence[Callable[[dict[str, Any]], None]]) -> str:
    """The document as YAML: every operation with its problems.

    amendments: say of the schemas what marshmallow cannot.
    """
    contract = api.spec.to_dict()
    contract["components"]["responses"] = {
        "Problem": {
            "description": "A problem",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    schemas = contract["components"]["schemas"]
    del schemas["Error"]
    schemas["Problem"] = _PROBLEM
    schemas["Currency"] = {"type": "string", "description": "ISO 4217", "enum": currencies.known()}
    for amend in amendments:
        amend(schemas)
    for operations in contract["paths"].values():
        for name, operation in operations.items():
            if name != "parameters":
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return str(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110))


def _of_names(field: fields.Dict) -> dict[str, Any]:
    """What the names of an open object may be, and of metadata its texts; or that it is a problem."""
    if isinstance(field, ProblemDocument):
        return {"anyOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]}
    if not isinstance(field, Metadata):
        return {"propertyNames": {"pattern": WITHOUT_NUL}} if field.key_field is not None else {}
    text = {"type": "string", "maxLength": LONGEST_METADATA, "pattern": WITHOUT_NUL}
    names = {"minLength": 1, "maxLength": LONGEST_KEY, "pattern": WITHOUT_NUL}
    return {"maxProperties": MOST_KEYS, "propertyNames": names, "additionalProperties": text}


def _of_field(_converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    if isinstance(field, Currency):
        return {"$ref": "#/components/schemas/Currency"}
    if isinstance(field, Day):
        return {"format": "date", "description": "A day of the merchant's"}
    if isinstance(field, Bound):
        return {"format": "date", "description": "A day of the merchant's, or a time (RFC 3339)"}
    if isinstance(field, CurrencyCode):
        return {"pattern": "^[A-Z]{3}$"}
    if isinstance(field, fields.Dict):
        return _of_names(field)
    if isinstance(field, Optional):
        return {"description": "What cannot be used is left out, and named in the answer's warnings."}
    if isinstance(field, Text):
        return {"pattern": PRINTABLE}
    for validator in field.validators:
        if isinstance(validator, validate.Regexp):
            return {"pattern": str(validator.regex.pattern).replace(r"\Z", "$")}
    return {}
