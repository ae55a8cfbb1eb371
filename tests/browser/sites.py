"""A shop's own site, on a port of its own: a browser looks at it as at any other site than the service's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ICON = '<link rel="icon" href="data:,">'


class Site(ThreadingHTTPServer):
    """Answers every path. page: from a path to its HTML. headers: of each answer. got: (path, body) of each POST."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.page: Callable[[str], str] = lambda _: ""
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://localhost:{self.server_port}"


class _Pages(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self._answer(self.server.page(self.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append((self.path, body))
        self._answer("<h1>Thank you</h1>")

    def _answer(self, page: str) -> None:
        body = f"<!doctype html>{ICON}{page}".encode()
        self.send_response(200)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **self.server.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Site]:
    """A site, until it is not needed any more."""
    site = Site()
    thread = Thread(target=site.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        thread.join()
        site.server_close()
