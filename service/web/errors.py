"""What HTTP itself refuses: errors of requests, whatever they are about. Nothing has changed."""

import re


class InvalidValues(Exception):
    """The request's values are not what the contract says. faults: field -> what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("Some values are not as the contract has them.")
        self.faults = faults


class KeyReused(Exception):
    """The Idempotency-Key came before with another request."""


class StillRunning(Exception):
    """The first request with this Idempotency-Key has not ended."""


class AnswerForgotten(Exception):
    """The first answer under this Idempotency-Key told of somebody who was erased since."""


_CODES = {
    "Missing data": "required",
    "Unknown field": "unknown",
    "Length must": "length",
    "Shorter than": "length",
    "Longer than": "length",
    "Must be greater": "range",
    "Must be less": "range",
    "Must be one of": "choice",
}
"""How a message begins -> its code."""


def code_of(message: str) -> str:
    """What kind of fault a message tells of, for machines."""
    if re.match(r"Only [0-9]", message):
        return "too-much"
    return next((code for start, code in _CODES.items() if message.startswith(start)), "invalid")
