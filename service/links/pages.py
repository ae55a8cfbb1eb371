"""GET /r/{token}: a friend follows a shared link."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request

from service.links.following import Arrival, Ended, Follower, Following, Onward, WayUnknown, Welcome
from service.links.visitors import classify
from service.web.pages import page, redirect

RETRY_AFTER_SECONDS = 5
blueprint = Blueprint("links_pages", __name__, template_folder="templates")


@blueprint.get("/r/<path:token>")
def follow_link(token: str) -> Response:
    """Record the visit and send the friend on to the shop."""
    following: Following = current_app.extensions["orchard-following"]
    visitor = classify(request.method, request.headers)
    query = request.query_string.decode("utf-8", "replace")
    follower = Follower(visitor, request.remote_addr or "", request.headers.get("User-Agent", ""), query)
    try:
        return _page_of(following.arrive(token, follower, now=datetime.now(UTC)))
    except WayUnknown:
        response = page("unavailable.html", 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _page_of(arrival: Arrival) -> Response:
    match arrival:
        case Onward(location):
            return redirect(location)
        case Welcome(greeting, onward):
            return page("greeting.html", 200, greeting=greeting, onward=onward)
        case Ended(destination_url):
            return page("gone.html", 410, destination=destination_url)
        case _:
            return page("not-found.html", 404)
