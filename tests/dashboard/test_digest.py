"""A week as a letter: what the API says of it, in a file that needs nothing beside it, and as plain text."""

import html
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from service.dashboard import digest
from service.dashboard.digest import last_whole_week, week_of
from service.database.engine import Database
from service.migrations import schema
from tests.functional.conftest import CommandLine
from tests.serving import serving
from tests.shop import Shop, over_network

WEEK = "2026-W20"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A shop with two weeks of orders, its digests by language, and what the API says of the same days."""
    folder = tmp_path_factory.mktemp("digest")
    url = f"sqlite:///{folder / 'orchard.db'}"
    schema.upgrade(Database(url))
    command = CommandLine(url, folder)
    made = command.merchant("Tea & <b>Sons</b>")
    with serving(url, folder, workers=1) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        program = shop.program()
        link = shop.link(program, "ana", channel="mail", customer={"first_name": "<i>Ana</i>"})
        for number, day in enumerate(("05-06", "05-11", "05-13", "05-17", "05-18")):
            shop.order(f"f-{number}", referral=link["code"], amount=3000, ordered_at=f"2026-{day}T12:00:00Z")
        shop.order("ana", referral=link["code"], ordered_at="2026-05-12T12:00:00Z")
        summary = shop.get("/stats/summary?from=2026-05-11&to=2026-05-18", scope="marketing")
    files = {}
    for language in ("en", "ar"):
        printed = command("digest", "--merchant", made["merchant_id"], "--week", WEEK, "--language", language)
        files[language] = {Path(line).suffix: (folder / line).read_text() for line in printed.split()}
    return {"command": command, "made": made, "summary": summary, "files": files, "folder": folder}


def test_a_digest_says_what_the_api_says(told: dict[str, Any]) -> None:
    summary, files = told["summary"], told["files"]["en"]
    [money] = summary["money"]
    assert summary["new_customers"] == 3
    assert summary["previous"]["new_customers"] == 1
    page, text = html.unescape(re.sub(r"<[^>]+>", " ", files[".html"])), files[".txt"]
    assert "* New customers won: 3 (1 before, +200%)" in text
    for name in ("net_revenue", "cost_per_new_customer", "liability"):
        shown = f"€{money[name] / 100:.2f}"
        assert shown in page, name
        assert shown in text, name
    for said in ("week 20 of 2026", "Tea & <b>Sons</b>", "<i>Ana</i>", "mail", "Somebody referred themselves"):
        assert said in text, said
        assert said in html.unescape(files[".html"]), said
    assert "<b>Sons" not in files[".html"], "what a shop wrote is text"
    assert "from=2026-05-11&through=2026-05-17" in text


def test_a_digest_needs_nothing_beside_it(told: dict[str, Any]) -> None:
    for files in told["files"].values():
        page = files[".html"]
        assert re.findall(r"<(?:link|script|img|iframe)\b|url\(|@import|src=", page) == []
        assert page.count("<rect") == 2 * digest.WEEKS_DRAWN
        assert page.count('class="last"') == 2
        assert files[".txt"].count("<svg") == 0
    assert '<html lang="ar" dir="rtl">' in told["files"]["ar"][".html"]
    assert "الأرقام الحاسمة" in told["files"]["ar"][".html"]


def test_a_week_that_is_none_is_said_in_a_line(told: dict[str, Any]) -> None:
    assert "2026-W54 is no week that can be told" in told["command"]("digest", "--week", "2026-W54", status=1)
    assert "is not over: it ends with 2030-01-06" in told["command"]("digest", "--week", "2030-W01", status=1)
    assert "There is no merchant" in told["command"](
        "digest", "--merchant", "00000000-0000-0000-0000-000000000001", status=1
    )
    assert "does not exist" in told["command"]("digest", "--output", "nowhere", status=2)


@pytest.mark.parametrize(
    "name",
    [
        "46",
        "2026-W54",
        "2026-w46",
        "2026-W53x",
        "0000-W01",
        "2026-W00",
        "0001-W01",
        "1970-W52",
        "9000-W01",
        "9999-W52",
        "２０２６-W01",
    ],
)
def test_what_is_no_week_is_none(name: str) -> None:
    assert week_of(name) is None


def test_without_a_week_it_is_the_one_that_ended_last(told: dict[str, Any]) -> None:
    printed = told["command"]("digest")
    assert f"digest-{last_whole_week(datetime.now(UTC).date()).name}-{told['made']['merchant_id']}.html" in printed


@pytest.mark.parametrize(
    ("today", "name"),
    [("2026-11-26", "2026-W47"), ("2026-11-23", "2026-W47"), ("2026-11-22", "2026-W46"), ("2027-01-04", "2026-W53")],
)
def test_a_week_ends_on_its_sunday(today: str, name: str) -> None:
    week = last_whole_week(date.fromisoformat(today))
    assert week.name == name
    assert week == week_of(name)
    assert week.last < date.fromisoformat(today)
    assert (week.first.isoweekday(), week.last.isoweekday()) == (1, 7)
    assert (week.first - week.drawn_from).days == 7 * (digest.WEEKS_DRAWN - 1)


def test_bars_are_as_high_as_what_they_tell() -> None:
    found = digest.bars([0, 5, 10, -3])
    assert [bar.height for bar in found] == [1, 48, 96, 1]
    assert [bar.y + bar.height for bar in found] == [digest.HEIGHT] * 4
    assert [bar.is_last for bar in found] == [False, False, False, True]
    assert found[-1].x + found[-1].width <= digest.WIDTH
    assert digest.bars([0])[0].height == 1
