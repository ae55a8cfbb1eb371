"""How an endpoint is declared that takes a file, or answers with one."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import Response, g, request
from marshmallow import Schema
from werkzeug.exceptions import UnsupportedMediaType

from service.errors import Unknown
from service.web import documents
from service.web.rendering import rendered
from service.web.resource import Resource, View


class FileResource(Resource):
    """A resource whose files may be longer than what fits into memory."""

    def takes(
        self, rule: str, answer: type[Schema], *, scopes: frozenset[str], forms: Mapping[str, str]
    ) -> Callable[[View], View]:
        """Declare a POST of a file of any length, which is read as it comes: view(merchant_id, form, read) -> Answer.

        forms: media type -> what the view calls it. It writes in transactions of its own; what it wrote before a file
        broke off stays, and the file may be sent again.
        """

        def declare(view: View) -> View:
            def run() -> Response:
                if request.mimetype not in forms:
                    raise UnsupportedMediaType(f"Send it with a Content-Type of {' or '.join(forms)}.")
                request.max_content_length = sys.maxsize  # None would be the app's own limit
                read = documents.reader_of(request)
                return rendered(view(g.caller.merchant_id, forms[request.mimetype], read))

            file = {"schema": {"type": "string", "format": "binary"}}
            documented = {"requestBody": {"required": True, "content": dict.fromkeys(forms, file)}}
            run = self.doc(**documented)(wraps(view)(run))
            self._route(rule, "POST", view, run, scopes, {200: answer})
            return view

        return declare

    def streams(
        self,
        rule: str,
        *,
        scopes: frozenset[str],
        query: type[Schema] | None = None,
        media_types: Sequence[str],
        choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Callable[[View], View]:
        """Declare an endpoint that answers with a file: view(merchant_id, [query,] **path) -> Response.

        It opens its own look at the database, which lasts as long as the answer is being read. choices: what each part
        of the path may be.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                for name, which in choices.items():
                    if path[name] not in which:
                        raise Unknown(name, f"{path[name]}. There are {', '.join(which)}")
                return view(g.caller.merchant_id, *arguments, **path)  # type: ignore[no-any-return]

            run = self._parsing(view, run, query=query, body=None)
            file: Any = {"type": "string", "format": "binary"}
            documented = {"responses": {"200": {"content": {kind: {"schema": file} for kind in media_types}}}}
            parts = [
                {"in": "path", "name": name, "required": True, "schema": {"type": "string", "enum": list(which)}}
                for name, which in choices.items()
            ]
            run = self.doc(**documented)(run)
            self._route(rule, "GET", view, run, scopes, {200: file}, query=query, parts=parts)
            return view

        return declare
