"""Errors for machines: the only table from an error class to a status and a problem type (RFC 9457)."""

import json
import logging
from dataclasses import dataclass
from typing import Any

import psycopg
from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from service import errors
from service.conversions.amendments import AmendmentContradicted
from service.conversions.api.browsers import OriginRefused, TooManyQuestions
from service.conversions.attributing import AttributionRefused
from service.conversions.eligibility import REASONS
from service.conversions.orders import OrderContradicted
from service.conversions.refunds import RefundContradicted
from service.conversions.standing import OrderVoided
from service.conversions.voids import OrderStands, VoidContradicted
from service.customers.api.imports import TooManyImports
from service.customers.files import BadFile
from service.database.engine import RaceLost
from service.ledger import books
from service.links.domains import HostTaken
from service.links.links import CodeTaken, ProgramEnded
from service.merchants.authentication import KeyMissing, KeyRevoked, KeyUnknown, ScopeMissing
from service.rewards.redemptions import RedemptionContradicted, RedemptionSettled
from service.rewards.returns import NothingCaptured, ReturnContradicted
from service.rewards.reviews import RewardSettled
from service.statistics.api.exports import TooManyExports
from service.statistics.exports.parquet import ParquetMissing
from service.statistics.rolling import StatisticsBehind
from service.web.errors import AnswerForgotten, InvalidValues, KeyReused, StillRunning, code_of

RETRY_AFTER_SECONDS = 2
LATER = "Repeat it after `Retry-After` seconds."
NO_DATABASE_OF_OURS = ("42P01", "25006", "SQLITE_NOTADB", "SQLITE_CORRUPT")
log = logging.getLogger("orchard.problems")


@dataclass(frozen=True, slots=True)
class Problem:
    """How one kind of error is answered. kind: the last part of the problem type. title, remedy: for people."""

    status: int
    kind: str
    title: str
    remedy: str


INVALID = Problem(
    422, "invalid-values", "Some values are not right", "Correct the fields that `errors` names; each says how."
)
UNKNOWN = Problem(404, "not-found", "There is no such thing", "Check the id, and that the key is of the same merchant.")
PROBLEMS: dict[type[Exception], Problem] = {
    InvalidValues: INVALID,
    errors.BadValues: INVALID,
    errors.TryLater: Problem(503, "catching-up", "So much is to be done first that it takes a while", LATER),
    BadFile: INVALID,
    KeyMissing: Problem(401, "key-missing", "A key is needed", "Send it as `Authorization: Bearer ok_...`."),
    KeyUnknown: Problem(401, "key-unknown", "That is not a key of ours", "Compare all of it with what you were given."),
    KeyRevoked: Problem(
        401, "key-revoked", "This key is not in use any more", "Have a new one made: `orchard key create`."
    ),
    ScopeMissing: Problem(
        403, "scope-missing", "This key is not for that", "Use one of the scope that `detail` names."
    ),
    KeyReused: Problem(
        422,
        "idempotency-key-reused",
        "The Idempotency-Key came with another request before",
        "Use a new key for a new request.",
    ),
    AnswerForgotten: Problem(410, "answer-forgotten", "It told of somebody who was erased", "Read what it made."),
    StillRunning: Problem(
        409, "still-running", "The first request with this Idempotency-Key is still running", "Ask again in a moment."
    ),
    errors.Unknown: UNKNOWN,
    books.TransactionUnknown: UNKNOWN,
    AmendmentContradicted: Problem(
        409,
        "amendment-contradicted",
        "The amendment was recorded with other content",
        "Use a new `amendment_id` for another amendment.",
    ),
    AttributionRefused: Problem(
        409,
        "attribution-refused",
        "Rules say no to this referral",
        "Name in `overrule` each reason that you set aside, if you may.",
    ),
    OrderStands: Problem(409, "order-stands", "The order was not voided", "Read it: nothing needs to be reopened."),
    OrderVoided: Problem(
        409, "order-voided", "The order was voided", "Reopen it first: `POST /v1/conversions/{conversion_id}/reopen`."
    ),
    VoidContradicted: Problem(
        409, "void-contradicted", "The order was voided for another reason", "Read it: it is voided already."
    ),
    RedemptionContradicted: Problem(
        409,
        "redemption-contradicted",
        "The order has a redemption with other content",
        "Use the redemption that `detail` names, or void it first.",
    ),
    ReturnContradicted: Problem(
        409,
        "return-contradicted",
        "The return was recorded with another amount",
        "Use a new `return_id` for another return.",
    ),
    NothingCaptured: Problem(
        409,
        "nothing-captured",
        "Nothing was spent of this redemption",
        "Void what is still reserved; return what was captured.",
    ),
    OrderContradicted: Problem(
        409,
        "order-contradicted",
        "The order was recorded with other content",
        "Read it with `GET /v1/conversions?order_id=`. What changed is an amendment, a later referral an attribution.",
    ),
    RefundContradicted: Problem(
        409,
        "refund-contradicted",
        "The refund was recorded with other content",
        "Use a new `refund_id` for another refund.",
    ),
    CodeTaken: Problem(409, "code-taken", "The code is taken", "Choose another code."),
    HostTaken: Problem(409, "host-taken", "The host is another program's", "Name another one, or let go of it there."),
    ProgramEnded: Problem(409, "program-ended", "The program has ended", "Ask for a link of one that is active."),
    RedemptionSettled: Problem(
        409,
        "redemption-settled",
        "The redemption has ended already",
        "Read it; captured credit is given back with a return.",
    ),
    RewardSettled: Problem(
        409, "reward-settled", "The reward is past this review", "Read it: only what is pending can be released."
    ),
    StatisticsBehind: Problem(
        503, "statistics-behind", "The numbers are being rolled up", "Repeat it later; `orchard worker` must run."
    ),
    TooManyExports: Problem(429, "too-many-exports", "Too many exports at once", LATER),
    TooManyImports: Problem(429, "too-many-imports", "Too many imports at once", LATER),
    OriginRefused: Problem(
        403, "origin-refused", "This key is not for that site", "Name the site's host in the program's `allowed_hosts`."
    ),
    TooManyQuestions: Problem(429, "too-many-questions", "Too many questions at once", LATER),
    ParquetMissing: Problem(
        501, "parquet-missing", "This installation writes no Parquet", "Install `orchard-referrals[parquet]`."
    ),
    books.InsufficientFunds: Problem(
        409,
        "insufficient-balance",
        "Less than that is available",
        "Ask for no more than `available` of the customer's balance.",
    ),
}
UNAVAILABLE = Problem(503, "unavailable", "The service cannot do this right now", LATER)
OUT_OF_RANGE = Problem(422, "out-of-range", "The amount would pass what the books can hold", "Use a smaller amount.")
UNEXPECTED = Problem(500, "unexpected", "Something went wrong on our side", "Report it with its `request_id`.")
_DETAILS: dict[type[Exception], str] = {books.InsufficientFunds: "The customer has less than that available."}


def answer(problem: Problem, detail: str, **more: Any) -> Response:
    """The problem as a response, `application/problem+json`."""
    g.problem = problem.kind
    document = {"type": f"/docs/problems#{problem.kind}", "title": problem.title, "status": problem.status}
    more = {"request_id": g.get("request_id"), **more}
    body = json.dumps({**document, "detail": detail, **more}, ensure_ascii=False)
    response = Response(body, problem.status, content_type="application/problem+json")
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="orchard"'
    if problem.status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def of_error(error: Exception) -> Response:
    """The answer to an error of ours."""
    g.caller = getattr(error, "caller", g.get("caller"))
    problem = PROBLEMS[type(error)]
    detail = _DETAILS.get(type(error), str(error) or problem.title)
    faults: dict[str, str] = getattr(error, "faults", {})
    errors = [{"field": field, "code": code_of(text), "message": text} for field, text in faults.items()]
    differing: list[str] = getattr(error, "fields", [])
    errors += [{"field": field, "code": "differs", "message": "It was other before."} for field in differing]
    arisen: list[str] = getattr(error, "reasons", [])
    errors += [{"field": "referral", "code": name, "message": REASONS[name].staff_text} for name in arisen]
    return answer(problem, detail, **({"errors": errors} if errors else {}))


def of_http(error: HTTPException) -> Response:
    """The answer to an error of HTTP itself, with the headers that belong to it, such as Allow."""
    given = error.get_response()
    status = given.status_code
    if status < 400:
        return Response(given.get_data(), status, dict(given.headers))
    name = error.name.lower().replace(" ", "-")
    response = answer(Problem(status, name, error.name, ""), error.description or error.name)
    for header, value in given.headers:
        if header not in ("Content-Type", "Content-Length"):
            response.headers.setdefault(header, value)
    return response


def of_database(error: Exception) -> Response:
    """The answer when the database is away, missing, read-only or not migrated. Nothing has changed."""
    if isinstance(error, IntegrityError) and "ck_balance_range" in str(error.orig):
        return answer(OUT_OF_RANGE, OUT_OF_RANGE.title + ".")
    if not _means_away(error):
        return of_surprise(error)
    log.error("database unavailable: %s", _without_values(error))
    return answer(UNAVAILABLE, "Nothing has changed. Please try again in a moment.")


def _without_values(error: Exception) -> str:
    """What a database error is about, without the values that its message may carry."""
    cause = getattr(error, "orig", error)
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code or ''} {constraint or ''}".strip()


def _means_away(error: Exception) -> bool:
    cause = getattr(error, "orig", error)
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    away = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, RaceLost)
    return isinstance(error, away) or state in NO_DATABASE_OF_OURS


def of_surprise(error: Exception) -> Response:
    """The answer to what should not happen. The log has the rest."""
    shown = _without_values(error) if isinstance(error, DBAPIError | psycopg.Error) else None
    log.error("unexpected error on %s %s: %s", request.method, request.url_rule, shown, exc_info=shown is None)
    return answer(UNEXPECTED, "It has been logged. Nothing has changed.")


def register(app: Flask) -> None:
    """Answer every error of the app with a problem."""
    for kind in PROBLEMS:
        app.register_error_handler(kind, of_error)
    for kind in (DBAPIError, PoolTimeout, psycopg.Error, RaceLost):
        app.register_error_handler(kind, of_database)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_surprise)
