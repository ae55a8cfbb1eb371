"""What an order can do without: it is left out where it cannot be used, and the answer warns of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from service.values import fault_of_metadata
from service.web.fields import Strict


class Metadata(fields.Dict):
    """The shop's own: up to 20 keys of 40 characters with strings of 500. Given back, and never interpreted."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(validate=_refuse_other_metadata, **arguments)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something optional that cannot be used, and why."""

    message: str


class Optional(fields.Field[Any]):
    """Something that an order can do without: what cannot be used is `Unusable`, and fails nothing."""

    def __init__(self, inner: fields.Field[Any]) -> None:
        self.inner = inner
        super().__init__(allow_none=True)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> Any:
        try:
            return self.inner.deserialize(value.strip() if isinstance(value, str) else value)
        except ValidationError as error:
            return Unusable(" ".join(str(message) for message in error.messages))


class WarningOut(Strict):
    """What is not refused, and somebody should know."""

    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


def warned(code: str, messages: Mapping[str, str]) -> list[dict[str, str]]:
    """Warnings of one kind, from field -> message."""
    return [{"field": field, "code": code, "message": message} for field, message in messages.items()]


def _refuse_other_metadata(value: Any) -> None:
    if fault := fault_of_metadata(value):
        raise ValidationError(fault)
