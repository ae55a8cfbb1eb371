"""How an endpoint is declared: its whole contract stands above a view of a few lines.

`reads` and `writes` add to flask-smorest what the contract asks of every endpoint: the key and its scope, strict
bodies, one transaction, Idempotency-Key, and problems instead of error pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from service.web import idempotency
from service.web.call import Call
from service.web.errors import InvalidValues
from service.web.fields import is_name
from service.web.parsing import UNKNOWN_FIELD, StrictParser
from service.web.rendering import rendered
from service.web.wiring import Wiring, wiring

View = TypeVar("View", bound=Callable[..., Any])
CHECKOUT = frozenset({"checkout"})
MARKETING = frozenset({"marketing"})
CHECKOUT_AND_PUBLIC = CHECKOUT | {"public"}
"""What a browser may ask as well."""

CHECKOUT_AND_MARKETING = CHECKOUT | MARKETING
"""Who reads what belongs to the shop's daily work."""

ADMIN: frozenset[str] = frozenset()
UNREADABLE = "\ufffd"
"""What stands in a decoded URL where its bytes were not UTF-8: two ids must not become one by it."""

_KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Repeat a request safely: same key and body, same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


class Resource(Blueprint):  # type: ignore[misc]
    """One resource of the API under /v1."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, name, url_prefix="/v1", description=description)

    def reads(
        self,
        rule: str,
        answer: type[Schema],
        *,
        scopes: frozenset[str],
        query: type[Schema] | None = None,
        method: str = "GET",
        body: type[Schema] | None = None,
        before: Callable[..., None] | None = None,
        admit: Callable[[Wiring], None] | None = None,
    ) -> Callable[[View], View]:
        """Declare an endpoint whose view changes nothing: view(call, [query or body,] **path) -> Answer.

        before: called as before(wiring, merchant_id, **path), ahead of the view's one look at the database, to book
        what time has done. admit: raises what keeps this caller out, before anything of the request is parsed.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                if before is not None:
                    before(wiring(), g.caller.merchant_id, **path)
                with _reading(g.caller.merchant_id) as call:
                    return rendered(view(call, *arguments, **path))

            run = self._parsing(view, run, query=query, body=body)
            self._route(rule, method, view, run, scopes, {200: answer}, query=query, admit=admit)
            return view

        return declare

    def writes(
        self,
        method: str,
        rule: str,
        answer: type[Schema],
        *,
        scopes: frozenset[str],
        body: type[Schema] | None = None,
        query: type[Schema] | None = None,
        statuses: tuple[int, ...] = (200,),
    ) -> Callable[[View], View]:
        """Declare an endpoint that writes in one transaction: view(call, [query or body,] **path) -> Answer.

        A POST takes an Idempotency-Key, stored with its effect.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                def work(session: Session) -> Response:
                    call = Call(session, g.caller.merchant_id, datetime.now(UTC), wiring(), g.caller.key_id)
                    return idempotency.once(call, lambda: view(call, *arguments, **path))

                return wiring().database.write(work)

            run = self._parsing(view, run, query=query, body=body)
            headers = [_KEY_HEADER] if method == "POST" else []
            self._route(rule, method, view, run, scopes, dict.fromkeys(statuses, answer), query=query, headers=headers)
            return view

        return declare

    def batches(
        self, rule: str, answer: type[Schema], *, scopes: frozenset[str], body: type[Schema]
    ) -> Callable[[View], View]:
        """Declare a POST that writes many things, each in a transaction of its own: view(merchant_id, body) -> Answer.

        It takes no Idempotency-Key: what it writes has names of its own, and may be sent again.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any) -> Response:
                return rendered(view(g.caller.merchant_id, *arguments))

            run = self._parsing(view, run, query=None, body=body)
            self._route(rule, "POST", view, run, scopes, {200: answer})
            return view

        return declare

    def _parsing(
        self, view: Any, run: Any, *, query: type[Schema] | None, body: type[Schema] | None
    ) -> Callable[..., Response]:
        run = wraps(view)(run)
        # Schemas are made once: webargs would make one for each request, all of its fields copied.
        if body is not None:
            schema = body()
            needed = any(field.required for field in schema.fields.values())
            run = self.arguments(schema, location="json", required=needed)(run)
        if query is not None:
            run = self.arguments(query(), location="query")(run)
        return run  # type: ignore[no-any-return]

    def _route(
        self,
        rule: str,
        method: str,
        view: Any,
        run: Any,
        scopes: frozenset[str],
        answers: Mapping[int, type[Schema]],
        *,
        query: type[Schema] | None = None,
        headers: Sequence[Mapping[str, Any]] = (),
        parts: Sequence[Mapping[str, Any]] = (),
        admit: Callable[[Wiring], None] | None = None,
    ) -> None:
        @wraps(run)
        def guarded(*arguments: Any, **path: Any) -> Response:
            g.caller = wiring().authenticate(request.headers.get("Authorization", ""), scopes)
            if admit is not None:
                admit(wiring())
            _refuse_bad_url(path, has_query=query is not None)
            return run(*arguments, **path)  # type: ignore[no-any-return]

        (first, schema), *others = answers.items()
        endpoint = self.response(first, schema, description=HTTPStatus(first).phrase)(guarded)
        for status, other in others:
            endpoint = self.alt_response(status, schema=other, description=HTTPStatus(status).phrase)(endpoint)
        scope = " or ".join(sorted({*scopes, "admin"}))
        documented = {"operationId": view.__name__, "security": [{"key": []}], "x-scope": scope}
        if headers:
            documented["parameters"] = list(headers)
        endpoint = self.doc(**documented)(endpoint)
        self.route(rule, methods=[method], endpoint=view.__name__, parameters=list(parts))(endpoint)


@contextmanager
def _reading(merchant_id: UUID) -> Iterator[Call]:
    with wiring().database.reading() as session:
        yield Call(session, merchant_id, datetime.now(UTC), wiring())


def _refuse_bad_url(path: Mapping[str, Any], *, has_query: bool) -> None:
    """Raise NotFound for a path, and InvalidValues for a query, that cannot mean anything."""
    for value in path.values():
        if isinstance(value, str) and (UNREADABLE in value or not is_name(value)):
            raise NotFound
    faults = {} if _is_utf8(request.query_string) else {"query": "It is not UTF-8."}
    for name, given in request.args.lists():
        if not has_query:
            faults[name] = UNKNOWN_FIELD
        elif len(given) > 1:
            faults[name] = "It stands twice."
    if faults:
        raise InvalidValues(faults)


def _is_utf8(query: bytes) -> bool:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True
