"""The make-believe shop's own server: what it sells, and what it asks the service, as over HTTP."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from werkzeug.test import Client

from service.currencies import shown
from service.demo.telling import CURRENCY


@dataclass(frozen=True, slots=True)
class Ware:
    """Something on the shelf. amount: minor units."""

    name: str
    amount: int


WARES = {"tea": Ware("Morning tea", 1800), "pot": Ware("A round teapot", 4500), "cups": Ware("Two cups", 2500)}


@dataclass(frozen=True, slots=True)
class Said:
    """One request of the shop's and its answer, for a newcomer to read."""

    method: str
    path: str
    body: Any
    status: int
    answer: Any


class ShopServer:
    """Asks the service, and keeps what was said. key: a checkout key. spent: credit that paid, in minor units."""

    def __init__(self, client: Client, key: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}
        self.said: list[Said] = []
        self.spent = 0

    def ask(self, method: str, path: str, body: Any = None) -> Said:
        """One request."""
        more = {} if body is None else {"json": body}
        response = self._client.open(f"/v1{path}", method=method, headers=self._headers, **more)
        self.said.append(Said(method, f"/v1{path}", body, response.status_code, response.json))
        return self.said[-1]

    def available(self, customer_id: str) -> int:
        """What a customer can spend, in minor units; 0 for one whom nobody knows."""
        said = self.ask("GET", f"/customers/{encoded(customer_id)}/balance")
        balances = said.answer["balances"] if said.status == 200 else []
        return next((int(one["available"]) for one in balances if one["currency"] == CURRENCY), 0)

    def order(self, order_id: str, ware: Ware, first_name: str, referral: str, *, uses_credit: bool) -> Said:
        """What a shop does at a checkout: ask for a quote, take off what it says, report the order, spend credit."""
        customer = {"customer_id": customer_id(first_name), "first_name": first_name}
        amount = ware.amount
        order = {"order_id": order_id, "amount": amount, "currency": CURRENCY, "customer": customer}
        if referral:
            asked = {"referral": referral, "amount": amount, "currency": CURRENCY, "customer": customer}
            quoted = self.ask("POST", "/quotes", asked)
            if quoted.status == 200:
                order |= {"amount": quoted.answer["payable_amount"], "referral": quoted.answer["quote"] or referral}
        recorded = self.ask("POST", "/conversions", order)
        if uses_credit and recorded.status in (200, 201):
            self._spend(order_id, customer["customer_id"], recorded.answer["amount"])
        return recorded

    def _spend(self, order_id: str, customer_id: str, amount: int) -> None:
        spent = min(amount, self.available(customer_id))
        if spent:
            asked = {"customer_id": customer_id, "amount": spent, "currency": CURRENCY, "order_id": order_id}
            reserved = self.ask("POST", "/redemptions", asked)
            if reserved.status in (200, 201):
                self.ask("POST", f"/redemptions/{reserved.answer['redemption_id']}/capture", {})
                self.spent = spent


def customer_id(first_name: str) -> str:
    """How the shop names a customer of this first name."""
    return first_name.strip().lower()


def encoded(name: str) -> str:
    """A name of the shop's, as a part of an address."""
    return quote(name, safe="")


def price(amount: int) -> str:
    """Minor units, as the shop writes them."""
    return shown(amount, CURRENCY, "en", is_short=False)
