"""Answers, from plain values to the bytes that are sent and, under an Idempotency-Key, stored."""

import json
from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import fields

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers: a JSON document as plain values, and its status."""

    document: Any
    status: int = 200


def rendered(answer: Answer) -> Response:
    """The response to an answer."""
    return Response(encoded(answer), answer.status, content_type="application/json")


def encoded(answer: Answer) -> bytes:
    """The answer's JSON text in UTF-8."""
    return _JSON.encode(answer.document).encode()


def keep_private(response: Response) -> Response:
    """Let nobody on the way keep an answer, nor take it for what it does not say it is, where nothing else was said."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


class ProblemDocument(fields.Dict):
    """What a request would have been refused with, inside an answer."""
