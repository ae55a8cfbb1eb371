"""What every page shares: its headers, its style sheet, and how it is rendered."""

from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, Response, g, render_template, request, send_from_directory

from service.formats import Formats, formats_for
from service.languages import catalogue

STATIC = Path(__file__).parent / "static"
SWAGGER_UI = Path(__file__).parent / "vendor" / "swagger-ui"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
blueprint = Blueprint("assets", __name__, template_folder="templates")


@blueprint.get("/assets/<path:name>")
def asset(name: str) -> Response:
    """The pages' style sheet and drawings, from us alone."""
    return send_from_directory(STATIC, name, max_age=3600)


def redirect(location: str) -> Response:
    """Lead somebody on, with the headers of a page."""
    return Response("", 302, {**HEADERS, "Location": location}, content_type="text/plain")


def page(template: str, status: int, *, policy: str | None = None, **values: object) -> Response:
    """A page for people. policy: its Content-Security-Policy, where it may do more than be read."""
    body = render_template(template, formats=formats(), **values)
    headers = {**HEADERS, "Vary": "Accept-Language"}
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    return Response(body, status, headers, content_type="text/html; charset=utf-8")


def only_over_https(response: Response) -> Response:
    """In production: browsers that were here once come by https from then on."""
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def wanted() -> list[str]:
    """The languages that the reader's browser asks for, those that they like best first."""
    return [tag for tag, quality in request.accept_languages if quality]


def speak(*tags: str | None) -> Formats:
    """Speak to the reader of this page in the first of these languages that is known."""
    g.formats = formats_for(*tags)
    return formats()


def formats() -> Formats:
    """How the reader of this page says and writes things: as their browser asks, unless somebody spoke otherwise."""
    return cast(Formats, g.formats) if "formats" in g else speak(*wanted())


def register(app: Flask) -> None:
    """Give the app's templates their words: `_`, `{% trans %}`."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    env: Any = app.jinja_env  # whose extension adds the next method
    env.install_gettext_callables(_said, _said_of_many, newstyle=True)
    app.register_blueprint(blueprint)


def _said(text: str) -> str:
    return catalogue(formats().locale.language).gettext(text)


def _said_of_many(one: str, many: str, number: int) -> str:
    return catalogue(formats().locale.language).ngettext(one, many, number)
