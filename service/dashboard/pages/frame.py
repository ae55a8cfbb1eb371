"""What every page of the dashboard shares: who sees it, its headers, and its errors as pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request, send_from_directory, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed, NotFound

from service.dashboard import sessions
from service.dashboard.sessions import SignedIn
from service.merchants.authentication import Caller, ScopeMissing
from service.web.call import Call
from service.web.pages import HEADERS, formats, redirect
from service.web.resource import ADMIN
from service.web.wiring import wiring

Answer = TypeVar("Answer")
SIGN_IN = "/dashboard/sign-in"
LONGEST_REMEMBERED = 1_000
"""Of an address: browsers drop a cookie of more than four thousand characters, and all that it holds."""

csrf = CSRFProtect()
blueprint = Blueprint(
    "dashboard", __name__, url_prefix="/dashboard", template_folder="../templates", static_folder="../static"
)
VENDOR = Path(__file__).parents[1] / "vendor"
OPEN = {"dashboard.vendor", "dashboard.sign_in", "dashboard.let_in", "dashboard.sign_out", "dashboard.static"}
"""What is there for who is not signed in."""

FRAME_HEADERS = {
    **HEADERS,
    "Vary": "Accept-Language, Cookie",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


@blueprint.before_request
def guard() -> Response | None:
    """Let in who is signed in, and lead others to the sign-in. A request that changes something has a CSRF token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        csrf.protect()
    if request.endpoint in OPEN:
        return None
    found = known()
    if found is None:
        session["next"] = _to_be_remembered()
        return redirect(SIGN_IN)
    g.caller = g.signed_in = found
    return None


def _to_be_remembered() -> str:
    """What is shown after the sign-in: the page that was asked for; but for a search, which may hold an address."""
    asked: str = request.environ.get("RAW_URI", request.full_path)
    is_kept = request.method == "GET" and request.endpoint != "dashboard.search" and len(asked) <= LONGEST_REMEMBERED
    return asked if is_kept else "/dashboard"


def known() -> SignedIn | None:
    """Who is signed in with this browser, if anybody."""
    secret, now = session.get("secret"), datetime.now(UTC)
    try:
        merchant_id = UUID(session.get("merchant", ""))
    except ValueError:
        return None
    with wiring().database.reading() as reading:
        found = sessions.find(reading, merchant_id, str(secret), now=now)
    if found is not None and found.seen_at < now - sessions.NOTED_EVERY:
        wiring().database.write(lambda writing: sessions.note(writing, merchant_id, str(secret), now=now))
    return found


def signed_in() -> SignedIn:
    """Who sees the page that is being made."""
    return cast(SignedIn, g.signed_in)


@contextmanager
def looking() -> Iterator[Call]:
    """One look at the database, for all that a page shows."""
    with wiring().database.reading() as reading:
        yield Call(reading, signed_in().merchant_id, datetime.now(UTC), wiring())


def writing(work: Callable[[Session, UUID], Answer]) -> Answer:
    """What work(session, merchant) answers, run in one transaction for an admin.

    Raises ScopeMissing, and what `work` raises.
    """
    must_be_admin()
    return wiring().database.write(lambda session: work(session, signed_in().merchant_id))


def must_be_admin() -> None:
    """Raise ScopeMissing for who may look only."""
    caller = signed_in()
    if not caller.is_admin:
        raise ScopeMissing(Caller(caller.merchant_id, caller.key_id, caller.scope), ADMIN)


def shown(template: str, code: int = 200, /, **values: object) -> Response:
    """A page of the dashboard."""
    body = render_template(f"dashboard/{template}", **values)
    return Response(body, code, FRAME_HEADERS, content_type="text/html; charset=utf-8")


def local_path(path: str) -> str:
    """The path, where it leads to a page of the dashboard; the first of them where it leads anywhere else."""
    parts = urlsplit(path)
    is_ours = not parts.scheme and not parts.netloc and parts.path.split("/")[:2] == ["", "dashboard"]
    return path if is_ours and "\\" not in path and parts.path.rstrip("/") != SIGN_IN else "/dashboard"


@blueprint.context_processor
def of_frame() -> dict[str, Any]:
    """What the frame of each page shows."""
    found: SignedIn | None = g.get("signed_in")
    return {"signed_in": found, "is_admin": found is not None and found.is_admin, "formats": formats()}


@blueprint.errorhandler(CSRFError)
def of_csrf(_error: CSRFError) -> Response:
    """A form that is too old, or was not ours."""
    return shown("too-old.html", 400)


@blueprint.after_request
def for_people(response: Response) -> Response:
    """A problem as a page that says the same."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.content_type != "application/problem+json":
        return response
    problem = response.get_json()
    body = render_template("dashboard/problem.html", problem=problem)
    response.set_data(body)
    response.content_type = "text/html; charset=utf-8"
    response.headers.update(FRAME_HEADERS)
    return response


@blueprint.get("/vendor/<path:name>")
def vendor(name: str) -> Response:
    """The plots' library, from us alone."""
    return send_from_directory(VENDOR, name, max_age=86_400)


@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nowhere(rest: str) -> Response:
    """A page that there is not; or one that is there to be looked at."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed
    raise NotFound(f"There is no page {rest[:80]!r}.")
