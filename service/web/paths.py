"""Names of the shop's own in paths: whatever may be a name is one, slashes included, percent-encoded.

WSGI decodes a path before anybody routes it, so a slash inside a name could not be told from one between names. The
server keeps the path as it was sent (RAW_URI of gunicorn and of werkzeug): an encoded slash is carried through the
routing as a control character, which no name can hold, and is a slash again in what the view is given.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from werkzeug.routing import UnicodeConverter

_SLASH = re.compile(r"%2f", re.IGNORECASE)
_SENT = re.compile(r"%1f", re.IGNORECASE)
"""The stand-in as a caller sent it: it becomes another control character, which no name can hold either."""

_ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)
"""What a proxy's request has before the path."""

_STAND_IN = "\x1f"
_STAND_IN_ENCODED = "%1F"
WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class NameConverter(UnicodeConverter):
    """One name in a path. White space around it is not part of it."""

    def to_python(self, value: str) -> str:
        """The name, with its slashes."""
        return value.replace(_STAND_IN, "/").strip()


def name_in_path(name: object) -> str:
    """A name as a part of a path."""
    return quote(str(name), safe="")


def keeping_slashes(app: WSGIApp) -> WSGIApp:
    """The app, given paths in which encoded slashes are told from those between names."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("RAW_URI", "")).partition("?")[0]
        path = _ABSOLUTE.sub("", path).removeprefix(environ.get("SCRIPT_NAME", ""))
        if path.startswith("/") and (_SLASH.search(path) or _SENT.search(path)):
            kept_apart = _SLASH.sub(_STAND_IN_ENCODED, _SENT.sub("%1E", path))
            environ["PATH_INFO"] = unquote_to_bytes(kept_apart).decode("latin-1")  # as WSGI has it: byte by byte
        return app(environ, start_response)

    return call
