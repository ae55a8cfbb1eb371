"""What the generated OpenAPI document needs beyond what the endpoints declare."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask_smorest import Api
from marshmallow import Schema, fields, validate

from service.api.fields import Currency, Text


class ProblemOut(Schema):
    """RFC 9457: what went wrong."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Dict())


def describe(api: Api) -> None:
    """Set the document's security, its problem responses and what apispec does not see in our fields."""
    spec: APISpec = api.spec
    spec.components.security_scheme(
        "key", {"type": "http", "scheme": "bearer", "description": "A key of the shop: `ok_<scope>_...`"}
    )
    plugin = next(plugin for plugin in spec.plugins if isinstance(plugin, MarshmallowPlugin))
    if plugin.converter is not None:
        plugin.converter.add_attribute_function(_of_field)  # type: ignore[no-untyped-call]


def _of_field(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    if isinstance(field, Currency):
        return {"example": "EUR"}
    if isinstance(field, Text):
        return {"pattern": r"\S"}
    if isinstance(field, fields.String) and any(isinstance(v, validate.Regexp) for v in field.validators):
        regexp = next(v for v in field.validators if isinstance(v, validate.Regexp))
        return {"pattern": str(regexp.regex.pattern).replace(r"\Z", "$")}
    return {}
