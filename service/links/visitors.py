"""PURE: who follows a link, as far as their request tells: a person, a machine, or somebody who tries the service."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

import crawleruseragents

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview")
DEVELOPERS_TOOL = re.compile(r"(curl|wget|httpie|python-|werkzeug|postman|insomnia)", re.IGNORECASE)


class Visitor(StrEnum):
    """Who follows. A developer is neither a person nor a crawler: they want to see what a person would get."""

    PERSON = "person"
    MACHINE = "machine"
    DEVELOPER = "developer"


class Headers(Protocol):
    """Headers of a request, found whatever their case."""

    def get(self, key: str, default: str) -> str:
        """The header's value, or the default."""


def classify(method: str, headers: Headers) -> Visitor:
    """Who follows with this request."""
    if method == "HEAD" or _is_prefetch(headers):
        return Visitor.MACHINE
    return _of_user_agent(headers.get("User-Agent", ""))


def _is_prefetch(headers: Headers) -> bool:
    purposes = [headers.get(name, "").lower() for name in PREFETCH_HEADERS]
    return any(word in purpose for purpose in purposes for word in PREFETCH_WORDS)


@lru_cache(maxsize=4096)
def _of_user_agent(user_agent: str) -> Visitor:
    if DEVELOPERS_TOOL.match(user_agent):
        return Visitor.DEVELOPER
    is_machine = not user_agent or bool(crawleruseragents.is_crawler(user_agent))
    return Visitor.MACHINE if is_machine else Visitor.PERSON
