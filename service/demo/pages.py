"""A make-believe shop, so that the demo's links lead somewhere. Never in production."""

from flask import Blueprint, Response, request

from service.demo.preparation import kept_names
from service.web.pages import page, redirect
from service.web.wiring import wiring

blueprint = Blueprint("demo", __name__, template_folder="templates")


@blueprint.get("/demo")
def start() -> Response:
    """Ana's link, once `make run` has made it."""
    link = kept_names().get("link")
    return page("no-demo.html", 404) if link is None else redirect(link)


@blueprint.get("/demo/shop")
def shop() -> Response:
    """Where the demo's friends arrive: it shows the referral that came with them, and what to paste next."""
    base_url = wiring().settings.base_url
    return page("demo-shop.html", 200, referral=request.args.get("referral", ""), base_url=base_url)
