"""The kinds of values that the contract has, each as strict as the books need it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from service.currencies import fault_of_code, fault_of_currency
from service.values import (
    CONTROL,
    EPOCH,
    LARGEST_AMOUNT,
    LONGEST_EMAIL,
    LONGEST_NAME,
    fault_of_name,
    fault_of_text,
    normal_email,
)

DESTINATION = (
    r"^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127\.0\.0\.1|\[::1\]))"
    r"(:[0-9]{1,5})?([/?#][!-\[\]-~]*)?\Z"
)
PRINTABLE = f"^[^{CONTROL}]*[^{CONTROL}\\s][^{CONTROL}]*$"
"""Something that is not blank, without control characters; a pattern for Python and for JSON Schema alike."""

EARLIEST_DAY = EPOCH.date() - timedelta(days=1)
"""What happens in 1970 in UTC may be on the last day of 1969 elsewhere."""

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Strict(Schema):
    """A body or a query that refuses fields it does not know.

    makes: the type of the value that a caller's fields become; a schema that only renders has none.
    """

    makes: ClassVar[Callable[..., Any] | None] = None

    class Meta:
        unknown = RAISE

    @post_load
    def make(self, members: dict[str, Any], **_: Any) -> Any:
        """The typed value of what was loaded."""
        return members if self.makes is None else self.makes(**members)


class Whole(fields.Integer):
    """A JSON integer: not 1.0, not "5", not true."""

    default_error_messages = {"invalid": "It must be a whole number, without quotes and without a point, such as 5000."}

    def __init__(self, *, least: int, most: int = LARGEST_AMOUNT, **arguments: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **arguments)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Minor(Whole):
    """An amount of money, in minor units."""

    default_error_messages = {
        "invalid": "It must be a whole number of minor units: 50.00 euros are 5000, and 50 yen are 50.",
    }


class Digits(fields.Integer):
    """A number in a query: plain digits and nothing else."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **arguments)


class Flag(fields.Boolean):
    """A JSON boolean: not 1, not "yes"."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryFlag(fields.Boolean):
    """A boolean in a query: `true` or `false`."""

    default_error_messages = {"invalid": "It is true or false."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid", input=value)
        return bool(value == "true")


class Text(fields.String):
    """Text that is not blank and holds no control characters."""

    def __init__(self, *, most: int, **arguments: Any) -> None:
        self._most = most
        super().__init__(validate=validate.Length(1, most), **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **arguments)
        if fault := fault_of_text(text, most=self._most):
            raise ValidationError(fault)
        return text


class Referral(fields.String):
    """What came as a referral: judged, never refused, whatever it is but for what no JSON of ours may hold."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(validate=validate.Regexp(r"^[^\x00]*\Z"), **arguments)


class Name(Text):
    """The merchant's own name for something: an order, a customer, a refund."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(most=LONGEST_NAME, **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> str:
        """White space around it is not part of it."""
        name = super()._deserialize(value.strip() if isinstance(value, str) else value, attr, data, **arguments)
        if fault := fault_of_name(name):
            raise ValidationError(fault)
        return name


def is_name(value: str) -> bool:
    """Whether this can be the merchant's own name for something."""
    return fault_of_name(value) is None


class CurrencyCode(fields.String):
    """The code of a currency, whether or not one can still pay in it: who has it in the books goes on."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(validate=self.check, **arguments)

    @staticmethod
    def check(value: str) -> None:
        """Raise ValidationError for what is no such code."""
        _refuse(fault_of_code(value))


class Currency(CurrencyCode):
    """An ISO 4217 currency that one can pay in."""

    @staticmethod
    def check(value: str) -> None:
        """Raise ValidationError for what one cannot pay in."""
        _refuse(fault_of_currency(value))


class Few(fields.List[Any]):
    """A list of at most so many. How many there are is looked at before what they are."""

    def __init__(self, inner: fields.Field[Any], *, most: int, **arguments: Any) -> None:
        self._length = validate.Length(max=most)
        super().__init__(inner, validate=self._length, **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, attr, data, **arguments)


class Destination(fields.String):
    """Where friends may be sent: https, or http on this machine, in ASCII as a browser sends it."""

    def __init__(self, **arguments: Any) -> None:
        form = validate.Regexp(DESTINATION, error="It must be an https URL in ASCII, without credentials.")
        super().__init__(validate=[validate.Length(1, 2000), form], **arguments)


class Email(fields.String):
    """An e-mail address, as far as its form tells."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(validate=validate.Length(max=LONGEST_EMAIL), metadata={"format": "email"}, **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> str:
        try:
            return normal_email(super()._deserialize(value, attr, data, **arguments))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Moment(fields.DateTime):
    """An RFC 3339 time with its offset, not before 1970. It is kept to the microsecond."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(format="iso", **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> datetime:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise ValidationError("It must be an RFC 3339 time with its offset, such as 2026-11-21T09:30:00Z.")
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("There is no such time.") from None
        if moment < EPOCH:
            raise ValidationError("It is before 1970.")
        return moment


class Bound(Moment):
    """One end of a period: a time, or a day of the merchant's, which is its beginning."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return super()._deserialize(value, attr, data, **arguments)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day.") from None
        if not EARLIEST_DAY <= day < date.max:
            raise ValidationError("It is before 1970, or out of range.")
        return day


class Day(Bound):
    """A day of the merchant's."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> Any:
        found = super()._deserialize(value, attr, data, **arguments)
        if isinstance(found, datetime):
            raise ValidationError("Numbers go by the merchant's days: give one, such as 2026-11-30.")
        return found


def rfc3339(moment: datetime | None) -> str | None:
    """The moment in UTC as the contract writes it, `2026-11-21T09:30:00.000000Z`, with no +00:00."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _refuse(fault: str | None) -> None:
    if fault:
        raise ValidationError(fault)
