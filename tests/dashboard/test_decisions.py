"""What an admin changes on the pages, and who may not."""

import html
import re
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.dashboard.visitor import Visitor
from tests.shop import Shop

Enter = Callable[..., Visitor]


def decide(visitor: Visitor, path: str, **form: str) -> int:
    return visitor.post(path, csrf_token=visitor.token(""), **form).status_code


@pytest.fixture
def admin(shop: Shop, enter: Enter) -> Visitor:
    """Somebody who is signed in with the shop's admin key."""
    return enter(shop, "admin")


def test_a_program_is_told_in_plain_words(shop: Shop, marketer: Visitor) -> None:
    program = shop.program(
        name="Friends",
        advocate_reward={"type": "percent", "rate": "7.25", "max_amount": 1500, "as": "credit"},
        tiers=[{"from_referral": 3, "advocate_reward": {"type": "fixed", "amount": 2000}}],
        minimum_order_amount=2050,
        hold_days=1,
        max_rewards_per_advocate=10,
        reward_expiry_days=90,
    )
    text = html.unescape(marketer.get(f"/programs/{program['program_id']}").text)
    for said in (
        "7.25% of the order, at most €15.00, as credit",
        "From the advocate's friend number 3 on",
        "€20.50 or more",
        "after one day",
        "at most 10",
        "after 90 days",
        "new customers only",
    ):
        assert said in text, said
    assert "Friends" in marketer.get("/programs").text


def test_versions_are_compared_in_words(shop: Shop, marketer: Visitor) -> None:
    program = shop.program(hold_days=14)
    shop.patch(f"/programs/{program['program_id']}", {"hold_days": 30, "minimum_order_amount": 100})
    text = html.unescape(marketer.get(f"/programs/{program['program_id']}").text)
    assert "Version 2" in text
    assert "<del>after 14 days</del> <ins>after 30 days</ins>" in text
    assert re.search(r"The order must be:\s+<ins>€1.00 or more</ins>", text)


def test_an_admin_pauses_a_program_and_lets_it_go_on(shop: Shop, admin: Visitor) -> None:
    program = shop.program()
    path = f"/programs/{program['program_id']}"
    for status, offered in (("paused", "Go on with it"), ("active", "Pause it"), ("ended", "Begin it again")):
        assert decide(admin, f"{path}/status", status=status) == 302
        assert shop.get(path)["status"] == status
        assert offered in admin.get(path).text
    assert decide(admin, f"{path}/status", status="burnt") == 422
    assert shop.get(path)["status"] == "ended"


def test_a_marketer_is_shown_no_button_and_changes_nothing(shop: Shop, marketer: Visitor) -> None:
    program = shop.program(hold_days=14)
    order = shop.order(referral=shop.link(program)["code"])
    plain = shop.order("eve")
    paths = {
        f"/programs/{program['program_id']}/status": {"status": "paused"},
        f"/orders/{order['conversion_id']}/rewards/{order['rewards'][0]['reward_id']}": {
            "decision": "deny",
            "note": "x",
        },
        f"/orders/{plain['conversion_id']}/attribution": {"referral": "ANA", "note": "x"},
    }
    for path, form in paths.items():
        assert decide(marketer, path, **form) == 403
        page = path.rpartition("/")[0] if "rewards" not in path else f"/orders/{order['conversion_id']}"
        assert f'action="/dashboard{path}"' not in marketer.get(page).text
    assert shop.get(f"/programs/{program['program_id']}")["status"] == "active"
    assert shop.get(f"/conversions/{order['conversion_id']}")["rewards"][0]["status"] == "pending"


def test_what_is_decided_is_logged_with_the_key(shop: Shop, admin: Visitor) -> None:
    program = shop.program()
    with capture_logs() as lines:
        decide(admin, f"/programs/{program['program_id']}/status", status="paused")
        admin.get("/sign-in")
    [line] = [line for line in lines if line["event"] == "request" and line["status"] == 302]
    assert (line["method"], line["scope"], line["merchant_id"]) == ("POST", "admin", str(shop.merchant_id))


def test_nothing_is_decided_without_the_forms_token(shop: Shop, admin: Visitor) -> None:
    program = shop.program()
    answer = admin.post(f"/programs/{program['program_id']}/status", status="paused")
    assert answer.status_code == 400
    assert shop.get(f"/programs/{program['program_id']}")["status"] == "active"
    assert admin.get(f"/programs/{program['program_id']}/status").status_code == 404


def test_a_reward_is_released_or_denied_with_a_note(shop: Shop, admin: Visitor) -> None:
    code = shop.link(shop.program(hold_days=14))["code"]
    for number, (decision, status) in enumerate((("release", "available"), ("deny", "denied"))):
        order = shop.order(f"friend-{number}", referral=code)
        path, reward = f"/orders/{order['conversion_id']}", order["rewards"][0]["reward_id"]
        assert decide(admin, f"{path}/rewards/{reward}", decision=decision, note="A friend in need") == 302
        assert shop.get(f"/conversions/{order['conversion_id']}")["rewards"][0]["status"] == status
        assert "A friend in need" in admin.get(path).text
        assert decide(admin, f"{path}/rewards/{reward}", decision=decision, note="") == 422
        assert decide(admin, f"{path}/rewards/{reward}", decision="eat", note="x") == 422


def test_an_order_is_given_a_referral_and_what_says_no_is_set_aside_by_name(shop: Shop, admin: Visitor) -> None:
    code = shop.link(shop.program())["code"]
    shop.order("ben")
    order = shop.order("ben")
    path = f"/orders/{order['conversion_id']}/attribution"
    token = admin.token("")
    refused = admin.post(path, csrf_token=token, referral=code, note="She called")
    assert refused.status_code == 409
    assert 'value="existing_customer"' in refused.text
    assert f'value="{code}"' in refused.text
    assert shop.get(f"/conversions/{order['conversion_id']}")["status"] == "unattributed"
    form = {"referral": code, "note": "She called", "overrule": "existing_customer"}
    assert decide(admin, path, **form) == 302
    assert shop.get(f"/conversions/{order['conversion_id']}")["status"] == "attributed"
    assert "She called" in admin.get(f"/orders/{order['conversion_id']}").text


def test_of_two_rules_that_say_no_both_can_be_set_aside(shop: Shop, admin: Visitor) -> None:
    code = shop.link(shop.program(minimum_order_amount=2000))["code"]
    shop.order("ben")
    order = shop.order("ben", amount=100)
    path = f"/orders/{order['conversion_id']}/attribution"
    said = {"referral": code, "note": "x", "csrf_token": admin.token("")}
    first = admin.post(path, **said).text
    assert set(re.findall(r'name="overrule" value="(\w+)"', first)) == {"existing_customer", "below_minimum"}
    second = admin.post(path, **said, overrule="below_minimum").text
    assert re.findall(r'value="(\w+)" checked', second) == ["below_minimum"]
    both = admin.client.post(f"/dashboard{path}", data={**said, "overrule": ["below_minimum", "existing_customer"]})
    assert both.status_code == 302
    assert shop.get(f"/conversions/{order['conversion_id']}")["status"] == "attributed"


def test_what_cannot_be_set_aside_is_not_offered(shop: Shop, admin: Visitor) -> None:
    order = shop.order("ben")
    said = {"referral": "NOSUCH", "note": "x", "csrf_token": admin.token("")}
    text = admin.post(f"/orders/{order['conversion_id']}/attribution", **said).text
    assert "These cannot be set aside" in text
    assert 'name="overrule"' not in text


def test_a_reward_is_decided_on_under_its_own_order_alone(shop: Shop, admin: Visitor) -> None:
    code = shop.link(shop.program(hold_days=14))["code"]
    order, other = shop.order("ben", referral=code), shop.order("eve", referral=code)
    reward = order["rewards"][0]["reward_id"]
    path = f"/orders/{other['conversion_id']}/rewards/{reward}"
    assert decide(admin, path, decision="deny", note="x") == 404
    assert shop.get(f"/conversions/{order['conversion_id']}")["rewards"][0]["status"] == "pending"


@pytest.mark.parametrize(
    "form",
    [
        {"referral": "", "note": "x"},
        {"referral": "ANA", "note": ""},
        {"referral": "x" * 2001, "note": "x"},
        {"referral": "\x00", "note": "x"},
        {"referral": "ANA", "note": "x" * 501},
        {"referral": "ANA", "note": "x", "overrule": "the_law"},
    ],
)
def test_a_bad_form_changes_nothing(shop: Shop, admin: Visitor, form: dict[str, str]) -> None:
    order = shop.order("ben")
    assert decide(admin, f"/orders/{order['conversion_id']}/attribution", **form) == 422
    assert shop.get(f"/conversions/{order['conversion_id']}")["status"] == "unattributed"


def test_another_merchants_admin_decides_nothing(shop: Shop, new_shop: Callable[[], Shop], enter: Enter) -> None:
    other, program = enter(new_shop(), "admin"), shop.program(hold_days=14)
    order, plain = shop.order(referral=shop.link(program)["code"]), shop.order("eve")
    reward = order["rewards"][0]["reward_id"]
    assert decide(other, f"/programs/{program['program_id']}/status", status="paused") == 404
    assert decide(other, f"/orders/{order['conversion_id']}/rewards/{reward}", decision="deny", note="x") == 404
    assert decide(other, f"/orders/{plain['conversion_id']}/attribution", referral="ANA", note="x") == 404
    assert other.get(f"/programs/{program['program_id']}").status_code == 404
    assert shop.get(f"/conversions/{order['conversion_id']}")["rewards"][0]["status"] == "pending"
