"""What every page shares: its headers, its style sheet, and how it is rendered."""

from pathlib import Path

from flask import Blueprint, Response, render_template, send_from_directory

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


def page(template: str, status: int, **values: object) -> Response:
    """A page for people."""
    return Response(render_template(template, **values), status, HEADERS, content_type="text/html; charset=utf-8")
