"""Request bodies: JSON as strict as RFC 8259 and I-JSON (RFC 7493) read together.

What the standard parser lets pass is refused here: NaN, infinities, duplicate keys, deep nesting, numbers that do
not fit, NUL and lone surrogates, which the two databases treat in two ways.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wrappers import Request

MOST_DIGITS = 20
LONGEST_NUMBER = 200
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1


def json_of(request: Request) -> Any:
    """The parsed body. Raises UnsupportedMediaType where it is not JSON, BadRequest where it is not good JSON."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
    return parse(body_of(request))


def body_of(request: Request) -> bytes:
    """The whole body. Raises RequestEntityTooLarge and BadRequest; a chunked one too long is never cut short."""
    with _to_its_end():
        body = request.get_data(cache=True)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def reader_of(request: Request) -> Callable[[int], bytes]:
    """Reads the next bytes of a body as it comes, at most so many. Raises BadRequest where the body breaks off."""
    left = request.content_length

    def read(size: int) -> bytes:
        nonlocal left
        with _to_its_end():
            piece = request.stream.read(size)
        if left is not None:
            left -= len(piece)
        if not piece and left:
            raise BadRequest("The body cannot be read to its end.")
        return piece

    return read


@contextmanager
def _to_its_end() -> Iterator[None]:
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:  # what a server raises for a body that breaks off differs from server to server
        raise BadRequest("The body cannot be read to its end.") from error


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises BadRequest, saying why."""
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_fitting,
        )
        if "\\u" in text:
            _refuse_bad_characters(document)
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise BadRequest(f"The key {twice[:80]!r} stands twice in one object.")
    return members


def _refuse_constant(name: str) -> None:
    raise BadRequest(f"{name} is not a JSON value.")


def _number(literal: str) -> int | float:
    """1.0 and 1e3 are integers, as in JSON Schema, and exactly the integers that they say; 1.9 is none."""
    if len(literal) > LONGEST_NUMBER:  # an exact number costs the square of its digits
        raise BadRequest(f"The number {literal[:40]} is too long.")
    try:
        exact = Decimal(literal)
    except InvalidOperation:
        raise BadRequest(f"The number {literal[:40]} is out of range.") from None
    if exact.adjusted() > MOST_DIGITS:
        raise BadRequest(f"The number {literal[:40]} is too large.")
    if exact == exact.to_integral_value():
        return _fitting(str(int(exact)))
    return float(literal)


def _fitting(literal: str) -> int:
    if len(literal) > MOST_DIGITS or not SMALLEST_INTEGER <= int(literal) <= LARGEST_INTEGER:
        raise BadRequest(f"The integer {literal[:40]} does not fit in 64 bits.")
    return int(literal)


def _refuse_bad_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise BadRequest("A string holds the character U+0000.")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise BadRequest("A string holds a lone surrogate.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_bad_characters(name)
            _refuse_bad_characters(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_bad_characters(member)
