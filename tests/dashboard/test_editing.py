"""A program's terms are changed by a form: what it says, what it would change, and two at once."""

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from babel import Locale

from service.currencies import written
from service.dashboard import editing
from service.dashboard.form import LIMITS
from service.dashboard.terms import SIDES
from service.formats import Formats
from service.programs.api import ProgramChange
from service.programs.terms import DEFAULTS, complete
from service.web.parsing import parsed
from tests.dashboard.visitor import Visitor, visitor_of
from tests.shop import Shop

ELSEWHERE = {
    "Tiers must rise": "tiers.0.from_referral",
    "can never be reached": "tiers.0.from_referral",
    "Say from which friend on": "tiers.2.from_referral",
    "Choose what it is, too.": "other_currencies.TND.advocate_reward.type",
}
"""Fault -> the field at which it stands, where that is not the one that was filled in."""

ENGLISH = Formats(Locale("en"))
FIELD = re.compile(r'<(?:input|select) [^>]*name="([^"]+)"(?: value="([^"]*)")?[^>]*>(?:(.*?)</select>)?')
CHOSEN = re.compile(r'<option value="([^"]*)" selected')
RICH = {
    "tiers": [
        {"from_referral": 3, "advocate_reward": {"type": "fixed", "amount": 1500}},
        {"from_referral": 10, "advocate_reward": {"type": "percent", "rate": "12.5", "max_amount": 9900}},
    ],
    "friend_reward": {"type": "fixed", "amount": 1000, "as": "discount"},
    "other_currencies": {
        "JPY": {"advocate_reward": {"type": "fixed", "amount": 1200}, "minimum_order_amount": 3000},
        "TND": {"friend_reward": {"type": "percent", "rate": "10.00"}, "minimum_order_amount": 1005},
    },
    "minimum_order_amount": 2050,
    "rewarded_orders": None,
    "reward_expiry_days": 90,
}


def form_of(page: str) -> dict[str, str]:
    """What a browser sends of the form with everything as it is."""
    form = re.findall(r'<form method="post" action="/dashboard/programs.*?</form>', page, re.DOTALL)[0]
    found: dict[str, str] = {}
    for name, value, options in FIELD.findall(form):
        chosen = CHOSEN.search(options)
        found[name] = html.unescape(chosen[1] if chosen else value)
    return found


class Editor:
    """An admin at a program's terms."""

    def __init__(self, visitor: Visitor, program: dict[str, Any]) -> None:
        self.visitor = visitor
        self.path = f"/programs/{program['program_id']}/terms"

    def form(self) -> dict[str, str]:
        return form_of(self.visitor.get(self.path).text)

    def send(self, form: dict[str, str], status: int, **changes: str) -> str:
        answer = self.visitor.post(self.path, **(form | changes))
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)


@pytest.fixture
def program(shop: Shop) -> dict[str, Any]:
    """A program that says all that a program can say."""
    return shop.program(**RICH)


@pytest.fixture
def editor(app: Any, shop: Shop, program: dict[str, Any]) -> Editor:
    return Editor(visitor_of(app, shop, "admin"), program)


def test_a_form_that_is_sent_as_it_is_says_the_same_terms(shop: Shop) -> None:
    for said in (RICH, {}):
        terms = complete(parsed(ProgramChange(), {"currency": "EUR", **said}))
        draft = editing.draft_of(editing.tidied(editing.values_of(terms), terms), terms, ENGLISH)
        assert not draft.faults
        assert draft.changes(terms) == {}


def test_nothing_changes_where_nothing_was_changed(shop: Shop, editor: Editor, program: dict[str, Any]) -> None:
    shown = editor.send(editor.form(), 200, step="preview")
    assert "Nothing: these are the terms in force." in shown
    assert "Change the terms" not in shown
    assert shop.get(f"/programs/{program['program_id']}")["terms_version"] == 1


def test_a_change_is_shown_in_words_before_it_is_kept(shop: Shop, editor: Editor, program: dict[str, Any]) -> None:
    path = f"/programs/{program['program_id']}"
    form = editor.form() | {
        "hold_days": "30",
        "advocate_reward.type": "percent",
        "advocate_reward.value": "7,5",
        "advocate_reward.max_amount": "15",
        "tiers.0.from_referral": "",
        "tiers.0.advocate_reward.type": "",
        "tiers.1.advocate_reward.value": "20",
        "tiers.2.from_referral": "20",
        "tiers.2.advocate_reward.type": "fixed",
        "tiers.2.advocate_reward.value": "25,5",
        "other_currencies.JPY.minimum_order_amount": "4000",
        "other_currencies.TND.minimum_order_amount": "2.5",
        "new_customers_only": "false",
    }
    shown = editor.send(form, 200, step="preview")
    for said in (
        "<del>€10.00 as credit</del> <ins>7.5% of the order, at most €15.00, as credit</ins>",
        "<del>at once</del> <ins>after 30 days</ins>",
        "From the advocate's friend number 3 on: <del>€15.00 as credit</del>",
        "<ins>¥4,000 or more</ins>",
        "<ins>everybody</ins>",
    ):
        assert said in shown, said
    assert shop.get(path)["terms_version"] == 1, "a preview changes nothing"
    assert editor.visitor.post(editor.path, **(form_of(shown) | {"step": "save"})).status_code == 302
    changed = shop.get(path)
    assert changed["terms_version"] == 2
    assert changed["advocate_reward"] == {"type": "percent", "rate": "7.5", "max_amount": 1500, "as": "credit"}
    assert [(tier["from_referral"], tier["advocate_reward"].get("rate")) for tier in changed["tiers"]] == [
        (10, "20"),
        (20, None),
    ]
    assert changed["tiers"][1]["advocate_reward"]["amount"] == 2550
    assert changed["other_currencies"]["JPY"]["minimum_order_amount"] == 4000
    assert changed["other_currencies"]["TND"]["minimum_order_amount"] == 2500
    assert changed["friend_reward"] == program["friend_reward"]
    assert changed["new_customers_only"] is False


def test_doubtful_terms_are_warned_of(editor: Editor) -> None:
    shown = editor.send(editor.form(), 200, step="preview", minimum_order_amount="0")
    assert "the smallest order earns all of it" in shown


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hold_days", "soon", "Write a whole number"),
        ("hold_days", "99999", "3650"),
        ("hold_days", "", "null"),
        ("attribution_window_days", "0", "1"),
        ("advocate_reward.value", "10.005", "Write it as 10.50."),
        ("advocate_reward.value", "-1", "Write it as 10.50."),
        ("advocate_reward.value", "0", "1"),
        ("advocate_reward.value", "", "null"),
        ("advocate_reward.type", "gold", "Must be one of"),
        ("other_currencies.JPY.advocate_reward.value", "10.5", "Write it as 10."),
        ("other_currencies.TND.friend_reward.value", "101", "String does not match"),
        ("other_currencies.TND.friend_reward.value", "٣", "String does not match"),
        ("tiers.1.from_referral", "2", "Tiers must rise"),
        ("tiers.1.from_referral", "²", "Write a whole number"),
        ("tiers.1.advocate_reward.type", "", "null"),
        ("tiers.2.advocate_reward.type", "fixed", "Say from which friend on"),
        ("advocate_reward.max_amount", "1", "Only a share"),
        ("other_currencies.TND.advocate_reward.value", "5", "Choose what it is, too."),
        ("max_rewards_per_advocate", "5", "can never be reached"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(editor: Editor, shop: Shop, name: str, value: str, said: str) -> None:
    shown = editor.send(editor.form(), 422, step="save", **{name: value})
    [at_it] = re.findall(r'<p id="([^"]+)-said"><span class="fault">[^<]*' + re.escape(said), shown)
    assert at_it == ELSEWHERE.get(said, name)
    assert f'value="{value}"' in shown or value in ("gold", "", "fixed"), "what was written is still there"
    assert 'aria-invalid="true"' in shown
    assert shop.get(editor.path.removesuffix("/terms"))["terms_version"] == 1


def test_who_comes_second_is_told_and_shown_the_difference(shop: Shop, editor: Editor) -> None:
    path = editor.path.removesuffix("/terms")
    form = editor.form() | {"hold_days": "30"}
    shop.patch(path, {"hold_days": 60, "reward_expiry_days": None, "other_currencies": {}})
    shown = editor.send(form, 409, step="save")
    assert "Somebody else changed these terms meanwhile" in shown
    assert "<ins>after 60 days</ins>" in shown, "what the other one did"
    assert "<del>after 60 days</del> <ins>after 30 days</ins>" in shown, "what this one would do to it"
    assert shop.get(path)["hold_days"] == 60
    again = form_of(shown)
    assert again["terms_version"] == "2"
    assert again["currency"] == "EUR"
    assert editor.visitor.post(editor.path, **(again | {"step": "save"})).status_code == 302
    now = shop.get(path)
    assert (now["terms_version"], now["hold_days"], now["reward_expiry_days"]) == (3, 30, 90)
    assert now["other_currencies"] == {}, "of a currency that is gone nothing is said"


def test_a_currency_that_came_meanwhile_stays(shop: Shop, editor: Editor) -> None:
    path = editor.path.removesuffix("/terms")
    form, dollars = editor.form(), {"advocate_reward": {"type": "fixed", "amount": 700, "as": "credit"}}
    shop.patch(path, {"other_currencies": {**shop.get(path)["other_currencies"], "USD": dollars}})
    again = form_of(editor.send(form, 409, step="save", hold_days="3"))
    assert editor.visitor.post(editor.path, **(again | {"step": "save"})).status_code == 302
    now = shop.get(path)
    assert now["hold_days"] == 3
    assert now["other_currencies"]["USD"]["advocate_reward"]["amount"] == 700


@pytest.mark.parametrize("on_the_way", [{"step": "form"}, {"step": "preview", "hold_days": "x"}])
def test_it_stays_whatever_way_the_form_takes(shop: Shop, editor: Editor, on_the_way: dict[str, str]) -> None:
    path = editor.path.removesuffix("/terms")
    form, dollars = editor.form(), {"advocate_reward": {"type": "fixed", "amount": 700, "as": "credit"}}
    shop.patch(path, {"other_currencies": {**shop.get(path)["other_currencies"], "USD": dollars}})
    again = form_of(editor.visitor.post(editor.path, **(form | on_the_way)).text)
    assert "other_currencies.USD.minimum_order_amount" not in again
    again = form_of(editor.send(again | {"hold_days": "3"}, 409, step="preview"))
    assert editor.visitor.post(editor.path, **(again | {"step": "save"})).status_code == 302
    assert shop.get(path)["other_currencies"]["USD"]["advocate_reward"]["amount"] == 700


def test_amounts_are_never_taken_for_those_of_another_currency(shop: Shop, editor: Editor) -> None:
    path, form = editor.path.removesuffix("/terms"), editor.form()
    amounts = dict.fromkeys(SIDES) | {"tiers": [], "minimum_order_amount": 0}
    shop.patch(path, {"currency": "USD", "other_currencies": {}, **amounts})
    for step in ("preview", "save", "form"):
        shown = editor.send(form, 409, step=step, hold_days="20")
        assert "another currency meanwhile" in shown
        assert form_of(shown)["currency"] == "USD"
        assert form_of(shown)["advocate_reward.type"] == ""
    assert shop.get(path)["terms_version"] == 2


def test_what_was_undone_since_is_said_so(shop: Shop, editor: Editor) -> None:
    path, form = editor.path.removesuffix("/terms"), editor.form()
    for days in (60, 0):
        shop.patch(path, {"hold_days": days})
    shown = editor.send(form, 409, step="save", hold_days="5")
    assert "What the other change did was undone since" in shown
    assert shop.get(path)["hold_days"] == 0


def test_what_was_not_touched_is_not_asked_again(shop: Shop) -> None:
    lira: dict[str, Any] = {"advocate_reward": None, "friend_reward": None, "tiers": [], "minimum_order_amount": 10}
    terms = complete({"currency": "EUR", "other_currencies": {"BGN": lira}, "minimum_order_amount": 10**17})
    draft = editing.draft_of(editing.values_of(terms) | {"hold_days": "9"}, terms, ENGLISH)
    assert draft.changes(terms) == {"hold_days": 9}, "a currency that was withdrawn since stays as it is"


def test_thousands_of_steps_are_refused_at_once(editor: Editor) -> None:
    steps = {f"tiers.{number}.from_referral": str(number + 1) for number in range(900)}
    steps |= {f"tiers.{number}.advocate_reward.type": "fixed" for number in range(900)}
    shown = editor.send(editor.form() | steps, 422, step="preview")
    assert shown.count("<fieldset>") < 40


def test_faults_are_said_in_the_readers_language(editor: Editor) -> None:
    form = editor.form() | {"advocate_reward.value": "1.5.", "hold_days": "bald", "step": "preview"}
    answer = editor.visitor.client.post(f"/dashboard{editor.path}", data=form, headers={"Accept-Language": "de"})
    assert "Schreiben Sie es wie 10.50." in answer.text
    assert "Schreiben Sie eine ganze Zahl" in answer.text


def test_a_version_says_what_it_changed_or_that_words_do_not_tell(shop: Shop, marketer: Visitor) -> None:
    reward = {"type": "percent", "rate": "7", "as": "credit"}
    program = shop.program(advocate_reward=reward, friend_reward=None)
    path = f"/programs/{program['program_id']}"
    shop.patch(path, {"advocate_reward": {**reward, "rate": "7.00"}})
    shop.patch(path, {"currency": "USD", "advocate_reward": reward})
    text = html.unescape(marketer.get(path).text)
    assert text.count("The first terms") == 1
    assert text.count("Nothing that these words tell") == 1
    assert "Its currency: <del>EUR</del> <ins>USD</ins>" in text


def test_one_goes_back_to_the_form_with_what_was_written(editor: Editor) -> None:
    back = editor.send(editor.form(), 200, step="form", hold_days="31")
    assert form_of(back)["hold_days"] == "31"


def test_a_version_that_is_none_is_refused(editor: Editor) -> None:
    for version in ("", "0", "9", "x"):
        editor.send(editor.form(), 422, step="save", terms_version=version)


def test_who_may_only_look_is_shown_no_form(shop: Shop, marketer: Visitor, editor: Editor) -> None:
    form = editor.form()
    assert marketer.get(editor.path).status_code == 403
    form["csrf_token"] = marketer.token("/programs")
    assert marketer.post(editor.path, **form, step="save").status_code == 403
    assert "/terms" not in marketer.get(editor.path.removesuffix("/terms")).text


def test_another_merchants_program_is_not_there(app: Any, editor: Editor, new_shop: Callable[[], Shop]) -> None:
    stranger = visitor_of(app, new_shop(), "admin")
    assert stranger.get(editor.path).status_code == 404
    form = editor.form() | {"csrf_token": stranger.token("/programs")}
    assert stranger.post(editor.path, **form, step="save").status_code == 404


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("10", "EUR", 1000),
        ("10.5", "EUR", 1050),
        ("10,50", "EUR", 1050),
        ("0", "EUR", 0),
        ("7", "JPY", 7),
        ("1.005", "TND", 1005),
        ("7.0", "JPY", None),
        ("1.005", "EUR", None),
        ("1,000.00", "EUR", None),
        (" 1", "EUR", None),
        ("1.", "EUR", None),
        ("٣", "EUR", None),
        ("1e3", "EUR", None),
        ("-1", "EUR", None),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, amount: int | None) -> None:
    assert written(text, currency) == amount


def test_every_field_of_terms_is_in_the_form() -> None:
    assert set(LIMITS) == set(editing.NUMBERS)
    in_form = {*LIMITS, *SIDES, "new_customers_only", "minimum_order_amount", "tiers"}
    assert set(DEFAULTS) == in_form | {"other_currencies"}, "a new field of terms has a place in the form"


def test_of_two_who_save_at_once_one_is_told(app: Any, shop: Shop, program: dict[str, Any]) -> None:
    editors = [Editor(visitor_of(app, shop, "admin"), program) for _ in range(4)]
    forms = [editor.form() for editor in editors]

    def save(number: int) -> int:
        form = forms[number] | {"hold_days": str(10 + number), "step": "save"}
        return editors[number].visitor.post(editors[number].path, **form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(save, range(4))) == [302, 409, 409, 409]
    assert shop.get(f"/programs/{program['program_id']}")["terms_version"] == 2
