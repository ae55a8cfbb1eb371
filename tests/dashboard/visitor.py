"""A browser without a window: it keeps its cookie, and takes CSRF tokens out of forms."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.shop import Shop

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """Somebody at the dashboard."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(f"/dashboard{path}", **more)

    def token(self, path: str = "/sign-in") -> str:
        found = TOKEN.search(self.get(path).text)
        assert found is not None
        return found[1]

    def post(self, path: str, **form: str) -> TestResponse:
        return self.client.post(f"/dashboard{path}", data=form)

    def sign_in(self, key: str) -> TestResponse:
        return self.post("/sign-in", key=key, csrf_token=self.token())


def visitor_of(app: Flask, shop: Shop, scope: str = "marketing") -> Visitor:
    """Somebody who is signed in with a key of this shop."""
    visitor = Visitor(app)
    answer = visitor.sign_in(shop.keys[scope])
    assert answer.status_code == 302, answer.text
    return visitor
