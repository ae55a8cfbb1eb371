"""What the generated OpenAPI document needs beyond what the endpoints declare."""

from typing import Any

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from flask_smorest import Api
from marshmallow import fields, validate

from service import currencies
from service.api.fields import PRINTABLE, Currency, Text

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457: what went wrong",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "A stable reference, explained in docs/problems.md"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
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


def document(api: Api) -> str:
    """The document as YAML: every operation with its problems, every reward as one of its two kinds."""
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
    schemas["Reward"] = _one_of_two(schemas["Reward"])
    for operations in contract["paths"].values():
        for name, operation in operations.items():
            if name != "parameters":
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return str(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110))


def _one_of_two(reward: dict[str, Any]) -> dict[str, Any]:
    """A reward is fixed or a percentage; what belongs to the other kind may only be null."""
    kinds = []
    for kind, wanted, optional in (("fixed", "amount", []), ("percent", "rate", ["max_amount"])):
        names = [wanted, *optional, "as"]
        properties = {"type": {"type": "string", "enum": [kind]}} | {name: reward["properties"][name] for name in names}
        kinds.append(
            {
                "type": "object",
                "required": ["type", wanted],
                "properties": properties,
                "additionalProperties": False,
            }
        )
    return {"description": "What one side earns: a fixed amount in minor units, or a percentage", "oneOf": kinds}


def _of_field(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    if isinstance(field, Currency):
        return {"$ref": "#/components/schemas/Currency"}
    if isinstance(field, Text):
        return {"pattern": PRINTABLE}
    for validator in field.validators:
        if isinstance(validator, validate.Regexp):
            return {"pattern": str(validator.regex.pattern).replace(r"\Z", "$")}
    return {}
