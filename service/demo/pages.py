"""A make-believe shop of three pages and an account, so that a referral can be clicked through. Never in production."""

import json
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.test import Client

from service.demo.preparation import kept_names
from service.demo.shop import WARES, ShopServer, Ware, customer_id, encoded, price
from service.ids import new_id
from service.values import LONGEST_FIRST_NAME, fault_of_name, fault_of_shown
from service.web.pages import page, redirect
from service.web.wiring import wiring

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
blueprint = Blueprint(
    "demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static", static_url_path="/static"
)


@blueprint.get("")
def start() -> Response:
    """Ana's link, once `make run` has made it."""
    link = kept_names().get("link")
    return page("no-demo.html", 404) if link is None else redirect(link)


@blueprint.get("/shop")
def shelf() -> Response:
    """Where the demo's friends arrive."""
    return _shown("demo/shelf.html", wares=WARES)


@blueprint.get("/shop/basket")
def basket() -> Response:
    """One thing in the basket, and who buys it."""
    return _shown("demo/basket.html", ware=_ware(), ware_id=request.args["ware"], order_id=f"demo-{new_id().hex[-10:]}")


@blueprint.post("/shop/order")
def order() -> Response:
    """Order it: the shop's server asks the service, and says thank you."""
    server, name, form = _server(), _name(request.form.get("name", "")), request.form
    referral = form.get("code", "").strip() or form.get("referral", "")
    order_id = form.get("order_id", "")
    recorded = server.order(order_id, _ware(), name, referral, uses_credit="credit" in form)
    if recorded.status not in (200, 201):
        abort(422, f"The service said no: {recorded.answer.get('detail')}")
    return _thanked(server, recorded.answer, name)


@blueprint.post("/shop/refund")
def refund() -> Response:
    """Half of the order comes back."""
    server, name, form = _server(), _name(request.form.get("name", "")), request.form
    found = server.ask("GET", f"/conversions?order_id={encoded(form.get('order_id', ''))}")
    if found.status != 200 or not found.answer["data"]:
        abort(404)
    conversion = found.answer["data"][0]
    asked = {"refund_id": "half", "amount": conversion["amount"] // 2}
    server.ask("POST", f"/conversions/{conversion['conversion_id']}/refunds", asked)
    after = server.ask("GET", f"/conversions/{conversion['conversion_id']}").answer
    return _thanked(server, after, name)


@blueprint.get("/shop/account")
def account() -> Response:
    """A customer's account, with their share page as a part of it."""
    if not request.args.get("name"):
        return redirect("/demo/shop/account?name=Ana")
    server, name = _server(), _name(request.args["name"])
    path = f"/customers/{encoded(customer_id(name))}"
    server.ask("PUT", path, {"first_name": name})
    base_url = wiring().settings.base_url
    asked = {"program_id": kept_names()["program"], "return_url": f"{base_url}/demo/shop"}
    address = server.ask("POST", f"{path}/share-page", asked).answer["url"]
    return _shown("demo/account.html", name=name, address=address, said=server.said)


def _thanked(server: ShopServer, conversion: dict[str, Any], name: str) -> Response:
    return _shown("demo/thanks.html", conversion=conversion, name=name, spent=server.spent, said=server.said)


def _server() -> ShopServer:
    kept = kept_names()
    if "checkout" not in kept:
        abort(404)
    return ShopServer(Client(current_app.wsgi_app), kept["checkout"])


def _ware() -> Ware:
    found = WARES.get(request.values.get("ware", ""))
    if found is None:
        abort(404)
    return found


def _name(first_name: str) -> str:
    if fault_of_shown(first_name, most=LONGEST_FIRST_NAME) or fault_of_name(customer_id(first_name)):
        abort(422, "The demo shop needs a first name.")
    return first_name.strip()


def _shown(template: str, **values: object) -> Response:
    key = kept_names().get("public", "")
    return page(template, 200, policy=POLICY, key=key, price=price, pretty=_pretty, shop_name="Demo Shop", **values)


def _pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
