"""PURE: who follows a link, as far as their request tells. docs/visitors.md has the table, with what was measured."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

import crawleruseragents

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview")
LONGEST = 1_000
"""Of what a user agent says, so much is looked at: real ones are shorter."""


class Visitor(StrEnum):
    """Who follows. A developer wants to see what a person would get; every other but a person is a machine."""

    PERSON = "person"
    PREVIEW = "preview"
    PREFETCH = "prefetch"
    SCANNER = "scanner"
    BOT = "bot"
    DEVELOPER = "developer"

    @property
    def is_machine(self) -> bool:
        """Whether nobody looks at what is answered, or not yet."""
        return self not in (Visitor.PERSON, Visitor.DEVELOPER)


class Headers(Protocol):
    """Headers of a request, found whatever their case."""

    def get(self, key: str, default: str) -> str:
        """The header's value, or the default."""


def classify(method: str, headers: Headers) -> Visitor:
    """Who follows with this request."""
    said = _of_user_agent(headers.get("User-Agent", "")[:LONGEST])
    if said is Visitor.PERSON and _is_prefetch(headers):
        return Visitor.PREFETCH
    return Visitor.BOT if said is Visitor.PERSON and method == "HEAD" else said


def _is_prefetch(headers: Headers) -> bool:
    purposes = [headers.get(name, "").lower() for name in PREFETCH_HEADERS]
    return any(word in purpose for purpose in purposes for word in PREFETCH_WORDS)


@dataclass(frozen=True, slots=True)
class Signs:
    """By what a user agent in small letters is known. patterns: what must be in it -> what is searched for then."""

    starts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)

    def are_in(self, said: str) -> bool:
        """Whether any of them is."""
        if said.startswith(self.starts) or any(word in said for word in self.words):
            return True
        return any(word in said and pattern.search(said) for word, pattern in self.patterns.items())


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(word.strip() for line in lines for word in line.split("|"))


DEVELOPERS = Signs(starts=_words("curl|wget|httpie|python-|werkzeug|postman|insomnia"))
"""Tools by which somebody tries the service."""

PREVIEWS = Signs(
    starts=_words("whatsapp/|viber/"),
    words=_words(
        "facebookexternalhit|facebot|meta-external|telegrambot|skypeuripreview|kakaotalk-scrap|line-poker",
        "twitterbot|slackbot|slack-img|discordbot|linkedinbot|redditbot|cardyb|mastodon|pinterestbot|pinterest/0|tumblr/",
        "vkshare|flipboardproxy|iframely|embedly|bitlybot|unfurl|preview",
        "microsoft office|com.apple.webkit.networking|applebot",
    ),
)
"""What makes the card of a link in a chat, a post or a letter."""

SCANNERS = Signs(
    words=_words(
        "barracuda|proofpoint|mimecast|safelinks|symantec|messagelabs|ironport|trendmicro|trend micro|sophos|fireeye",
        "trellix|forcepoint|websense|zscaler|urlscan|virustotal|safebrowsing|safe browsing|phishtank|netcraft",
        "censys|shodan|nmap|nuclei|qualys|nessus|detectify|sentinel (|scanner|securityheaders|sectxt|expanse, ",
    ),
    patterns={"scan": re.compile(r"\bscan")},
)
"""What looks whether a link is harmful before somebody gets it."""

MACHINES = Signs(
    words=_words(
        "robot|crawl|slurp|scrape|scrapy|archiv|indexer|fetch|monitor|uptime|pingdom|validat|checker|healthcheck",
        "lighthouse|pagespeed|page speed|synthetic|inspector|gtmetrix| ptst/|statuscake|cloudflare|catchpoint|headless",
        "phantomjs|puppeteer|playwright|selenium|googleother|mediapartners|http://|https://|www.|mailto:|adbeat.com",
    ),
    patterns={
        "bot": re.compile(r"[a-z0-9_-]bot\b(?<!cubot)|\bbot[/;)_-]|\bbot$"),
        "spider": re.compile(r"spider(?! \d)"),
        "google-": re.compile(r"google-(?!chrome)"),
        "@": re.compile(r"\w@[a-z-]+\.[a-z]"),
        "+": re.compile(r"\+[a-z]+\.[a-z]"),
        "compatible;": re.compile(
            r"compatible;(?!\s*(?:msie \d|msn|gecko|konqueror|netfront|opera|blazer|galeon|windows|mac|linux"
            r"|iphone|ipod|arora|googletoolbar|\)))"
        ),
    },
)
"""How every other machine says that it is one: by its kind, or by whom to ask about it, which no browser says."""

BROWSERS = Signs(
    words=_words(
        "webkit|gecko|khtml|trident|msie|presto|opera|netfront|servo|[fban/|midp|symbian|series60|obigo|teleca|maui",
        "ucweb|ucbrowser|nintendo|playstation|blackberry",
    )
)
"""The engines by which people read pages: what names none of them is a program."""

PHONES = Signs(words=_words("android|iphone|ipad|ipod"))
"""Of these the library's list is not asked: it takes the names of builds and of web views for those of machines."""


@lru_cache(maxsize=4096)
def _of_user_agent(user_agent: str) -> Visitor:
    said = user_agent.lower()
    if DEVELOPERS.are_in(said):
        return Visitor.DEVELOPER
    if PREVIEWS.are_in(said):
        return Visitor.PREVIEW
    if SCANNERS.are_in(said):
        return Visitor.SCANNER
    if MACHINES.are_in(said) or not BROWSERS.are_in(said):
        return Visitor.BOT
    is_listed = not PHONES.are_in(said) and crawleruseragents.is_crawler(user_agent)
    return Visitor.BOT if is_listed else Visitor.PERSON
