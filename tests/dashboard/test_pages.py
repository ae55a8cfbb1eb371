"""What the pages show: what the API says, of this merchant alone, and as text whatever it holds."""

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.dashboard.words import REASONS
from service.database.engine import Database
from service.events import events
from service.programs.tables import Program, ProgramTerms
from service.statistics import rolling
from tests.dashboard.visitor import Visitor
from tests.shop import Shop

Enter = Callable[..., Visitor]
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def grown(shop: Shop) -> dict[str, Any]:
    """A shop with some of everything."""
    program = shop.program(name="Friends & Co", hold_days=14)
    link = shop.link(program, "ana", channel="mail", customer={"first_name": "Ana", "email": "ana.b+x@gmail.com"})
    shop.visit(link)
    order = shop.order("ben", referral=link["code"], amount=5000, customer={"first_name": "Ben"})
    shop.order("ben", amount=7000)
    shop.order("ana", referral=link["code"])
    shop.order("cleo", referral="NOSUCH")
    shop.refund(order, 1000, "r-1")
    return {"program": program, "link": link, "order": order}


def figures(text: str, name: str) -> list[str]:
    """The numbers of a card, as they are shown."""
    [card] = re.findall(rf'<article class="card" id="{name}">(.*?)</article>', text, re.S)
    return [html.unescape(found) for found in re.findall(r'<p class="figure">(.*?)</p>', card)]


def rows_of(text: str, name: str) -> list[dict[str, str]]:
    """The table's rows: column -> the value behind what is shown."""
    [table] = re.findall(rf'<table id="{name}".*?</table>', text, re.S)
    names = re.findall(r'data-name="([^"]*)"', table)
    values = [re.findall(r'data-value="([^"]*)"', row) for row in table.split("<tr>")[2:]]
    return [dict(zip(names, map(html.unescape, row), strict=True)) for row in values]


def test_every_number_of_the_first_page_is_the_apis(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    today = datetime.now(UTC).date()
    days = f"from={today - timedelta(days=27)}&to={today + timedelta(days=1)}"
    page = marketer.get("").text
    summary = shop.get(f"/stats/summary?{days}", scope="marketing")
    [money] = summary["money"]
    assert figures(page, "new_customers") == [str(summary["new_customers"])] == ["1"]
    for name in ("net_revenue", "cost_per_new_customer", "liability"):
        assert figures(page, name) == [f"€{money[name] / 100:.2f}"], name
    funnel = dict(re.findall(r'<li data-name="(\w+)">.*?<span class="number">(\d+)</span>', page))
    assert funnel == {name: str(summary[name]) for name in funnel}
    assert len(funnel) == 6
    series = shop.get(f"/stats/timeseries?interval=day&{days}", scope="marketing")["data"]
    for row, piece in zip(rows_of(page, "series"), series, strict=True):
        assert row["start"] == piece["start"]
        for name in ("visits", "referred_orders", "new_customers", "clients"):
            assert row[name] == str(piece[name])
        for of in piece["money"]:
            assert float(row["net_revenue_EUR"]) * 100 == of["net_revenue"]
            assert float(row["reward_cost_EUR"]) * 100 == of["reward_cost"]
            assert float(row["liability_EUR"]) * 100 == of["liability"]
    channels = shop.get(f"/stats/channels?{days}", scope="marketing")["data"]
    assert [(row["channel"], row["visits"]) for row in rows_of(page, "channels")] == [
        (row["channel"], str(row["visits"])) for row in channels
    ]
    reasons = shop.get(f"/stats/reasons?{days}", scope="marketing")["data"]
    assert [(row["reason"], row["orders"]) for row in rows_of(page, "reasons")] == [
        (row["reason"], str(row["orders"])) for row in reasons
    ]
    assert {row["reason"] for row in reasons} == {"invalid_referral", "self_referral"}


def test_a_reason_leads_to_its_orders(grown: dict[str, Any], marketer: Visitor) -> None:
    [path] = re.findall(r'href="(/dashboard/orders\?[^"]*reason=self_referral[^"]*)"', marketer.get("").text)
    text = marketer.client.get(html.unescape(path)).text
    assert REASONS["self_referral"] in text
    assert len(re.findall(r'<th scope="row">', text)) == 1
    assert "/dashboard/people/ana" in text


def test_the_tables_are_files_too(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    page = marketer.get("").text
    for name in ("series", "channels", "reasons"):
        answer = marketer.get(f"/tables/{name}.csv")
        assert answer.headers["Content-Disposition"].startswith(f"attachment; filename={name}-")
        text = answer.data.decode("utf-8-sig")
        assert list(csv.DictReader(io.StringIO(text))) == rows_of(page, name)
    assert marketer.get("/tables/other.csv").status_code == 404


def test_a_file_has_no_formula_in_it(shop: Shop, marketer: Visitor) -> None:
    program = shop.program(name="=cmd")
    link = shop.link(program, "ana", channel="=1+1")
    shop.order("ana", referral=link["code"])
    assert "\n'=1+1," in marketer.get("/tables/channels.csv").text
    assert ",'=cmd," in marketer.get("/tables/reasons.csv").text


def test_an_order_is_explained_as_the_api_explains_it(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    order = grown["order"]
    explained = shop.get(f"/conversions/{order['conversion_id']}/explanation")
    text = html.unescape(marketer.get(f"/orders/{order['conversion_id']}").text)
    assert explained["staff_text"] in text
    assert f"{explained['customer_text']}</textarea>" in text
    for said in explained["decisions"]:
        assert said["detail"] in text
    assert "Ripening" in text
    assert "€10.00, " in text


def test_a_person_is_shown_with_everything_that_is_theirs(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    text = html.unescape(marketer.get("/people/ana").text)
    balance = shop.get("/customers/ana/balance")["balances"][0]
    assert f"€{balance['pending'] / 100:.2f} ripening" in text
    assert grown["link"]["code"] in text
    assert ">Ben</bdi></a>" in text
    for entry in shop.get("/customers/ana/statement")["data"]:
        assert entry["text"] in text
    assert ">Ana</bdi></a>" in marketer.get("/people/ben").text


def test_rewards_that_are_due_are_shown_as_ripe(shop: Shop, marketer: Visitor) -> None:
    code = shop.link(shop.program(hold_days=0))["code"]
    shop.order(referral=code)
    assert "€10.00 to spend" in html.unescape(marketer.get("/people/ana").text)


@pytest.mark.parametrize("sought", ["order_id", "conversion_id"])
def test_one_order_is_found(grown: dict[str, Any], marketer: Visitor, sought: str) -> None:
    answer = marketer.get(f"/find?q=%20{quote(grown['order'][sought])}%20")
    assert answer.headers["Location"] == f"/dashboard/orders/{grown['order']['conversion_id']}"


def test_one_person_is_found_by_whatever_is_at_hand(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    code = grown["link"]["code"]
    ripe = shop.link(shop.program(hold_days=0), "dora")
    shop.order("emil", referral=ripe["code"])
    redemption = shop.reserve("dora", 10)["redemption_id"]
    for text, name in (
        ("ana", "ana"),
        (code.lower().replace("-", " "), "ana"),
        ("ANAB@googlemail.com", "ana"),
        (grown["link"]["link_id"], "ana"),
        (redemption, "dora"),
    ):
        assert marketer.get(f"/find?q={quote(text)}").headers.get("Location") == f"/dashboard/people/{name}", text
    reward = grown["order"]["rewards"][0]["reward_id"]
    assert grown["order"]["conversion_id"] in marketer.get(f"/find?q={reward}").headers["Location"]


def test_two_of_one_name_are_both_shown(shop: Shop, marketer: Visitor) -> None:
    shop.order("1001", order_id="1001")
    text = marketer.get("/find?q=1001").text
    assert "2 things are called" in text
    assert "/dashboard/people/1001" in text


@pytest.mark.parametrize("text", ["%", "_", NASTY, "x" * 10_000, "\x00", "a\u2028b", "a'b", '"', "../..", "é" * 300])
def test_a_search_for_what_there_is_not_says_so(grown: dict[str, Any], marketer: Visitor, text: str) -> None:
    answer = marketer.get(f"/find?q={quote(text)}")
    assert answer.status_code == 404
    assert "Nothing is called" in answer.text
    assert NASTY not in answer.text


def test_a_search_for_nothing_says_what_can_be_found(marketer: Visitor) -> None:
    answer = marketer.get("/find?q=%20")
    assert answer.status_code == 200
    assert "What are you looking for?" in answer.text


def test_what_a_shop_or_a_customer_wrote_is_shown_as_text(shop: Shop, marketer: Visitor) -> None:
    program = shop.program(name=NASTY)
    link = shop.link(program, NASTY, channel=NASTY[:40], customer={"first_name": NASTY})
    order = shop.order("ben/" + NASTY, referral=link["code"], order_id=NASTY, customer={"first_name": NASTY})
    shop.order(NASTY, referral=link["code"])
    person = quote(NASTY, safe="")
    pages = ["", "/orders", f"/orders/{order['conversion_id']}", f"/people/{person}", f"/people/ben%2F{person}"]
    for path in [*pages, f"/find?q={person}", f"/?channel={quote(NASTY[:40])}"]:
        answer = marketer.get(path, environ_overrides={"RAW_URI": f"/dashboard{path}"})
        assert answer.status_code in (200, 302), path
        assert NASTY[:40] not in answer.text, path


def test_another_merchants_things_do_not_exist(
    shop: Shop, new_shop: Callable[[], Shop], grown: dict[str, Any], enter: Enter
) -> None:
    other = enter(new_shop(), "admin")
    order, program = grown["order"]["conversion_id"], grown["program"]["program_id"]
    for path in (f"/orders/{order}", "/people/ana", f"?program_id={program}", f"/orders?program_id={program}"):
        assert other.get(path).status_code == 404, path
    for text in ("ana", grown["link"]["code"], order, grown["order"]["order_id"], "ana.b@gmail.com"):
        assert other.get(f"/find?q={quote(text)}").status_code == 404
    assert "Ana" not in other.get("/orders").text
    assert "Friends &amp; Co" not in other.get("").text


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-30",
        "from=yesterday",
        "from=20261126",
        "from=2026-W10-1",
        "from=1969-12-31",
        "through=9999-12-31",
        "from=2026-11-02&through=2026-11-01",
        "interval=year",
        "measure=love",
        "program_id=x",
        "currency=euro",
        "channel=%00",
    ],
)
def test_an_address_that_makes_no_sense_is_explained(marketer: Visitor, query: str) -> None:
    answer = marketer.get(f"?{query}")
    assert answer.status_code == 422
    assert answer.content_type.startswith("text/html")
    assert "<li><code>" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "status=x",
        "reason=x",
        "after=x",
        "after=2026-01-01~x",
        "program_id=x",
        "from=x",
        "channel=a%00b",
        "currency=eur",
    ],
)
def test_orders_that_make_no_sense_are_explained(marketer: Visitor, query: str) -> None:
    assert marketer.get(f"/orders?{query}").status_code == 422


@pytest.mark.parametrize("query", ["from=1970-01-01", "from=1970-01-01&interval=month", "from=2026-01-01&channel="])
def test_an_address_may_ask_for_much(marketer: Visitor, query: str) -> None:
    assert marketer.get(f"?{query}").status_code == 200


def test_orders_are_cut_as_the_address_says(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    def listed(query: str) -> int:
        return len(re.findall(r'<th scope="row"><a href="/dashboard/orders/', marketer.get(f"/orders?{query}").text))

    program = grown["program"]["program_id"]
    assert listed("") == 4
    assert (listed("status=declined"), listed("status=repeat"), listed("status=voided")) == (2, 1, 0)
    assert (listed("channel=mail"), listed("channel="), listed("channel=100%25")) == (3, 0, 0)
    assert (listed(f"program_id={program}"), listed("reason=self_referral&status=repeat")) == (3, 0)
    assert listed("from=2001-01-01&through=2001-12-31") == 0


def test_orders_go_on_where_a_page_ends(shop: Shop, marketer: Visitor) -> None:
    at = datetime.now(UTC).isoformat()
    made = {shop.order(f"c-{number}", ordered_at=at)["order_id"] for number in range(70)}
    seen: list[str] = []
    path = "/orders"
    while path:
        text = marketer.get(path).text
        seen += re.findall(r'<th scope="row"><a href="[^"]*"><bdi>([^<]*)</bdi></a>', text)
        following = re.findall(r'<a href="(\?[^"]*after[^"]*)">', text)
        path = "/orders" + html.unescape(following[0]) if following else ""
    assert len(seen) == 70
    assert set(seen) == made


@pytest.mark.parametrize(
    "name", ["series", "channels", "reasons", "advocates", "cohorts", "spent_referred_EUR", "orchard"]
)
def test_every_table_is_taken_along_as_a_file(grown: dict[str, Any], marketer: Visitor, name: str) -> None:
    pages = {"advocates": "/advocates", "orchard": "/orchard", "cohorts": "/cohorts", "spent_referred_EUR": "/cohorts"}
    text = marketer.get(pages.get(name, "")).text
    [address] = re.findall(rf'href="/dashboard(/tables/{name}\.csv[^"]*)"', text)
    file = marketer.get(html.unescape(address))
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    shown = rows_of(text, {"orchard": "groves"}.get(name, name))
    assert [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] == shown
    assert len(shown) > 0


def test_a_table_that_there_is_not_is_a_page(marketer: Visitor) -> None:
    assert marketer.get("/tables/nothing.csv").status_code == 404


def test_a_person_is_shown_what_they_earned_and_by_which_order(
    shop: Shop, grown: dict[str, Any], marketer: Visitor
) -> None:
    text = html.unescape(marketer.get("/people/ana").text)
    [earned] = re.findall(r'<h2 id="rewards-title">.*?</section>', text, re.S)
    order = grown["order"]
    assert f'<a href="/dashboard/orders/{order["conversion_id"]}"><bdi>{order["order_id"]}</bdi></a>' in earned
    assert re.search(r"€10\.00, .*: <strong>Ripening</strong> until ", earned)
    nobody = html.unescape(marketer.get("/people/cleo").text)
    assert "Nothing was earned" in re.findall(r'<h2 id="rewards-title">.*?</section>', nobody, re.S)[0]


def test_advocates_are_searched_by_what_their_name_or_id_begins_with(
    shop: Shop, marketer: Visitor, database: Database
) -> None:
    program = shop.program()
    for name, first in (("c-1", "Élodie"), ("c-2", "ana"), ("C-3", "Anatol"), ("an_a", "100%")):
        link = shop.link(program, name, customer={"first_name": first})
        shop.order(f"friend-of-{name}", referral=link["code"], amount=3000)

    def found(query: str) -> list[str]:
        rows = rows_of(page, "advocates") if "<table" in (page := marketer.get(f"/advocates?{query}").text) else []
        return sorted(row["customer"] for row in rows)

    for _ in range(2):
        assert found("name=AN") == ["C-3", "an_a", "c-2"]
        assert found("name=c-") == ["C-3", "c-1", "c-2"]
        assert found(f"name={quote('Él')}") == ["c-1"]
        assert found("name=100%25") == ["an_a"]
        assert found("name=_") == []
        assert found("name=an&sort=friends&from=2026-01-01") == ["C-3", "an_a", "c-2"]
        assert found("name=an&from=2001-01-01&through=2001-01-02") == []
        assert found("name=") == ["C-3", "an_a", "c-1", "c-2"]
        _roll_up(database, shop.merchant_id)
    assert marketer.get("/advocates?name=a%00").status_code == 422
    assert marketer.get(f"/advocates?name={'a' * 300}").status_code == 422
    assert 'value="&lt;script&gt;' in marketer.get("/advocates?name=<script>").text


def _roll_up(database: Database, merchant_id: UUID) -> None:
    """Put all that happened into the totals."""

    def work(session: Session) -> None:
        while events.place(session, merchant_id):
            pass
        while rolling.roll_up(session, merchant_id):
            pass

    database.write(work)


def test_an_empty_shop_is_told_what_will_appear(marketer: Visitor) -> None:
    text = marketer.get("").text
    assert "Nothing has grown in these days yet" in text
    assert "POST /v1/links" in text
    assert "No order of these days" in marketer.get("/orders").text


def test_numbers_are_in_the_readers_format(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    text = html.unescape(marketer.get("", headers={"Accept-Language": "de-AT,de;q=0.9"}).text)
    assert figures(text, "net_revenue")[0].replace("\xa0", " ") == "110,00 €"
    assert marketer.get("").headers["Vary"].startswith("Accept-Language")


@pytest.mark.parametrize(
    ("asked", "language", "direction", "said"),
    [
        ("de-AT,en;q=0.5", "de", "ltr", "Was Ihre Empfehlungen brachten"),
        ("fr", "fr", "ltr", "Ce que vos parrainages ont rapporté"),
        ("es-MX", "es", "ltr", "Lo que aportaron sus recomendaciones"),
        ("ar-EG", "ar", "rtl", "ما جلبته إحالاتكم"),
        ("AR-eg,EN;q=0.3", "ar", "rtl", "ما جلبته إحالاتكم"),
        ("de;q=0, FR-ca;q=0.2", "fr", "ltr", "Ce que vos parrainages ont rapporté"),
        ("tlh, en-GB;q=0.1", "en", "ltr", "What your referrals brought"),
        ("*, ;;;, " + 2000 * "x-", "en", "ltr", "What your referrals brought"),
        ("", "en", "ltr", "What your referrals brought"),
    ],
)
def test_pages_speak_the_readers_language(
    grown: dict[str, Any], marketer: Visitor, asked: str, language: str, direction: str, said: str
) -> None:
    text = html.unescape(marketer.get("", headers={"Accept-Language": asked}).text)
    assert f'<html lang="{language}" dir="{direction}"' in text
    assert said in text


@pytest.mark.parametrize("language", ["de", "fr", "es", "ar"])
def test_every_page_is_there_in_every_language(shop: Shop, grown: dict[str, Any], enter: Enter, language: str) -> None:
    admin = enter(shop, "admin")
    program = grown["program"]["program_id"]
    paths = [
        "/advocates",
        "/orchard",
        "/cohorts",
        "/orders",
        f"/orders/{grown['order']['conversion_id']}",
        "/people/ana",
    ]
    paths += [
        "/programs",
        f"/programs/{program}",
        f"/programs/{program}/terms",
        "/find?q=",
        "/orders?from=x",
        "/nowhere",
    ]
    english = {"Friends", "Orders", "Show", "Overview", "What it says", "Rewards", "Statement", "Why", "Customer"}
    for path in paths:
        text = admin.get(path, headers={"Accept-Language": language}).text
        said = {html.unescape(word).strip() for word in re.findall(r">([^<>]+)<", text)}
        assert said & english == set(), path


def test_what_a_page_does_not_do_is_a_page_too(marketer: Visitor) -> None:
    for path in ("/advocates", "/orders/x", "/orchard"):
        answer = marketer.post(path, csrf_token=marketer.token(""))
        assert (answer.status_code, answer.content_type) == (405, "text/html; charset=utf-8")
    assert marketer.get("/sign-out").status_code == 404


def test_a_page_that_there_is_not_is_a_page(marketer: Visitor) -> None:
    for path in ("/nowhere", f"/orders/{UUID(int=1)}", "/people/nobody", "/orders/x", "/people/a%00b", "/people/%20"):
        answer = marketer.get(path)
        assert answer.status_code == 404
        assert answer.content_type.startswith("text/html")
        assert "To the overview" in answer.text


def test_two_currencies_are_never_added(shop: Shop, marketer: Visitor) -> None:
    for currency, amount in (("EUR", 5000), ("JPY", 700)):
        program = shop.program(currency=currency, advocate_reward={"type": "fixed", "amount": 100, "as": "credit"})
        code = shop.link(program, f"ana-{currency}")["code"]
        shop.order(f"ben-{currency}", referral=code, amount=amount, currency=currency)
    assert figures(marketer.get("").text, "net_revenue") == ["€50.00", "¥700"]


def test_advocates_are_ranked_as_the_api_ranks_them(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    other = shop.link(grown["program"], "dora")
    for number in range(3):
        shop.order(f"few-{number}", referral=other["code"], amount=100)
    for sort in ("net_lifetime_value", "friends", "rewards"):
        ranked = shop.get(f"/stats/advocates?sort={sort}", scope="marketing")["data"]
        rows = rows_of(marketer.get(f"/advocates?sort={sort}").text, "advocates")
        assert [row["customer"] for row in rows] == [row["customer_id"] for row in ranked]
        for row, of in zip(rows, ranked, strict=True):
            assert (row["friends"], row["friends_who_returned"]) == (
                str(of["friends"]),
                str(of["friends_who_returned"]),
            )
            assert round(100 * float(row["net_lifetime_value"])) == of["net_lifetime_value"]
            assert round(100 * float(row["rewards"])) == of["rewards"]
            assert (row["repeat_rate"], row["refund_rate"]) == (str(of["repeat_rate"]), str(of["refund_rate"]))
    text = marketer.get("/advocates").text
    assert 'href="/dashboard/people/ana"' in text
    assert "Nobody has brought a friend yet" in marketer.get("/advocates?from=2001-01-01&through=2001-01-02").text
    assert marketer.get("/advocates?sort=beauty").status_code == 422
    assert (
        marketer.get("/advocates?cursor=x").status_code == 400 or marketer.get("/advocates?cursor=x").status_code == 422
    )


def test_advocates_go_on_where_a_page_ends(shop: Shop, marketer: Visitor) -> None:
    program = shop.program()
    names = [f"a/{number}" for number in range(60)]
    for number, name in enumerate(names):
        shop.order(f"friend-{number}", referral=shop.link(program, name)["code"])
    seen: list[str] = []
    path = "/advocates?sort=friends"
    while path:
        text = marketer.get(path).text
        seen += [row["customer"] for row in rows_of(text, "advocates")]
        following = re.findall(r'<a href="(\?[^"]*cursor[^"]*)">', text)
        path = "/advocates" + html.unescape(following[0]) if following else ""
    assert sorted(seen) == sorted(names)


def test_cohorts_are_those_of_the_api(shop: Shop, grown: dict[str, Any], marketer: Visitor) -> None:
    shop.order("zoe", amount=900)
    months = shop.get("/stats/cohorts", scope="marketing")["data"]
    text = marketer.get("/cohorts").text
    for row, month in zip(rows_of(text, "cohorts"), months[::-1], strict=True):
        assert row["month"] == month["month"]
        for side in ("referred", "others"):
            assert row[f"customers_{side}"] == str(month[side]["customers"])
            rate = month[side]["repeat_rate"]
            assert row[f"repeat_rate_{side}"] == ("" if rate is None else str(rate))
    [spent] = months[-1]["referred"]["revenue_per_customer"]
    [row] = [row for row in rows_of(text, "spent_referred_EUR") if row["month"] == months[-1]["month"]]
    assert round(100 * float(row["month_0"])) == spent["amount"]
    assert "heat-5" in text


def test_a_database_that_is_away_is_a_page_too(
    app: Flask, marketer: Visitor, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise OperationalError("", None, Exception("gone"))

    monkeypatch.setattr("service.dashboard.pages.orders.orders.listed", gone)
    answer = marketer.get("/orders")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "Nothing has changed" in answer.text
    monkeypatch.setattr("service.dashboard.pages.frame.sessions.find", gone)
    assert marketer.get("").status_code == 503


def test_the_next_page_of_advocates_is_of_the_same_list(shop: Shop, marketer: Visitor) -> None:
    program, other = shop.program(), shop.program()
    for number in range(52):
        shop.order(f"friend-{number}", referral=shop.link(program, f"a-{number}")["code"])
    shop.order("friend", referral=shop.link(other, "of-another-program")["code"])
    path = f"/advocates?program_id={program['program_id']}&sort=friends"
    text = marketer.get(path).text
    following = html.unescape(re.findall(r'<a href="(\?[^"]*cursor[^"]*)">', text)[0])
    assert len(rows_of(marketer.get("/advocates" + following).text, "advocates")) == 2


def test_a_program_of_before_a_term_was_added_is_shown(shop: Shop, database: Database, marketer: Visitor) -> None:
    program = shop.program()
    old = {"currency": "EUR", "advocate_reward": {"type": "fixed", "amount": 500}}

    def age(session: Session) -> None:
        row = session.get_one(Program, (shop.merchant_id, UUID(program["program_id"])))
        version = {"merchant_id": shop.merchant_id, "program_id": row.program_id, "terms_version": 2}
        session.add(ProgramTerms(**version, terms=old, created_at=datetime.now(UTC)))
        row.terms_version = 2

    database.write(age)
    assert "€5.00 as credit" in html.unescape(marketer.get(f"/programs/{program['program_id']}").text)


def test_a_list_says_how_it_is_cut_and_how_to_see_more(grown: dict[str, Any], marketer: Visitor) -> None:
    program = grown["program"]["program_id"].upper()
    text = html.unescape(marketer.get(f"/orders?program_id={program}&channel=mail&status=repeat").text)
    assert "Program: <strong><bdi>Friends & Co</bdi></strong>" in text
    assert "Channel: <strong><bdi>mail</bdi></strong>" in text
    [wider] = re.findall(r'href="(\?[^"]*)">show all programs', text)
    assert "status=repeat" in wider
    assert "program_id" not in wider


def test_an_order_that_names_nobody_is_shown_as_that(shop: Shop, marketer: Visitor) -> None:
    body = {"order_id": "of-nobody", "amount": 5000, "currency": "EUR", "customer": {}}
    order = shop.post("/conversions", {**body, "referral": shop.link(shop.program())["code"]})
    for path in ("/orders?reason=unknown_customer", f"/orders/{order['conversion_id']}", "/find?q=of-nobody"):
        answer = marketer.get(path, follow_redirects=True)
        assert answer.status_code == 200
        assert "Not named" in answer.text
        assert ">None<" not in answer.text
