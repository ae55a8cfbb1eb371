"""Of a person, strangers see a first name, and machines that keep logs nothing at all."""

import logging
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.shop import BROWSER, Shop

SEEDED = ("surname-zq", "mailbox-zq", "customer-zq", "friend-zq", "metadata-zq")


def everything(answer: Any) -> str:
    return f"{answer.headers} {answer.data.decode('utf-8', 'replace')}"


def test_nothing_but_a_first_name_comes_out(
    shop: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    person = {"first_name": "Wilhelmina", "email": "mailbox-zq@example.com", "locale": "de"}
    program = shop.program(landing="page", metadata={"note": "metadata-zq"})
    link = shop.link(program, "customer-zq-surname-zq", customer=person, metadata={"note": "metadata-zq"})
    visit = re.findall(r"referral=([^\"&#]+)", shop.follow(link).text)[0]
    shop.order("friend-zq", referral=visit, customer={"email": "friend-zq@example.com"})
    token = link["url"].partition("/r/")[2]
    short = urlsplit(link["short_url"]).path
    paths = (f"/r/{token}", short, f"/cards/{token}.png", f"{short}x", "/r/x")
    seen = [
        everything(shop._send(path, method="GET", headers={"User-Agent": agent}))
        for agent in (BROWSER, "WhatsApp/2", "curl/8")
        for path in paths
    ]
    for status in ("paused", "ended"):
        shop.patch(f"/programs/{program['program_id']}", {"status": status})
        seen.append(everything(shop._send(f"/r/{token}", method="GET", headers={"User-Agent": BROWSER})))
    said = capfd.readouterr()
    logged = caplog.text + said.out + said.err
    assert "Wilhelmina" in "".join(seen)
    assert "Wilhelmina" not in logged
    for secret in SEEDED:
        assert not [text for text in seen if secret in text]
        assert secret not in logged
    for address in (link["url"], link["short_url"]):
        assert not any(secret in address.lower() for secret in SEEDED)
    assert token not in logged
