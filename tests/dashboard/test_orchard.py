"""The orchard: the same figures as the ranking, drawn one by one or by groves, and as a table."""

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from babel import Locale
from flask import Flask

from service.dashboard import orchard
from service.dashboard.orchard import Branch
from service.dashboard.pages import orchard as page
from service.formats import Formats
from tests.dashboard.test_pages import rows_of
from tests.dashboard.visitor import Visitor, visitor_of
from tests.shop import Shop

CAME = datetime(2026, 5, 1, tzinfo=UTC)
ENGLISH = Formats(Locale("en"))
TREE = re.compile(r'<li><a href="([^"]+)">(<svg.*?</svg>)<strong><bdi>(.*?)</bdi></strong></a>(.*?)</li>')


def trees_of(text: str) -> list[tuple[str, str, str]]:
    """(where it leads, name, what is said) of each tree of a page."""
    return [
        (href, html.unescape(name), " ".join(re.findall(r"<span>(.*?)</span>", said)))
        for href, _, name, said in TREE.findall(text)
    ]


@pytest.fixture
def grown(shop: Shop) -> dict[str, Any]:
    """Ana brought three friends, one of whom brought another; Bob brought one long ago, who gave everything back."""
    program = shop.program()
    ana = shop.link(program, "ana", customer={"first_name": "<i>Ana</i>"})
    for number in range(3):
        shop.order(f"friend-{number}", referral=ana["code"], amount=3000 + number)
    fay = shop.link(program, "friend-1", customer={"first_name": "Fay"})
    shop.order("last", referral=fay["code"], amount=2000)
    long_ago = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    bob = shop.link(program, "b/ob ü", customer={"first_name": "Bob"})
    order = shop.order("old", referral=bob["code"], ordered_at=long_ago)
    shop.refund(order, order["amount"], "all")
    return program


def test_a_small_orchard_shows_every_tree(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    text = marketer.get("/orchard").text
    assert trees_of(text) == [
        ("/dashboard/people/ana", "<i>Ana</i>", "3 friends €90.03 3 new"),
        ("/dashboard/people/friend-1", "Fay", "one friend €20.00 one new"),
        ("/dashboard/people/b%2Fob%20%C3%BC", "Bob", "one friend €0.00"),
    ]
    assert "Advocates: 3. Friends whom they brought: 5." in text
    assert "Won a friend in the last 30 days: 2.</a> Those whose friends left nothing: 1." in text
    drawn = [svg for _, svg, _, _ in TREE.findall(text)]
    assert [svg.count('class="fruit"') for svg in drawn] == [3, 1, 0]
    assert [svg.count('class="blossom"') for svg in drawn] == [3, 1, 0]
    assert [svg.count('class="crown"') for svg in drawn] == [1, 1, 0], "a tree whose friends left nothing is bare"
    for href, _, _ in trees_of(text):
        assert marketer.get(href.removeprefix("/dashboard")).status_code == 200


def test_its_table_says_the_same_as_the_ranking(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    text = marketer.get("/orchard").text
    ranked = shop.get("/stats/advocates", scope="marketing")["data"]
    rows = rows_of(text, "groves")
    assert [(row["friends_each"], row["advocates"], row["friends"]) for row in rows] == [
        ("3-5", "1", "3"),
        ("1-1", "2", "2"),
    ]
    assert sum(int(row["friends"]) for row in rows) == sum(one["friends"] for one in ranked)
    assert sum(round(100 * float(row["net_lifetime_value"])) for row in rows) == sum(
        one["net_lifetime_value"] for one in ranked
    )
    assert sum(round(100 * float(row["rewards"])) for row in rows) == sum(one["rewards"] for one in ranked)
    file = marketer.get("/tables/orchard.csv")
    assert [row["net_lifetime_value"] for row in csv.DictReader(io.StringIO(file.text.lstrip("\ufeff")))] == [
        row["net_lifetime_value"] for row in rows
    ]


def test_a_large_orchard_is_told_by_groves(
    shop: Shop, grown: dict[str, Any], marketer: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_TREES", 1)
    monkeypatch.setattr(page, "FIRST_OF_GROVE", 1)
    text = marketer.get("/orchard").text
    assert re.findall(r'<h2 id="bed-\d">(.*?)</h2>', text) == ["3 to 5 friends each", "one friend each"]
    assert [name for _, name, _ in trees_of(text)] == ["<i>Ana</i>", "Fay"]
    assert re.findall(r'<a href="(\?friends=[^"]*)">All (\d+) trees', text) == [("?friends=1-1", "2")]
    names, address = [], "?friends=1-1"
    while address:
        text = marketer.get(f"/orchard{html.unescape(address)}").text
        names += [name for _, name, _ in trees_of(text)]
        address = next(iter(re.findall(r'<a href="([^"]*cursor=[^"]*)">The next ones', text)), "")
    assert names == ["Fay", "Bob"]


def test_it_is_cut_by_program_and_by_currency(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    other = shop.program(name="Yen", currency="JPY", advocate_reward=None, friend_reward=None)
    jo = shop.link(other, "jo", customer={"first_name": "Jo"})
    shop.order("kim", referral=jo["code"], amount=900, currency="JPY")
    assert trees_of(marketer.get("/orchard?currency=JPY").text) == [
        ("/dashboard/people/jo", "Jo", "one friend ¥900 one new")
    ]
    assert len(trees_of(marketer.get(f"/orchard?program_id={grown['program_id']}").text)) == 3
    assert trees_of(marketer.get(f"/orchard?program_id={other['program_id']}").text) == []
    assert trees_of(marketer.get("/orchard?channel=none").text) == []


def test_a_tree_has_the_branches_that_are_counted(shop: Shop, marketer: Visitor) -> None:
    programs = [shop.program(name=name, other_currencies={"JPY": {}}) for name in ("A", "B")]
    links = {
        (program["name"], channel): shop.link(program, "ana", channel=channel, customer={"first_name": "Ana"})["code"]
        for program in programs
        for channel in ("mail", "chat")
    }
    for number, (program, channel) in enumerate((("A", "mail"), ("A", "mail"), ("A", "chat"), ("B", "mail"))):
        shop.order(f"f-{number}", referral=links[program, channel], amount=1000)
    yen = shop.order("y", referral=links["A", "mail"], amount=500, currency="JPY")
    shop.order("y", amount=700)
    voided = shop.order("v", referral=links["A", "mail"], amount=1000)
    shop.post("/voids", {"order_id": voided["order_id"], "reason": "fraud"}, status=200)
    assert yen["status"] == "attributed"
    first = programs[0]["program_id"]
    for query in ("", f"program_id={first}", "channel=mail", f"program_id={first}&channel=chat", "currency=JPY"):
        [ranked] = [
            one for one in shop.get(f"/stats/advocates?{query}", scope="marketing")["data"] if one["friends"] > 0
        ]
        text = marketer.get(f"/orchard?{query}").text
        [(_, svg, _, said)] = TREE.findall(text)
        drawn = len(re.findall("M60 ", svg.split('class="wood"')[1]))
        assert drawn == ranked["friends"], query
        new = "one new" if drawn == 1 else f"{drawn} new"
        assert f"<span>{new}</span>" in said
    person = marketer.get("/people/ana").text
    [friends] = re.findall(r'<h2 id="friends-title">.*?</section>', person, re.S)
    assert re.findall(r"<bdi>(\S+)</bdi></a>", friends) == ["v", "y", "f-3", "f-2", "f-1", "f-0"], "each is told there"
    assert friends.count(", new") == 4


def test_a_friend_is_new_as_long_as_the_days_of_the_merchant_say(
    shop: Shop, marketer: Visitor, time_machine: Any
) -> None:
    code = shop.link(shop.program(), "ana", customer={"first_name": "Ana"})["code"]
    now = datetime.now(UTC)
    for number, day in enumerate((29, 30)):
        midnight = (now - timedelta(days=day)).replace(hour=0, minute=0, second=1, microsecond=0)
        shop.order(f"f-{number}", referral=code, ordered_at=midnight.isoformat())
    text = marketer.get("/orchard").text
    assert trees_of(text)[0][2].endswith("one new")
    assert "Won a friend in the last 30 days: 1." in text


def test_an_empty_orchard_says_how_to_plant_it(marketer: Visitor) -> None:
    assert "Nothing grows here yet" in marketer.get("/orchard").text
    assert marketer.get("/tables/orchard.csv").text.count("\n") == 1


@pytest.mark.parametrize("friends", ["x", "1", "-", "3-x", "9" * 30 + "-", "1-1%00"])
def test_a_grove_that_is_none_is_refused(marketer: Visitor, friends: str) -> None:
    assert marketer.get(f"/orchard?friends={friends}").status_code == 422


def test_a_grove_in_which_nobody_is_is_empty(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    for stale in ("77-78", "1-5", "51-"):
        text = marketer.get(f"/orchard?friends={stale}").text
        assert "No tree is of this size now" in text
        assert len(rows_of(text, "groves")) == 2
    everybody = shop.get("/stats/advocates?limit=1", scope="marketing")["next_cursor"]
    assert len(trees_of(marketer.get(f"/orchard?cursor={everybody}").text)) == 3
    assert marketer.get("/orchard?friends=1-1&cursor=x").status_code == 422


def test_another_merchants_trees_are_not_there(app: Flask, grown: dict[str, Any], new_shop: Callable[[], Shop]) -> None:
    stranger = visitor_of(app, new_shop())
    assert trees_of(stranger.get("/orchard").text) == []
    assert stranger.get(f"/orchard?program_id={grown['program_id']}").status_code == 404


def test_a_persons_page_has_their_tree(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    text = marketer.get("/people/ana").text
    assert text.count('class="fruit"') == 3
    assert ": €30.01, new" in text
    assert 'class="tree"' not in marketer.get("/people/last").text


@pytest.mark.parametrize("many", [1, 2, 3, 10, 24])
def test_a_tree_stays_within_its_drawing(many: int) -> None:
    best = 10_000
    branches = [Branch(str(number), CAME, number % 3 * 5_000, number % 2 == 0) for number in range(many)]
    drawing = orchard.drawing(branches, best)
    assert len(drawing.tips) == many
    assert drawing.wood.count("M") == many
    assert [tip.radius > 0 for tip in drawing.tips] == [branch.value > 0 for branch in branches]
    assert [tip.is_new for tip in drawing.tips] == [branch.is_new for branch in branches]
    for tip in drawing.tips:
        assert tip.radius <= tip.x <= 120 - tip.radius
        assert tip.radius <= tip.y <= 120 - tip.radius
    assert drawing.highest >= 0
    assert len({(tip.x, tip.y) for tip in drawing.tips}) == many, "no branch hides another"


def test_a_larger_fruit_is_worth_more_and_a_larger_tree_has_more_friends() -> None:
    drawing = orchard.drawing([Branch("a", CAME, 100, False), Branch("b", CAME, 900, False)], 900)
    assert drawing.tips[0].radius < drawing.tips[1].radius
    one, many = (orchard.drawing([Branch("a", CAME, 1, False)] * number, 1) for number in (1, 20))
    assert (one.height, one.width, one.crown) < (many.height, many.width, many.crown)
    assert orchard.best_of([]) == 1


@pytest.mark.parametrize(
    ("least", "most", "said", "named"),
    [
        (1, 1, "one friend", "1-1"),
        (2, 2, "2 friends", "2-2"),
        (3, 5, "3 to 5 friends", "3-5"),
        (1001, None, "1,001 friends or more", "1001-"),
    ],
)
def test_groves_are_named_by_their_size(least: int, most: int | None, said: str, named: str) -> None:
    grove = {"least": least, "most": most}
    assert orchard.size(grove, ENGLISH) == said
    assert orchard.size_of(grove) == named
    assert orchard.band_of(named) == {"least": str(least)} | ({"most": str(most)} if most else {})


def test_a_grove_without_any_value_has_no_share_of_it() -> None:
    grove = {"least": 1, "most": 1, "currency": "EUR", "advocates": 1, "friends": 1, "grown": 0, "bare": 1}
    [row] = orchard.table([{**grove, "net_lifetime_value": -5, "rewards": 0}], {"currency": "EUR"}, 30, ENGLISH).rows
    assert (row[0].href, row[6].text) == ("?currency=EUR&friends=1-1", "–")
