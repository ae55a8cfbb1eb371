"""The books over HTTP: verification, trial balance, accounts, statements and the liability."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import worker
from service.database.engine import Database
from tests.shop import Shop

SPENT = 400


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Ana brought two friends, of whom one got a refund, and spent a part of what she earned."""
    code = shop.link(shop.program())["code"]
    shop.order("ben", referral=code)
    order = shop.order("cleo", referral=code)
    redemption = shop.reserve("ana", SPENT)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    shop.refund(order, 2500, "r")
    shop.balance("ben")  # who is asked for is brought up to date
    return shop


def kinds(report: dict[str, Any]) -> dict[str, int]:
    return {row["account"]: row["debit"] - row["credit"] for row in report["accounts"] if row["debit"] or row["credit"]}


def test_verification_recomputes_everything_and_names_the_head_once_sealed(busy: Shop, database: Database) -> None:
    fresh = busy.get("/ledger/verification")
    assert (fresh["ok"], fresh["problems"], fresh["sealed_blocks"], fresh["head"]) == (True, [], 0, None)
    assert (fresh["transactions"], fresh["postings"]) == (9, 12)
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    sealed = busy.get("/ledger/verification")
    assert (sealed["ok"], sealed["sealed_blocks"]) == (True, 1)
    assert busy.get(f"/ledger/verification?head={sealed['head']}")["ok"] is True
    never = busy.get(f"/ledger/verification?head={'0' * 64}")
    assert (never["ok"], len(never["problems"])) == (False, 1)
    for head in ("", "0" * 63, "G" * 64, sealed["head"].upper() + "0"):
        assert busy.call("GET", f"/ledger/verification?head={head}").status_code == 422


def test_the_trial_balance_can_be_had_as_of_a_past_time(busy: Shop) -> None:
    now = busy.get("/ledger/trial-balance")
    later = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    for by in ("effective", "recorded"):
        assert kinds(busy.get(f"/ledger/trial-balance?as_of={later}&by={by}")) == kinds(now)
        assert busy.get(f"/ledger/trial-balance?as_of=2020-01-01T00:00:00Z&by={by}")["accounts"] == []
    assert kinds(now) == {"expense:rewards": 3000, "available": -2600, "settled": -400}


@pytest.mark.parametrize("path", ["/ledger/trial-balance", "/ledger/liability"])
def test_a_time_to_come_and_a_time_that_is_none_are_refused(busy: Shop, path: str) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    for query in (f"as_of={tomorrow}", "as_of=yesterday", "as_of=2026-01-01", "by=both", "until=now"):
        response = busy.call("GET", f"{path}?{query}")
        assert response.status_code == 422, (query, response.text)


def test_an_order_counts_when_it_was_made_though_recorded_later(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=None, hold_days=14))["code"]
    shop.order(referral=code, ordered_at="2026-02-03T10:00:00Z")
    (month,) = shop.get("/ledger/liability")["by_month"]
    assert (month["month"], month["earned"], month["closing"]) == ("2026-02", 1000, 1000)
    assert kinds(shop.get("/ledger/trial-balance?as_of=2026-02-04T00:00:00Z")) == {
        "expense:rewards": 1000,
        "pending": -1000,
    }
    assert kinds(shop.get("/ledger/trial-balance?as_of=2026-02-04T00:00:00Z&by=recorded")) == {}
    (recorded,) = shop.get("/ledger/liability?by=recorded")["by_month"]
    assert recorded["month"] == datetime.now(UTC).strftime("%Y-%m")


def test_accounts_are_listed_with_their_statements(busy: Shop) -> None:
    own = {row["account"]: row for row in busy.get("/ledger/accounts")["accounts"]}
    assert own["expense:rewards"] == {
        "account": "expense:rewards",
        "normal_side": "debit",
        "currency": "EUR",
        "balance": 3000,
    }
    anas = {row["account"].partition(":")[0]: row for row in busy.get("/ledger/accounts?customer_id=ana")["accounts"]}
    assert {kind: row["balance"] for kind, row in anas.items()} == {"available": 1100, "pending": 0, "reserved": 0}
    path = f"/ledger/accounts/{anas['available']['account']}/statement?currency=EUR"
    entries, cursor = [], ""
    while cursor is not None:
        page = busy.get(f"{path}&limit=2{cursor and '&cursor='}{cursor}")
        entries += page["data"]
        cursor = page["next_cursor"]
    assert [entry["balance_after"] for entry in entries] == [1100, 1600, 2000, 1000]
    assert [entry["event"] for entry in entries] == ["refunded", "reserved", "ripened", "ripened"]
    assert busy.get("/ledger/accounts/expense:rewards/statement?currency=USD")["data"] == []


def test_unknown_accounts_currencies_and_cursors_are_refused(busy: Shop) -> None:
    for account in ("nothing", "available:", "available:no-such-owner", "available:a/b", "expense:rewards:x"):
        assert busy.call("GET", f"/ledger/accounts/{account}/statement?currency=EUR").status_code == 404, account
    statement = busy.get("/customers/ana/statement?limit=1")
    for query in ("", "currency=eur", "currency=EUR&cursor=x", f"currency=EUR&cursor={statement['next_cursor']}"):
        assert busy.call("GET", f"/ledger/accounts/settled/statement?{query}").status_code == 422, query
    cursor = busy.get("/ledger/accounts/expense:rewards/statement?currency=EUR&limit=1")["next_cursor"]
    assert busy.call("GET", f"/customers/ana/statement?cursor={cursor}").status_code == 422
    assert busy.call("GET", "/ledger/accounts?customer_id=nobody").status_code == 404


def test_the_liability_is_what_customers_have(busy: Shop) -> None:
    report = busy.get("/ledger/liability")
    (month,) = report["by_month"]
    assert (month["earned"], month["taken_back"], month["spent"], month["closing"]) == (4000, 1000, 400, 2600)
    assert report["by_age"] == [{"currency": "EUR", "from_days": 0, "to_days": 30, "amount": 2600}]


@pytest.mark.parametrize(
    "path",
    [
        "verification",
        "trial-balance",
        "accounts",
        "accounts/settled/statement?currency=EUR",
        "liability",
        "adjustments",
    ],
)
def test_the_books_are_read_by_marketing_and_not_by_a_checkout(busy: Shop, path: str) -> None:
    assert busy.call("GET", f"/ledger/{path}", scope="marketing").status_code == 200
    assert busy.call("GET", f"/ledger/{path}", scope="checkout").status_code == 403
    assert busy.call("GET", f"/ledger/{path}", scope="").status_code == 401
