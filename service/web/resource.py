"""How an endpoint is declared: its whole contract stands above a view of a few lines.

`reads` and `writes` add to flask-smorest what the contract asks of every endpoint: the key and its scope, strict
bodies, one transaction, Idempotency-Key, and problems instead of error pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import wraps
from http import HTTPStatus
from itertools import islice
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from flask import Request, Response, g, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError, fields
from sqlalchemy.orm import Session
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import NotFound

from service.values import LONGEST_NAME
from service.web import documents, idempotency
from service.web.call import Call
from service.web.errors import InvalidValues
from service.web.fields import is_name
from service.web.rendering import rendered
from service.web.wiring import wiring

View = TypeVar("View", bound=Callable[..., Any])
CHECKOUT = frozenset({"checkout"})
MARKETING = frozenset({"marketing"})
CHECKOUT_AND_MARKETING = CHECKOUT | MARKETING
"""Who reads what belongs to the shop's daily work."""

ADMIN: frozenset[str] = frozenset()
UNREADABLE = "\ufffd"
"""What stands in a decoded URL where its bytes were not UTF-8: two ids must not become one by it."""
UNKNOWN_FIELD = "Unknown field."
MOST_FAULTS = 100
"""How many faults of one request are named: as many as somebody may read."""

_KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Repeat a request safely: same key and body, same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


class StrictParser(FlaskParser):
    """Refuses unknown fields everywhere, and bodies that are not good JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body, as strict as documents.json_of; none at all where none of its fields is needed."""
        if not any(field.required for field in schema.fields.values()) and not documents.body_of(req):
            return {}
        return documents.json_of(req)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **more: Any) -> NoReturn:
        """Say what is wrong with each field."""
        faults: dict[str, str] = {}
        for messages in error.normalized_messages().values():  # type: ignore[no-untyped-call]
            faults.update(_flat("", messages))
        for field, message in faults.items():
            if message == UNKNOWN_FIELD:
                faults[field] = message + _hint(schema, field)
        raise InvalidValues(dict(islice(faults.items(), MOST_FAULTS)))


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
    ) -> Callable[[View], View]:
        """Declare an endpoint whose view changes nothing: view(call, [query or body,] **path) -> Answer.

        before: called as before(wiring, merchant_id, **path), ahead of the view's one look at the database, to book
        what time has done.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                if before is not None:
                    before(wiring(), g.caller.merchant_id, **path)
                with _reading(g.caller.merchant_id) as call:
                    return rendered(view(call, *arguments, **path))

            run = self._parsing(view, run, query=query, body=body)
            self._route(rule, method, view, run, scopes, {200: answer}, query=query)
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
        statuses: tuple[int, ...] = (200,),
        pipelined: bool = False,
    ) -> Callable[[View], View]:
        """Declare an endpoint that writes in one transaction: view(call, [body,] **path) -> Answer.

        A POST takes an Idempotency-Key, stored with its effect. pipelined: see Database.write.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                def work(session: Session) -> Response:
                    call = Call(session, g.caller.merchant_id, datetime.now(UTC), wiring())
                    return idempotency.once(call, lambda: view(call, *arguments, **path))

                return wiring().database.write(work, pipelined=pipelined)

            run = self._parsing(view, run, query=None, body=body)
            headers = [_KEY_HEADER] if method == "POST" else []
            self._route(rule, method, view, run, scopes, dict.fromkeys(statuses, answer), headers=headers)
            return view

        return declare

    def streams(self, rule: str, *, scopes: frozenset[str], query: type[Schema]) -> Callable[[View], View]:
        """Declare an endpoint that answers with a file: view(merchant_id, query, **path) -> Response.

        It opens its own look at the database, which lasts as long as the answer is being read.
        """

        def declare(view: View) -> View:
            def run(*arguments: Any, **path: Any) -> Response:
                return view(g.caller.merchant_id, *arguments, **path)  # type: ignore[no-any-return]

            run = self._parsing(view, run, query=query, body=None)
            file: Any = {"type": "string", "format": "binary"}
            self._route(rule, "GET", view, run, scopes, {200: file}, query=query)
            return view

        return declare

    def _parsing(
        self, view: Any, run: Any, *, query: type[Schema] | None, body: type[Schema] | None
    ) -> Callable[..., Response]:
        run = wraps(view)(run)
        if body is not None:
            needed = any(field.required for field in body().fields.values())
            run = self.arguments(body, location="json", required=needed)(run)
        if query is not None:
            run = self.arguments(query, location="query")(run)
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
    ) -> None:
        @wraps(run)
        def guarded(*arguments: Any, **path: Any) -> Response:
            g.caller = wiring().authenticate(request.headers.get("Authorization", ""), scopes)
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
        self.route(rule, methods=[method], endpoint=view.__name__)(endpoint)


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


def _hint(schema: Schema, path: str) -> str:
    """Which field of the same place may have been meant by one that is unknown."""
    *outer, name = path.split(".")
    for step in outer:
        field = schema.fields.get(step)
        if not isinstance(field, fields.Nested):
            return ""
        schema = field.schema
    known = [field.data_key or field_name for field_name, field in schema.fields.items()]
    near = get_close_matches(name[:LONGEST_NAME], known, 1)
    return f" Did you mean {near[0]}?" if near else ""


def _flat(prefix: str, messages: Any) -> dict[str, str]:
    if isinstance(messages, dict):
        flat: dict[str, str] = {}
        for name, inner in messages.items():
            flat.update(_flat(f"{prefix}.{name}" if prefix else str(name), inner))
        return flat
    return {prefix.removesuffix("._schema"): " ".join(str(message) for message in messages)}
