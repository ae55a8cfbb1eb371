"""A shop that uses the service as its users do, over HTTP."""

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import requests

BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
FIXED = {"type": "fixed", "amount": 1000}
TEN_PERCENT = {"type": "percent", "rate": "10.00"}
_numbers = itertools.count(1)


def over_network(base_url: str) -> Callable[..., Any]:
    """Sends requests to a running server."""

    def send(path: str, *, method: str, headers: dict[str, str], **more: Any) -> Any:
        return requests.request(method, base_url + path, headers=headers, timeout=60, allow_redirects=False, **more)

    return send


class Shop:
    """One merchant with its keys."""

    def __init__(self, send: Callable[..., Any], keys: Mapping[Any, str], merchant_id: UUID | str) -> None:
        self._send = send
        self.keys = keys
        self.merchant_id = UUID(str(merchant_id))

    def call(self, method: str, path: str, body: Any = None, *, scope: str = "admin", **headers: str) -> Any:
        """One request with the key of this scope; the response."""
        sent = {"Authorization": f"Bearer {self.keys[scope]}"} if scope else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        more = {"json": body} if body is not None else {}
        return self._send(f"/v1{path}", method=method, headers=sent, **more)

    def get(self, path: str, *, status: int = 200, **more: Any) -> Any:
        """The document at this path."""
        return self._expect(self.call("GET", path, **more), status)

    def post(self, path: str, body: Any = None, *, status: int = 201, **more: Any) -> Any:
        """The document that answers this."""
        return self._expect(self.call("POST", path, body, **more), status)

    def patch(self, path: str, body: Any, *, status: int = 200) -> Any:
        """The document that answers this."""
        return self._expect(self.call("PATCH", path, body), status)

    def put(self, path: str, body: Any, *, status: int = 200) -> Any:
        """The document that answers this."""
        return self._expect(self.call("PUT", path, body), status)

    @staticmethod
    def _expect(response: Any, status: int) -> Any:
        assert response.status_code == status, (response.status_code, response.text)
        return response.json() if callable(response.json) else response.json

    def program(self, **fields: Any) -> dict[str, Any]:
        """A new program; both sides get EUR 10 as credit, with no hold, unless said otherwise."""
        body = {
            "name": "Friends",
            "currency": "EUR",
            "destination_url": "https://shop.example/welcome?a=1#top",
            "advocate_reward": FIXED,
            "friend_reward": FIXED,
            "hold_days": 0,
            **fields,
        }
        return self.post("/programs", body)

    def link(self, program: dict[str, Any], advocate: str = "ana", **fields: Any) -> dict[str, Any]:
        """An advocate's link."""
        person = {"customer_id": advocate, "first_name": "Ana", **fields.pop("customer", {})}
        body = {"program_id": program["program_id"], "customer": person, **fields}
        response = self.call("POST", "/links", body)
        assert response.status_code in (200, 201), response.text
        return self._expect(response, response.status_code)

    def follow(self, link: dict[str, Any], **headers: str) -> Any:
        """Follow a link as a person's browser does; the response."""
        path = re.sub(r"^https?://[^/]+", "", link["url"])
        sent = {"User-Agent": BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self._send(path, method="GET", headers=sent)

    def visit(self, link: dict[str, Any], **headers: str) -> str:
        """Follow a link; the visit token that the shop gets."""
        response = self.follow(link, **headers)
        assert response.status_code == 302, response.text
        return re.findall(r"[?&]referral=([^&#]+)", response.headers["Location"])[0]

    def order(self, buyer: str | None = None, *, status: int = 201, **fields: Any) -> dict[str, Any]:
        """Report an order of EUR 50, unless said otherwise."""
        number = next(_numbers)
        person = {"customer_id": buyer or f"friend-{number}", **fields.pop("customer", {})}
        body = {"order_id": f"order-{number}", "amount": 5000, "currency": "EUR", "customer": person, **fields}
        return self.post("/conversions", body, status=status, scope="checkout")

    def orders(self) -> dict[str, dict[str, Any]]:
        """order -> its conversion, of all that were reported, each of which is there once."""
        recorded: dict[str, dict[str, Any]] = {}
        cursor = ""
        while cursor is not None:
            page = self.get(f"/conversions?limit=200{cursor and '&cursor='}{cursor}")
            for conversion in page["data"]:
                assert conversion["order_id"] not in recorded
                recorded[conversion["order_id"]] = conversion
            cursor = page["next_cursor"]
        return recorded

    def balance(self, customer: str, currency: str = "EUR") -> dict[str, int]:
        """What a customer has in a currency."""
        found = self.get(f"/customers/{customer}/balance", scope="checkout")["balances"]
        return next((balance for balance in found if balance["currency"] == currency), {})

    def available(self, customer: str) -> int:
        """What a customer can spend."""
        return self.balance(customer).get("available", 0)

    def refund(self, conversion: dict[str, Any], amount: int, refund_id: str, *, status: int = 201) -> Any:
        """Report a refund."""
        body = {"refund_id": refund_id, "amount": amount}
        return self.post(f"/conversions/{conversion['conversion_id']}/refunds", body, status=status)

    def reserve(self, customer: str, amount: int, *, status: int = 201, currency: str = "EUR") -> Any:
        """Set balance aside."""
        body = {"customer_id": customer, "amount": amount, "currency": currency}
        return self.post("/redemptions", body, status=status, scope="checkout")
