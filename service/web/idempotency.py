"""Idempotency-Key: the same request again gets the same answer, from the caller's own transaction."""

import hashlib
import json
from collections.abc import Callable

from flask import Response, request
from sqlalchemy.exc import OperationalError

from service.database.engine import is_lock_timeout
from service.database.writing import write_now
from service.web import answers as storage
from service.web import documents
from service.web.answers import StoredAnswer
from service.web.call import Call
from service.web.errors import AnswerForgotten, InvalidValues, KeyReused, StillRunning
from service.web.rendering import Answer, encoded

LONGEST_KEY = 255


def once(call: Call, work: Callable[[], Answer]) -> Response:
    """Do the work and answer; under an Idempotency-Key that was used before, answer as then, without work.

    Raises KeyReused for another request under the same key, StillRunning while the first one has not ended, and
    AnswerForgotten where what it was answered with is not to be told any more.
    """
    key = _key() if request.method == "POST" else None
    if key is None:
        answer = work()
        write_now(call.session)
        return _response(answer.status, encoded(answer))
    fingerprint = _fingerprint()
    stored = _claim(call, key, fingerprint)
    if stored is not None:
        return _replayed(stored, fingerprint)
    answer = work()
    write_now(call.session)
    body = encoded(answer)
    storage.finish(call.session, call.merchant_id, key, status=answer.status, body=body)
    return _response(answer.status, body)


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InvalidValues({"Idempotency-Key": "It must be 1 to 255 printable ASCII characters."})
    return key


def _fingerprint() -> bytes:
    """SHA-256 of the request: its path and the meaning of its body, however that is spelled."""
    raw = request.get_data(cache=True)
    body = json.dumps(documents.parse(raw), sort_keys=True) if raw.strip() else ""
    return hashlib.sha256(f"{request.path}\n{body}".encode()).digest()


def _claim(call: Call, key: str, fingerprint: bytes) -> StoredAnswer | None:
    try:
        return storage.claim(call.session, call.merchant_id, key, fingerprint=fingerprint, now=call.now)
    except OperationalError as error:
        if is_lock_timeout(error):
            raise StillRunning from error
        raise


def _replayed(stored: StoredAnswer, fingerprint: bytes) -> Response:
    if bytes(stored.fingerprint) != fingerprint:
        raise KeyReused
    if stored.body is None:
        raise AnswerForgotten
    response = _response(stored.status or 200, bytes(stored.body))
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _response(status: int, body: bytes) -> Response:
    return Response(body, status, content_type="application/json")
