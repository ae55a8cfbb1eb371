"""Whatever is read from a caller costs in proportion to its size: ten times as much costs about ten times as much."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields
from werkzeug.exceptions import BadRequest

from service.app import create_app
from service.ids import new_id
from service.links.evidence import as_document, read_referral
from service.settings import Settings
from service.tokens import TokenSigner
from service.web import documents
from service.web.fields import Few, Strict
from tests.serving import SECRET

KB = 1_000
SIZES = (1 * KB, 10 * KB, 100 * KB)
IN_PROPORTION = 40
"""How often the cost of 10 kB 100 kB may be: it is 10 in proportion to the size, and 100 in its square."""

ENOUGH_SECONDS = 0.02
"""Below this a measure is noise."""

SHAPES: dict[str, Callable[[int], str]] = {
    "a control at the end": lambda size: "a" * size + "\x01",
    "blanks and a control": lambda size: " " * size + "\x01",
    "digits": lambda size: "1" * size,
    "a number with zeros": lambda size: "1." + "0" * size,
    "marks out of order": lambda size: "a" + "\u0316\u0301" * (size // 4),
    "dots and dashes": lambda size: ".-" * (size // 2),
    "an address": lambda size: "a." * (size // 2) + "@" + "b." * (size // 2) + "com",
    "quoted": lambda size: '"' + "\\ " * (size // 2) + '"@example.com',
    "a URL": lambda size: "https://" + "a." * (size // 2) + "@",
    "a locale": lambda size: "en" + "-abc" * (size // 4),
    "ideographs": lambda size: "\ufdfa" * (size // 3),
}


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of one go, the least of three."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        with suppress(ValidationError, BadRequest, ValueError):
            work()
        taken.append(time.process_time() - started)
    return min(taken)


def assert_in_proportion(work: Callable[[int], Callable[[], Any]]) -> None:
    """work: from a size to what is measured."""
    small, middle, large = (seconds(work(size)) for size in SIZES)
    assert large < max(ENOUGH_SECONDS, IN_PROPORTION * middle), (small, middle, large)


def schemas() -> dict[str, type[Schema]]:
    """Every schema that a caller's values are read with."""
    create_app(Settings("sqlite://", (SECRET,), "http://localhost:8000", "local", "json", 0))
    found: dict[str, type[Schema]] = {}
    waiting: list[type[Schema]] = [Strict]
    while waiting:
        for schema in waiting.pop().__subclasses__():
            found[schema.__name__] = schema
            waiting.append(schema)
    return found


FIELDS = [(name, field) for name, schema in sorted(schemas().items()) for field in sorted(schema().fields)]


def test_there_are_fields_to_be_measured() -> None:
    assert len(FIELDS) > 100


@pytest.mark.parametrize("shape", SHAPES)
def test_every_field_is_read_in_proportion_to_its_size(shape: str) -> None:
    known = schemas()
    for name, field in FIELDS:
        one = known[name]().fields[field]
        assert_in_proportion(partial(_loading, one, SHAPES[shape]))


def test_a_list_that_is_too_long_is_refused_for_its_length_and_not_for_each_of_its_members() -> None:
    lists = [field for schema in schemas().values() for field in schema().fields.values() if isinstance(field, Few)]
    assert len(lists) >= 4
    for field in lists:
        with pytest.raises(ValidationError) as refused:
            field.deserialize([{}] * 10_000)
        assert len(refused.value.messages) == 1
        assert "Longer than maximum" in str(refused.value)


def _loading(one: fields.Field[Any], shape: Callable[[int], str], size: int) -> Callable[[], Any]:
    text = shape(size)
    return partial(one.deserialize, [text] if isinstance(one, fields.List) else text, one.name, {})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_referral_is_read_in_proportion_to_its_size(shape: str) -> None:
    signer, merchant = TokenSigner([SECRET]), new_id()

    def read(size: int) -> Callable[[], Any]:
        text = SHAPES[shape](size)
        return lambda: as_document(read_referral(signer, text, merchant), text)

    assert_in_proportion(read)


DOCUMENTS: dict[str, Callable[[int], str]] = {
    "a key twice at the end": lambda size: json.dumps({str(n): 0 for n in range(size // 8)})[:-1] + ', "0": 0}',
    "many objects": lambda size: "[" + ",".join(['{"a": 1}'] * (size // 8)) + "]",
    "a number of many digits": lambda size: '{"amount": ' + "9" * size + "}",
    "a fraction of many zeros": lambda size: '{"amount": 1.' + "0" * size + "}",
    "a huge exponent": lambda size: '{"amount": 1e' + "9" * size + "}",
    "escapes": lambda size: '"' + "\\u0041" * (size // 6) + '"',
    "surrogates": lambda size: '"' + "\\ud83c\\udf4e" * (size // 12) + '"',
    "blanks": lambda size: " " * size + "{",
    "nesting": lambda size: "[" * size,
    "an open string": lambda size: '{"a": "' + "b" * size,
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_a_document_is_parsed_in_proportion_to_its_size(shape: str) -> None:
    def parse(size: int) -> Callable[[], Any]:
        body = DOCUMENTS[shape](size).encode()
        return lambda: documents.parse(body)

    assert_in_proportion(parse)
