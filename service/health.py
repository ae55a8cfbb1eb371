"""/, /livez, /readyz, /openapi.yaml and /docs: what operators and integrators ask first."""

from flask import Blueprint, Response, current_app, render_template, send_from_directory

from service import __version__
from service.migrations import schema
from service.problems import OUT_OF_RANGE, PROBLEMS, UNAVAILABLE, UNEXPECTED, Problem, answer
from service.web.pages import HEADERS, SWAGGER_UI, page
from service.web.rendering import Answer, rendered
from service.web.wiring import wiring

NOT_READY = Problem(
    503, "not-ready", "The database is not ready", "Run `orchard db upgrade`, or bring the database back."
)
ELSEWHERE = (UNAVAILABLE, OUT_OF_RANGE, NOT_READY, UNEXPECTED)
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DOCS_HEADERS = {**HEADERS, "Content-Security-Policy": DOCS_CSP}
blueprint = Blueprint("service", __name__)


@blueprint.get("/")
def index() -> Response:
    """What this is, and where to go on."""
    return page("index.html", 200, version=__version__, has_demo="demo" in current_app.blueprints)


@blueprint.get("/livez")
def livez() -> Response:
    """Whether the process lives."""
    return rendered(Answer({"status": "ok"}))


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the database is reachable, and of a version that this release works with."""
    state = schema.state(wiring().database)
    if state is None:
        return answer(NOT_READY, "It cannot be reached, or is being upgraded.")
    if state.fault:
        return answer(NOT_READY, state.fault)
    if not wiring().database.takes_writes():
        return answer(NOT_READY, "It takes no writes: it is a standby, or may only be read.")
    return rendered(Answer({"status": "ok"}))


@blueprint.get("/openapi.yaml")
def openapi() -> Response:
    """The contract for machines."""
    return Response(current_app.extensions["orchard-openapi"](), content_type="application/yaml")


@blueprint.get("/docs")
@blueprint.get("/docs/")
def docs() -> Response:
    """The contract for people."""
    return Response(render_template("docs.html"), 200, DOCS_HEADERS, content_type="text/html; charset=utf-8")


@blueprint.get("/docs/problems")
def problems() -> Response:
    """What each problem type means; where the `type` of an answer leads."""
    kinds = {problem.kind: problem for problem in (*PROBLEMS.values(), *ELSEWHERE)}
    text = render_template("problems.html", problems=sorted(kinds.values(), key=lambda problem: problem.kind))
    return Response(text, 200, DOCS_HEADERS, content_type="text/html; charset=utf-8")


@blueprint.get("/docs/assets/<path:name>")
def docs_asset(name: str) -> Response:
    """What the docs page needs, from us alone."""
    return send_from_directory(SWAGGER_UI, name, max_age=3600)
