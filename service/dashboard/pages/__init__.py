"""/dashboard"""

import hashlib

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from service.dashboard.pages import (
    advocates,
    cohorts,
    editing,
    orchard,
    orders,
    overview,
    people,
    programs,
    reviews,
    signing,
    tables,
)
from service.dashboard.pages.frame import blueprint, csrf
from service.dashboard.tries import Tries
from service.settings import Settings
from service.web.paths import name_in_path

PAGES = (signing, overview, advocates, orchard, cohorts, orders, people, reviews, programs, editing, tables)
"""Each adds its views to the blueprint."""


class Sha256Sessions(SecureCookieSessionInterface):
    """Flask's own, with the hash that everything else here is signed with."""

    digest_method = staticmethod(hashlib.sha256)
    salt = "dashboard-session"

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """That of a page of the dashboard; other requests have none, and pay nothing for it."""
        if not request.path.startswith("/dashboard"):
            return self.make_null_session(app)
        return super().open_session(app, request)


def register(app: Flask, settings: Settings) -> None:
    """Give the app the dashboard, and the cookie by which a browser is known there.

    The cookie is signed, and holds no more than the secret of a session, of which the database keeps the hash.
    """
    app.session_interface = Sha256Sessions()
    *older, newest = settings.secret_keys
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="orchard_dashboard",
        SESSION_COOKIE_PATH="/dashboard",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["orchard-tries"] = Tries()
    csrf.init_app(app)
    app.jinja_env.filters["name_in_path"] = name_in_path
    app.register_blueprint(blueprint)
