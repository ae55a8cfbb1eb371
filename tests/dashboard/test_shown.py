"""From answers to what is shown, PURE: rounding, words, shades, and what there is not."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args

import pytest
from babel import Locale

from service.conversions.attribution import Status
from service.conversions.eligibility import REASONS
from service.dashboard import cohorts, figures, overview, terms, words
from service.dashboard.filters import Filters
from service.formats import Formats
from service.programs.states import ProgramStatus
from service.programs.terms import DEFAULTS
from service.rewards.tables.rewards import RewardStatus, Side

ENGLISH, GERMAN = Formats(Locale("en")), Formats(Locale("de"))
CREDIT = {"type": "fixed", "amount": 500, "as": "credit"}


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [(3, 2, "+50%"), (2, 3, "-33%"), (2, 2, "0%"), (998, 1000, "0%"), (1, 0, ""), (0, 5, "-100%"), (5, -5, "")],
)
def test_growth_is_told_in_whole_percent(now: int, before: int, shown: str) -> None:
    assert ENGLISH.change(now, before) == shown


def test_numbers_are_as_their_reader_writes_them() -> None:
    assert (ENGLISH.whole(12345), GERMAN.whole(12345)) == ("12,345", "12.345")
    assert (ENGLISH.money(5000, "EUR"), GERMAN.money(5000, "EUR")) == ("€50.00", "50,00\xa0€")
    assert ENGLISH.money(1234567, "KWD").replace("\xa0", " ") == "KWD 1,234.567"
    assert (ENGLISH.money(700, "JPY"), ENGLISH.money(None, "JPY")) == ("¥700", "–")
    assert (ENGLISH.share(0.1234), ENGLISH.share(None)) == ("12.34%", "–")
    assert [ENGLISH.hundredths(rate) for rate in (1000, 725, 1, 10000)] == ["10%", "7.25%", "0.01%", "100%"]
    assert ENGLISH.days(date(2026, 11, 1), date(2026, 11, 1)) == "Nov 1, 2026"
    assert ENGLISH.month(date(2026, 11, 1)) == "Nov 2026"


def test_everything_has_a_name() -> None:
    assert set(words.STATUSES) == set(get_args(Status))
    assert set(words.REWARDS) == set(get_args(RewardStatus)) == set(get_args(words.RewardStatus))
    assert set(words.SIDES) == set(get_args(Side))
    assert set(words.REASONS) == set(REASONS)
    assert set(words.FOUND_BY) == set(get_args(words.FoundBy))
    assert set(words.PROGRAMS) == set(get_args(ProgramStatus))
    assert set(terms.MEANING) == set(get_args(ProgramStatus))
    assert {status for change in terms.STATES for status in change[:2]} == set(get_args(ProgramStatus))


def test_what_can_be_decided_of_a_reward_depends_on_its_state() -> None:
    decided = {status: set(words.decisions(status)) for status in get_args(words.RewardStatus)}
    nothing: set[str] = set()
    assert decided == {
        "pending": {"release", "deny"},
        "available": {"deny"},
        "lapsed": {"deny"},
        "denied": nothing,
        "reversed": nothing,
    }


def said(**changes: Any) -> dict[str, str]:
    stored = {**DEFAULTS, "currency": "EUR", **changes}
    return {one.about: one.is_ for one in terms.in_words(stored, ENGLISH)}


def test_terms_say_everything_in_words() -> None:
    plain = said(advocate_reward=CREDIT)
    assert plain["The advocate gets"] == "€5.00 as credit"
    assert plain["The friend gets"] == "nothing"
    assert plain["Rewards for each advocate"] == "as many as they earn"
    assert plain["Rewarded orders of a friend"] == "the first"
    assert plain["Credit lapses"] == "never"
    assert "The order must be" not in plain
    rate = {"type": "percent", "rate": "10.00", "max_amount": None, "as": "discount"}
    rich = said(friend_reward=rate, rewarded_orders=None, hold_days=0, new_customers_only=False)
    assert rich["The friend gets"] == "10% of the order, off the order"
    assert rich["Rewarded orders of a friend"] == "all of them"
    assert rich["Rewards ripen"] == "at once"
    assert rich["It is for"] == "everybody"
    assert said(rewarded_orders=3)["Rewarded orders of a friend"] == "the first 3"


def test_terms_in_other_currencies_are_told_too() -> None:
    yen: dict[str, Any] = {
        **dict.fromkeys(("advocate_reward", "friend_reward")),
        "tiers": [],
        "minimum_order_amount": 800,
    }
    other = said(advocate_reward=CREDIT, other_currencies={"JPY": {**yen, "friend_reward": {**CREDIT, "amount": 90}}})
    assert other["The friend gets in JPY"] == "¥90 as credit"
    assert other["The advocate gets in JPY"] == "nothing"
    assert other["The order must be in JPY"] == "¥800 or more"


def test_versions_differ_where_their_words_do() -> None:
    before = {**DEFAULTS, "currency": "EUR", "minimum_order_amount": 100}
    after = {**DEFAULTS, "currency": "EUR", "hold_days": 1}
    told = {one.about: (one.before, one.after) for one in terms.differences(before, after, ENGLISH)}
    assert told == {
        "The order must be": ("€1.00 or more", None),
        "Rewards ripen": ("after 14 days", "after one day"),
    }
    assert terms.differences(before, before, ENGLISH) == []


def month(name: str, referred: dict[str, int], others: dict[str, int], currency: str = "EUR") -> dict[str, Any]:
    def side(spent: dict[str, int]) -> dict[str, Any]:
        rows = [{"month": at, "currency": currency, "amount": amount} for at, amount in spent.items()]
        return {"customers": len(spent), "repeat_rate": None, "revenue_per_customer": rows}

    return {"month": name, "referred": side(referred), "others": side(others)}


def test_a_heat_map_is_shaded_by_rank_over_both_sides() -> None:
    rows = [
        month("2026-01", {"2026-01": 1000, "2026-03": -50}, {"2026-01": 10}),
        month("2026-03", {"2026-03": 0}, {"2026-03": 99_999}),
    ]
    table = cohorts.spent(rows, "referred", "EUR", ENGLISH)
    assert [column.title for column in table.columns] == ["Won in", "Customers", "then", "+1", "+2"]
    levels = [[cell.level for cell in row[2:]] for row in table.rows]
    assert levels == [[4, None, 0], [0, None, None]]
    assert [row[2].level for row in cohorts.spent(rows, "others", "EUR", ENGLISH).rows] == [2, 5]
    assert table.rows[0][4].value == Decimal("-0.50")
    other = cohorts.spent(rows, "referred", "JPY", ENGLISH)
    assert [row[2].text for row in other.rows] == ["", ""]
    assert cohorts.currencies_of(rows) == ["EUR"]
    assert cohorts.spent([], "others", "EUR", ENGLISH).rows == []


def measures(**numbers: Any) -> dict[str, Any]:
    return {**dict.fromkeys(overview.STEPS, 0), "money": [], "start": "2026-01-01", **numbers}


def money(currency: str, amount: int) -> dict[str, Any]:
    return {
        "currency": currency,
        "net_revenue": amount,
        "reward_cost": 0,
        "cost_per_new_customer": None,
        "liability": 1,
    }


def test_what_is_plotted_of_money_is_of_the_first_currency() -> None:
    filters = Filters(date(2026, 1, 1), date(2026, 1, 2), measure="net_revenue")
    pieces = [
        measures(end="2026-01-02", money=[money("EUR", 5), money("JPY", 7)]),
        measures(start="2026-01-02", end="2026-01-03"),
    ]
    table = overview.series(pieces, [measures(money=[money("EUR", 250)])], filters, "USD", ENGLISH)
    assert overview.plotted(table, "net_revenue") == "net_revenue_EUR"
    assert overview.plotted(table, "visits") == "visits"
    assert [row[-1].value for row in table.rows] == [Decimal("2.50"), None]
    assert Decimal("0.00") in [cell.value for cell in table.rows[1]]
    before = [measures(money=[money("USD", 5000)])]
    nothing = overview.series([measures(end="2026-01-02")], before, filters, "EUR", ENGLISH)
    assert overview.plotted(nothing, "net_revenue") == "net_revenue_USD"
    assert nothing.rows[0][-1].value == 50


def test_what_is_beside_a_piece_is_as_many_days_before_it() -> None:
    filters = Filters(date(2026, 3, 1), date(2026, 3, 31), interval="month", measure="visits")
    pieces = [measures(start="2026-03-01", end="2026-04-01", visits=7)]
    days = [measures(visits=number) for number in range(31)]
    [row] = overview.series(pieces, days, filters, "EUR", ENGLISH).rows
    assert row[-1].value == sum(range(31))
    [row] = overview.series(pieces, days[1:], filters, "EUR", ENGLISH).rows
    assert row[-1].value is None


def test_a_card_tells_nothing_as_nothing() -> None:
    filters = Filters(date(2026, 3, 1), date(2026, 3, 31))
    summary = {**measures(), "previous": measures(money=[money("USD", 5000)])}
    [_, revenue, cost, liability] = overview.cards(summary, filters, "EUR", ENGLISH)
    assert [(one.now, one.before, one.change) for one in revenue.figures] == [("$0.00", "$50.00", "-100%")]
    assert [(one.now, one.change) for one in cost.figures] == [("–", "")]
    assert [one.before for one in liability.figures] == ["$0.01"]
    never = overview.cards({**measures(), "previous": None}, filters, "EUR", ENGLISH)
    assert [card.figures[0].now for card in never] == ["0", "€0.00", "–", "€0.00"]
    one_program = Filters(date(2026, 3, 1), date(2026, 3, 31), channel="mail")
    assert overview.cards(summary, one_program, "EUR", ENGLISH)[3].note


def test_a_file_has_what_is_behind_the_cells() -> None:
    cells = [figures.text("=1+1"), figures.money(-150, "EUR", ENGLISH), figures.share(None, ENGLISH)]
    columns = [figures.Column(name, name) for name in "abc"]
    assert figures.Table("t", "T", columns, [cells]).csv() == "a,b,c\n'=1+1,-1.50,\n"
    assert figures.money(None, "EUR", ENGLISH) == figures.Cell("–", None)
