"""An exported file against the books: whole and unchanged it agrees, and each row that is not is named."""

from pathlib import Path

import pytest

from service.database.engine import Database
from service.statistics.exports import reconciling
from service.statistics.exports.reconciling import Finding, NotAnExport
from tests.shop import Shop

FILES = ("rewards", "redemptions", "ledger")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop whose rewards were earned, taken back and spent."""
    code = shop.link(shop.program())["code"]
    orders = [shop.order(f"friend-{number}", referral=code) for number in range(4)]
    shop.refund(orders[0], 2500, "r")
    shop.post(f"/conversions/{orders[1]['conversion_id']}/void", {"reason": "test"}, status=200)
    for amount in (700, 300):
        redemption = shop.reserve("ana", amount)
        shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    return shop


def exported(shop: Shop, path: str, folder: Path) -> Path:
    """The file, stored."""
    response = shop.call("GET", f"/exports/{path}", scope="marketing")
    assert response.data
    assert response.status_code == 200
    file = folder / "export.csv"
    file.write_bytes(response.data)
    return file


def found(database: Database, file: Path) -> Finding:
    """What differs between a file and the books."""
    told = reconciling.read(str(file))
    with database.reading() as session:
        return reconciling.reconcile(session, told)


@pytest.mark.parametrize("dataset", FILES)
@pytest.mark.parametrize("query", ["", "?from=2026-01-01", "?from=2026-01-01&to=2999-01-01"])
def test_a_file_as_it_was_made_agrees(busy: Shop, database: Database, tmp_path: Path, dataset: str, query: str) -> None:
    finding = found(database, exported(busy, f"{dataset}.csv{query}", tmp_path))
    assert (finding.problems, finding.later) == ([], 0)
    assert finding.rows >= 2


@pytest.mark.parametrize("dataset", FILES)
def test_a_row_that_was_changed_added_or_left_out_is_named(
    busy: Shop, database: Database, tmp_path: Path, dataset: str
) -> None:
    file = exported(busy, f"{dataset}.csv", tmp_path)
    names, first, second, *rest = file.read_text().splitlines()
    name = first.split(",")[0]

    def problems(*lines: str) -> str:
        file.write_text("\n".join([names, *lines, *rest]) + "\n")
        return "\n".join(found(database, file).problems)

    amount = dict(zip(names.split(","), first.split(","), strict=True))["amount"]
    changed = first.replace(f",{amount},", f",{int(amount) + 1},", 1)
    assert f"{name}" in problems(changed, second)
    assert f"amount is {int(amount) + 1} for {amount}" in problems(changed, second)
    assert "adds up to" in problems(changed, second)
    assert "was left out" in problems(second)
    stranger = first.replace(name, "01930000-0000-7000-8000-000000000000", 1)
    assert "01930000-0000-7000-8000-000000000000" in problems(first, stranger, second)
    assert "was added" in problems(first, stranger, second)
    assert problems(first, second) == ""


@pytest.mark.parametrize("dataset", FILES)
def test_what_happened_since_is_counted_and_is_no_fault(
    busy: Shop, database: Database, tmp_path: Path, dataset: str
) -> None:
    file = exported(busy, f"{dataset}.csv", tmp_path)
    [order] = [order for order in busy.orders().values() if order["customer_id"] == "friend-2"]
    busy.refund(order, 5000, "later")
    busy.post(f"/redemptions/{busy.reserve('ana', 100)['redemption_id']}/capture", {}, status=200)
    finding = found(database, file)
    assert finding.problems == []
    assert finding.later > 0


def edited(text: str) -> dict[str, str]:
    """Files that are none, by what was done to them."""
    lines = text.splitlines()
    return {
        "cut off": "\n".join(lines[:-1]),
        "cut off amid a row": text[: len(text) // 2],
        "empty": "",
        "not text": "\x00\x01\x02",
        "another file": "a,b\n1,2\n",
        "of another dataset": text.replace('dataset"": ""rewards', 'dataset"": ""visits'),
        "of nobody": text.replace('merchant_id"": ""', 'merchant_id"": ""x'),
        "of another merchant": text.replace(
            text.split('merchant_id"": ""')[1][:36], "01930000-0000-7000-8000-000000000000"
        ),
        "twice the same row": "\n".join([*lines[:2], lines[1], *lines[2:]]),
        "a cell too many": "\n".join([lines[0], lines[1] + ",x", *lines[2:]]),
        "no such column": text.replace("net_amount", "gross_amount", 1),
        "no time": text.replace('as_of"": ""', 'as_of"": ""x'),
        "an open quote": text.replace(",", ',"', 1),
    }


@pytest.mark.parametrize("what", list(edited('merchant_id"": ""' + "x" * 40 + "\n\n\n")))
def test_a_file_that_is_no_export_is_refused(busy: Shop, database: Database, tmp_path: Path, what: str) -> None:
    file = exported(busy, "rewards.csv", tmp_path)
    file.write_text(edited(file.read_text())[what])
    with pytest.raises(NotAnExport):
        found(database, file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotAnExport):
        reconciling.read(str(tmp_path / "x.csv"))


def test_accounts_and_amounts_that_cannot_be_are_named(busy: Shop, database: Database, tmp_path: Path) -> None:
    file = exported(busy, "ledger.csv", tmp_path)
    text = file.read_text()
    file.write_text(text.replace("expense:rewards", "somewhere", 1).replace(",1000,10.00,", ",many,10.00,", 1))
    problems = "\n".join(found(database, file).problems)
    assert "debit is somewhere for expense:rewards" in problems
    assert "amount is many for 1000" in problems
