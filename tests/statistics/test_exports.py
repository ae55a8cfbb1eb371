"""Files that people take away: whole, exact, harmless, and read by the tools that they work with."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from pyarrow import parquet

from service.database.engine import Database
from service.statistics.api import exports as api
from service.statistics.exports import text, workbooks
from service.statistics.exports.columns import DATASETS, Kind
from service.turns import Turns
from tests.conftest import missing
from tests.shop import Shop

NAMES = ["=cmd|' /C calc'!A0", "+1", "-2", "@x", "'quoted", 'a "b", c', "line\nbreak", "🍎 rtl \u202e\u0627", "# end"]


def whole(shop: Shop, path: str, **headers: str) -> Any:
    """The response, read to its end, as who asks it does."""
    response = shop.call("GET", path, scope="marketing", **headers)
    assert response.data is not None
    return response


def export(shop: Shop, path: str, *, status: int = 200) -> Any:
    """The file at this path, as bytes."""
    response = whole(shop, f"/exports/{path}")
    assert response.status_code == status, response.text
    return response.data if status == 200 else response.json


def asked(query: str) -> list[Any]:
    """What DuckDB finds."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()


def rows_of(data: bytes) -> tuple[list[dict[str, str]], dict[str, str]]:
    """(rows, what the last line says) of a CSV, with the apostrophes taken off."""
    names, *lines, last = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert last[0].startswith("# end ")
    assert last[1:] == [""] * (len(names) - 1)
    facts = {name: str(value) for name, value in json.loads(last[0].removeprefix("# end ")).items()}
    return [dict(zip(names, line, strict=True)) for line in lines], facts


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop with something in every dataset, and names of every kind."""
    program = shop.program(
        friend_reward={"type": "percent", "rate": "10.00", "as": "discount"},
        other_currencies={
            money: {"advocate_reward": {"type": "fixed", "amount": 5}, "friend_reward": None, "tiers": []}
            for money in ("JPY", "KWD")
        },
    )
    link = shop.link(program, channel="mail")
    shop.visit(link)
    order = shop.order("ben", referral=link["code"], discount_amount=500, metadata={"color": "é,", "a": "1"})
    shop.refund(order, 1234, "r-1")
    shop.order("cleo", referral=link["code"], amount=5000, currency="JPY")
    shop.order("dan", referral=link["code"], amount=5123, currency="KWD")
    shop.order("eve", referral="nonsense")
    for number, name in enumerate(NAMES):
        shop.put(f"/customers/c-{number}", {"first_name": name.replace("\n", " ")}, status=201)
        shop.order(name if "\n" not in name else "x", order_id=f"{name} {number}".replace("\n", " "))
    redemption = shop.reserve("ana", 300)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {"amount": 200}, status=200)
    return shop


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_every_dataset_has_its_columns_in_every_format(busy: Shop, dataset: str, tmp_path: Path) -> None:
    names = [column.name for column in DATASETS[dataset]]
    rows, facts = rows_of(export(busy, f"{dataset}.csv"))
    assert rows
    assert list(rows[0]) == names
    assert (facts["dataset"], facts["merchant_id"]) == (dataset, str(busy.merchant_id))
    assert facts["rows"] == str(len(rows))
    *documents, last = map(json.loads, export(busy, f"{dataset}.jsonl").decode().splitlines())
    assert [list(document) for document in documents] == [names] * len(rows)
    told = {name: str(value) for name, value in last["end"].items() if name != "as_of"}
    assert told == {name: value for name, value in facts.items() if name != "as_of"}
    (tmp_path / "x.parquet").write_bytes(export(busy, f"{dataset}.parquet"))
    table = parquet.read_table(tmp_path / "x.parquet")
    assert (table.column_names, table.num_rows) == (names, len(rows))
    assert str(json.loads(table.schema.metadata[b"orchard"])["rows"]) == facts["rows"]
    (tmp_path / "x.xlsx").write_bytes(export(busy, f"{dataset}.xlsx"))
    assert (tmp_path / "x.xlsx").read_bytes()[:2] == b"PK"


def test_amounts_are_exact_in_each_currency(busy: Shop) -> None:
    rows, facts = rows_of(export(busy, "conversions.csv"))
    shown = {(row["currency"], row["amount"]): row["amount_decimal"] for row in rows}
    assert shown["EUR", "5000"] == "50.00"
    assert shown["JPY", "5000"] == "5000"
    assert shown["KWD", "5123"] == "5.123"
    assert facts["KWD.amount"] == "5123"
    assert facts["EUR.refunded_amount"] == "1234"


def test_names_of_every_kind_survive_and_none_is_a_formula(busy: Shop, tmp_path: Path) -> None:
    data = export(busy, "conversions.csv")
    rows, _ = rows_of(data)
    raw = {json.loads(line).get("customer_id") for line in export(busy, "conversions.jsonl").decode().splitlines()}
    in_csv = {row["customer_id"] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows for cell in row.values())
    assert {cell.removeprefix("'") for cell in in_csv} == raw - {None}
    assert {name for name in NAMES if "\n" not in name} <= raw
    (tmp_path / "c.csv").write_bytes(data)
    table = f"read_csv('{tmp_path / 'c.csv'}')"
    found = asked(f"SELECT customer_id, amount FROM {table} WHERE NOT starts_with(conversion_id, '# end')")
    assert found == [(row["customer_id"], int(row["amount"])) for row in rows]
    frame = pd.read_csv(tmp_path / "c.csv", skipfooter=1, engine="python", dtype=str, keep_default_na=False)
    assert list(frame["customer_id"]) == [row["customer_id"] for row in rows]


def test_parquet_has_types(busy: Shop, tmp_path: Path) -> None:
    (tmp_path / "c.parquet").write_bytes(export(busy, "conversions.parquet"))
    frame = pd.read_parquet(tmp_path / "c.parquet")
    assert str(frame["amount"].dtype) == "int64"
    assert str(frame["ordered_at"].dtype) == "datetime64[us, UTC]"
    assert Decimal("5.123") in set(frame["amount_decimal"])
    types = dict(asked(f"SELECT column_name, column_type FROM (DESCRIBE '{tmp_path / 'c.parquet'}')"))
    assert (types["amount"], types["ordered_at"]) == ("BIGINT", "TIMESTAMP WITH TIME ZONE")
    assert types["amount_decimal"].startswith("DECIMAL(38,")


def test_a_workbook_opens_in_libreoffice(busy: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("soffice"):
        missing("LibreOffice (soffice)")
    monkeypatch.setattr(workbooks, "MOST_ROWS", 5)
    (tmp_path / "c.xlsx").write_bytes(export(busy, "conversions.xlsx"))
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to"]
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    subprocess.run(
        [*command, every_sheet, "--outdir", str(tmp_path), str(tmp_path / "c.xlsx")], check=True, timeout=120
    )
    first = list(csv.DictReader(io.StringIO((tmp_path / "c-Sheet1.csv").read_bytes().decode(), newline="")))
    rows, facts = rows_of(export(busy, "conversions.csv"))
    assert len(first) == 5
    assert [row["order_id"] for row in first] == [row["order_id"].removeprefix("'") for row in rows[:5]]
    assert [Decimal(row["amount_decimal"]) for row in first] == [Decimal(row["amount_decimal"]) for row in rows[:5]]
    about = dict(csv.reader((tmp_path / "c-About.csv").read_text().splitlines()))
    assert about["rows"] == facts["rows"]
    assert len(list(tmp_path.glob("c-Sheet*.csv"))) == -(-len(rows) // 5)


def test_columns_days_and_a_byte_order_mark_are_chosen(busy: Shop) -> None:
    data = export(busy, "conversions.csv?columns=order_id,amount_decimal&bom=true")
    assert data.startswith(b"\xef\xbb\xbforder_id,amount_decimal\n")
    busy.order(order_id="old", ordered_at="2026-05-01T12:00:00Z")
    rows, facts = rows_of(export(busy, "conversions.csv?from=2026-05-01&to=2026-05-02&columns=order_id"))
    assert ([row["order_id"] for row in rows], facts["from"], facts["rows"]) == (["old"], "2026-05-01", "1")
    response = whole(busy, "/exports/conversions.csv?from=2026-05-01&to=2026-05-02")
    assert 'filename="conversions_from_2026-05-01_to_2026-05-02.csv"' in response.headers["Content-Disposition"]
    program = busy.program()
    assert rows_of(export(busy, f"rewards.csv?program_id={program['program_id']}"))[0] == []


def test_both_ways_of_writing_a_csv_make_the_same_cells(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for dataset in DATASETS:
        one, _ = rows_of(export(busy, f"{dataset}.csv"))
        with monkeypatch.context() as patched:
            patched.setattr(text, "_copied", text._written)
            other, _ = rows_of(export(busy, f"{dataset}.csv"))
        assert one == other


def test_nothing_new_is_304_and_anything_new_is_not(busy: Shop) -> None:
    path = "/exports/conversions.csv"
    tag = whole(busy, path).headers["ETag"]
    assert whole(busy, path, If_None_Match=tag).status_code == 304
    assert whole(busy, "/exports/conversions.jsonl", If_None_Match=tag).status_code == 200
    busy.order()
    assert whole(busy, path, If_None_Match=tag).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("conversions.csv?columns=order_id,nonsense", 422, "nonsense is no column"),
        ("conversions.csv?columns=order_id,order_id", 422, "twice"),
        ("conversions.csv?columns=", 422, "no column"),
        ("conversions.csv?from=2026-02-01&to=2026-01-01", 422, "before `from`"),
        ("conversions.csv?from=2026-02-01T00:00:00Z", 422, "days"),
        ("conversions.csv?bom=1", 422, "true or false"),
        ("redemptions.csv?program_id=01930000-0000-7000-8000-000000000000", 422, "no program"),
        ("rewards.csv?program_id=01930000-0000-7000-8000-000000000000", 404, "There is no program"),
        ("orders.csv", 404, "There are visits, conversions"),
        ("conversions.pdf", 404, "There are csv"),
        ("conversions", 404, ""),
        ("a.b.csv", 404, ""),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(shop: Shop, path: str, status: int, says: str) -> None:
    assert says in json.dumps(export(shop, path, status=status))


def test_a_key_of_another_scope_and_a_stranger_get_nothing(busy: Shop, new_shop: Callable[[], Shop]) -> None:
    assert busy.call("GET", "/exports/conversions.csv", scope="checkout").status_code == 403
    stranger = new_shop()
    for dataset in DATASETS:
        assert rows_of(export(stranger, f"{dataset}.csv"))[0] == []


def test_no_more_exports_go_on_at_once_than_may(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "turns", Turns(1))
    first = busy.call("GET", "/exports/conversions.csv", scope="marketing")
    assert first.status_code == 200
    other = busy.call("GET", "/exports/conversions.csv", scope="marketing")
    assert (other.status_code, other.headers["Retry-After"]) == (429, "2")
    assert other.json["type"].endswith("too-many-exports")
    first.close()
    assert export(busy, "conversions.csv")


def test_without_pyarrow_parquet_is_501_and_names_the_extra(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("service.statistics.exports.parquet.find_spec", lambda _: None)
    assert "orchard-referrals[parquet]" in json.dumps(export(shop, "visits.parquet", status=501))


def test_rewards_add_up_to_what_the_trial_balance_says(busy: Shop, database: Database) -> None:
    rows, facts = rows_of(export(busy, "rewards.csv"))
    cost: dict[str, int] = {}
    for row in rows:
        cost[row["currency"]] = cost.get(row["currency"], 0) + int(row["net_amount"])
    booked = {name.partition(".")[0]: int(value) for name, value in facts.items() if name.endswith("reward_cost")}
    assert booked == cost
    lines = busy.get("/ledger/trial-balance", scope="marketing")["accounts"]
    _, of_ledger = rows_of(export(busy, "ledger.csv"))
    for line in lines:
        assert of_ledger[f"{line['currency']}.books.{line['account']}"] == str(line["debit"] - line["credit"])


def test_every_column_is_in_the_docs_with_its_type() -> None:
    words = {Kind.ID: "UUID", Kind.MINOR: "whole number, minor units", Kind.DECIMAL: "decimal of the currency"}
    document = (Path(__file__).parents[2] / "docs/exports.md").read_text()
    for dataset, columns in DATASETS.items():
        section = document.split(f"### `{dataset}`")[1].split("###")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        assert [row[0].strip("| `") for row in rows] == [column.name for column in columns]
        for row, column in zip(rows, columns, strict=True):
            assert row[1] == words.get(column.kind, row[1])
