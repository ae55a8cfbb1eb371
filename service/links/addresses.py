"""PURE: tokens and codes out of whatever somebody copied: with what stands around them, or in a whole address."""

import re
import unicodedata
from urllib.parse import parse_qs, unquote, urlsplit

SURROUNDING = r"[\s.,;:!?…'\"`´()\[\]{}<>‘’‚‛“”„‟«»‹›「」]+"
AROUND = re.compile(rf"^{SURROUNDING}|{SURROUNDING}$")
TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CODE = re.compile(r"[^/?&=#]+")
IN_ADDRESS = re.compile(r"/|\?|\breferral=")
"""What an address holds, or the end of one that somebody copied, and neither a token nor a code."""


def bare(text: str) -> str:
    """The text without what people, chats and mails put around it: blanks, quotation marks, brackets, full stops; and
    without characters that nobody sees, wherever they are.
    """
    return AROUND.sub("", "".join(character for character in text if unicodedata.category(character) != "Cf"))


def leading_token(text: str) -> tuple[str, str]:
    """The token with which the text begins, and what follows it: a slash, a bracket, `&utm_source=...`."""
    token = TOKEN.match(text)
    return (token[0], text[token.end() :]) if token else ("", text)


def leading_code(text: str) -> tuple[str, str]:
    """The code with which the text begins, and what follows it, as of a token."""
    code = CODE.match(text)
    return (code[0], text[code.end() :]) if code else ("", text)


def inside(referral: str) -> tuple[str, str | None]:
    """What an address carries, and the slug of the shop that it names: its `referral`, the last one, or else the end of
    a share link's path. What is no address is itself.
    """
    if not IN_ADDRESS.search(referral):
        return referral, None
    start = "?" if referral.startswith("referral=") else ""
    address = referral if "://" in referral else f"https://x/{start}{referral.lstrip('/')}"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", None
    carried = parse_qs(parts.query).get("referral")
    if carried:
        return bare(carried[-1]), None
    path = [unquote(part) for part in parts.path.split("/") if part]
    slug = path[-2].lower() if len(path) > 2 and path[-3] == "c" else None
    return bare(path[-1]) if path else "", slug
