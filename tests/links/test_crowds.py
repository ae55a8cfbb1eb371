"""Of one network so many visits of a link are kept in an hour: a crowd that somebody makes up is left out, and told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from service import worker
from service.database.engine import Database
from service.links import crowds
from tests.shop import BROWSER, Shop
from tests.statistics.test_retention import choose

START = datetime(2026, 11, 3, 12, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "MOST_OF_NETWORK", 3)
    monkeypatch.setattr(crowds, "MOST_OF_NOBODY", 4)


def follow(app: Flask, link: dict[str, Any], number: int, address: str = "192.0.2.1", **headers: str) -> str:
    """Follow as another browser each time; the referral with which the friend goes on."""
    path = re.sub(r"^https?://[^/]+", "", link["url"])
    sent = {"User-Agent": f"{BROWSER} {number}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = app.test_client().get(path, headers=sent, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 302
    return re.findall(r"[?&]referral=([^&#]+)", answer.headers["Location"])[0]


def counted(shop: Shop, query: str = "") -> tuple[int, int]:
    """(visits, follows that were left out)"""
    summary = shop.get(f"/stats/summary{query}", scope="marketing")
    return summary["visits"], summary["visits_left_out"]


def test_who_changes_what_they_say_of_themselves_is_no_crowd(app: Flask, shop: Shop) -> None:
    link, other = shop.link(shop.program()), shop.link(shop.program(), "bea")
    with time_machine.travel(START, tick=False) as clock:
        referrals = [follow(app, link, number) for number in range(8)]
        assert counted(shop) == (3, 5)
        follow(app, link, 0)  # who was here before is no visitor more
        assert counted(shop) == (3, 5)
        follow(app, link, 8, address="192.0.2.2")
        follow(app, other, 8)
        assert counted(shop) == (5, 5)
        assert counted(shop, f"?program_id={other['program_id']}") == (1, 0)
        clock.move_to(START + timedelta(hours=1))
        follow(app, link, 9)
        assert counted(shop) == (6, 5)
        assert shop.order("ben", referral=referrals[-1])["status"] == "attributed"


def test_a_subnet_of_ipv6_is_one_network(app: Flask, shop: Shop) -> None:
    link = shop.link(shop.program())
    for number in range(5):
        follow(app, link, number, address=f"2001:db8:1:2:{number}::1")
    follow(app, link, 5, address="2001:db8:1:3::1")
    assert counted(shop) == (4, 2)


def test_who_asks_not_to_be_told_apart_is_of_no_network(app: Flask, shop: Shop) -> None:
    link = shop.link(shop.program())
    for number in range(6):
        follow(app, link, number, address=f"192.0.2.{number}", Sec_GPC="1")
    follow(app, link, 7)
    assert counted(shop) == (5, 2)


def test_what_was_left_out_is_told_for_good_as_all_numbers_are(app: Flask, shop: Shop, database: Database) -> None:
    link = shop.link(shop.program(), channel="mail")
    choose(database, shop, visits=10)
    with time_machine.travel(START, tick=False) as clock:
        for number in range(5):
            follow(app, link, number)
        clock.move_to(START + timedelta(days=15))
        worker.round_of_upkeep(database, now=datetime.now(UTC))
        period = "?from=2026-11-01&to=2026-11-10"
        assert counted(shop, period) == (3, 2)
        assert counted(shop, f"{period}&channel=mail") == (3, 2)
        assert counted(shop, f"{period}&channel=other") == (0, 0)
