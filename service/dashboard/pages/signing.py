"""Signing in with a key, and out."""

from datetime import UTC, datetime

from flask import Response, current_app, request, session

from service.dashboard import sessions
from service.dashboard.pages.frame import SIGN_IN, blueprint, known, local_path, shown
from service.dashboard.tries import Tries
from service.languages import message
from service.merchants.authentication import KeyMissing, KeyRefused, KeyRevoked, KeyUnknown, ScopeMissing, authenticate
from service.web.pages import formats, redirect
from service.web.resource import MARKETING
from service.web.wiring import wiring

WORDS: dict[type[Exception], str] = {
    KeyMissing: message("Please give your key."),
    KeyUnknown: message("That is not a key of ours. Compare it, to its last character, with the one you were given."),
    KeyRevoked: message("This key was revoked. An administrator can give you a new one."),
    ScopeMissing: message("That is a key of the checkout. The dashboard opens with a marketing or an admin key."),
}
"""What is said here of errors whose own words are for programs."""

TOO_OFTEN = message("That was too often. Please try again in %(seconds)s seconds.")


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Ask for a key."""
    return redirect("/dashboard") if known() else shown("sign-in.html", fault=None)


@blueprint.post("/sign-in")
def let_in() -> Response:
    """Let the holder of a key in."""
    tries: Tries = current_app.extensions["orchard-tries"]
    who, database = request.remote_addr or "", wiring().database
    if wait := tries.seconds_to_wait(who):
        response = shown("sign-in.html", 429, fault=formats().say(TOO_OFTEN, seconds=wait))
        response.headers["Retry-After"] = str(wait)
        return response
    try:
        caller = authenticate(database, f"Bearer {request.form.get('key', '')}", MARKETING)
    except (KeyRefused, ScopeMissing) as error:
        tries.failed(who)
        status = 403 if isinstance(error, ScopeMissing) else 401
        return shown("sign-in.html", status, fault=formats().say(WORDS[type(error)]))
    if (before := known()) is not None:
        old = session["secret"]
        database.write(lambda writing: sessions.end(writing, before.merchant_id, old))
    now, target = datetime.now(UTC), local_path(session.get("next", "/dashboard"))
    secret = database.write(lambda writing: sessions.begin(writing, caller.merchant_id, caller.key_id, now=now))
    session.clear()  # nothing that the browser had before is worth anything now
    session.update(merchant=str(caller.merchant_id), secret=secret)
    return redirect(target)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Let the browser be nobody's."""
    found = known()
    if found is not None:
        secret = session["secret"]
        wiring().database.write(lambda writing: sessions.end(writing, found.merchant_id, secret))
    session.clear()
    return redirect(SIGN_IN)
