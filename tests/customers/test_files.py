"""A file of customers, read row by row: whatever comes in it, the good rows are kept and the others named."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from service.customers.files import MOST_LINES, BadFile, Reading, lines_of, read
from service.customers.rows import Fault, Told

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Phone,Total Spent,"
    "Total Orders,Note,Tax Exempt,Tags\n"
    "'6940095564,Ana,López,ana@example.com,yes,,'+34600000000,120.50,3,\"Likes, commas\nand lines\",no,vip\n"
    "6940095565,Ben,,,no,,,0.00,0,,no,\n"
)
WOOCOMMERCE = (
    '"Name","Username","Last active","Sign up","Email","Orders","Total spend","AOV","Country / Region","City"\n'
    '"Ana María López","ana","2026-01-05 10:00:00","2023-05-01 10:00:00","ana@example.com","2","50","25","ES","Vigo"\n'
    '"","ben","2026-01-05 10:00:00","2023-05-01 10:00:00","ben@example.com","0","0","0","",""\n'
)


def reading(content: str | bytes, form: str = "csv", piece: int = 7) -> Reading:
    """The file, read in small pieces, as a network may bring it."""
    source = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    return read(form, lines_of(lambda _: source.read(piece)), zone=BERLIN, now=NOW)


def rows(content: str | bytes, form: str = "csv") -> list[Told | Fault]:
    return list(reading(content, form).rows)


def told(content: str | bytes, form: str = "csv") -> dict[str | None, dict[str, object]]:
    """customer -> what is said, of a file without faults."""
    found = rows(content, form)
    assert all(isinstance(row, Told) for row in found), found
    return {row.customer_id: dict(row.said) for row in found if isinstance(row, Told)}


def faults(content: str | bytes, form: str = "csv") -> list[tuple[int, str | None]]:
    """(row, field) of what is wrong."""
    return [(row.row, row.field) for row in rows(content, form) if isinstance(row, Fault)]


def good(content: str | bytes, form: str = "csv") -> list[str | None]:
    return [row.customer_id for row in rows(content, form) if isinstance(row, Told)]


def test_our_own_columns_are_read_and_empty_cells_say_nothing() -> None:
    content = (
        "customer_id,email,first_name,locale,since,metadata.tier,metadata.Shoe size\r\n"
        " ana , Ana@Example.COM ,Ana,de-AT,2024-05-31,gold,38\r\n"
        "ben,,,,2024-05-31T09:30:00,,\r\n"
        "cleo,,,,2024-05-31T09:30:00+02:00,,\r\n"
        "\r\n"
    )
    midnight = datetime(2024, 5, 30, 22, tzinfo=UTC)
    assert told(content) == {
        "ana": {
            "email": "Ana@example.com",
            "first_name": "Ana",
            "locale": "de-AT",
            "since": midnight,
            "metadata": {"tier": "gold", "Shoe size": "38"},
        },
        "ben": {"since": datetime(2024, 5, 31, 7, 30, tzinfo=UTC)},
        "cleo": {"since": datetime(2024, 5, 31, 7, 30, tzinfo=UTC)},
    }


def test_shopifys_export_is_understood_as_it_comes() -> None:
    found = rows(SHOPIFY)
    assert [(row.row, row.customer_id, row.has_ordered) for row in found if isinstance(row, Told)] == [
        (2, "6940095564", True),
        (4, "6940095565", False),
    ]
    assert told(SHOPIFY)["6940095564"] == {"first_name": "Ana", "email": "ana@example.com"}
    ignored = reading(SHOPIFY).ignored
    assert ignored[:2] == ("Last Name", "Accepts Email Marketing")
    assert ignored[-1] == "Tags"
    assert len(ignored) == 8


def test_woocommerces_export_has_no_ids_so_its_customers_are_known_by_their_mailboxes() -> None:
    found = [row for row in rows(WOOCOMMERCE) if isinstance(row, Told)]
    assert [(row.customer_id, dict(row.said), row.has_ordered) for row in found] == [
        (None, {"first_name": "Ana", "email": "ana@example.com"}, True),
        (None, {"email": "ben@example.com"}, False),
    ]


def test_the_surest_of_several_columns_is_taken() -> None:
    content = "user_id,ID,customer_id,user_email,display_name,first_name\n1,2,3,a@example.com,Ana López,Anita\n"
    assert told(content) == {"3": {"email": "a@example.com", "first_name": "Anita"}}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_of_every_country_separate_in_their_own_way(separator: str) -> None:
    content = separator.join(["customer_id", "first_name"]) + "\n" + separator.join(["ana", "Ana"])
    assert told(content) == {"ana": {"first_name": "Ana"}}


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert told(b"\xef\xbb\xbfcustomer_id\nana\n") == {"ana": {}}
    assert told('\ufeff{"customer_id": "ana"}', "jsonl") == {"ana": {}}


def test_rows_that_are_not_utf_8_are_named_and_the_others_kept() -> None:
    content = "customer_id,first_name\nana,Ana\nzoe,Zoë\nben,Ben\n".encode("latin-1")
    assert faults(content) == [(3, "first_name")]
    assert good(content) == ["ana", "ben"]
    assert faults('{"customer_id": "ana"}\n{"customer_id": "Zoë"}'.encode("latin-1"), "jsonl") == [(2, "customer_id")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "nothing in it"),
        (b"\xef\xbb\xbf \n", "nothing in it"),
        (b"name,phone\nAna,1\n", "customer_id or email"),
        ("customer_id,Größe\n".encode("latin-1"), "UTF-8"),
        ("customer_id\nana\n".encode("utf-16"), "UTF-8"),
        (b"customer_id" + b",x" * 10_000 + b"\nana\n", "at most 1000 columns"),
        (b'"customer_id\nana\n', "at most 1000 columns"),
        (b",\n", "at most 1000 columns"),
        (b'""\n', "at most 1000 columns"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(content: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        rows(content)


def test_a_quotation_mark_that_never_closes_costs_its_own_row_alone() -> None:
    lines = [f"c{number},Name" for number in range(300)]
    lines[10] = 'c10,"Name'
    lines[299] = 'c299,"Name'
    content = "customer_id,first_name\n" + "\n".join(lines)
    assert faults(content) == [(12, None), (301, None)]
    assert good(content) == [f"c{number}" for number in range(300) if number not in (10, 299)]


def test_a_quotation_mark_in_the_wrong_place_costs_its_own_row_alone() -> None:
    content = 'customer_id,first_name\nana,"A"na\nben,"Be\nn"x\ncleo,Cleo\n'
    assert [row for row, _ in faults(content)] == [2, 3, 4]
    assert good(content) == ["cleo"]


def test_a_file_of_quotation_marks_is_read_in_time_that_grows_with_its_length() -> None:
    content = "customer_id,first_name\n" + 'ana,"Ana\n' * 3_000
    assert len(rows(content)) == 3_000
    assert MOST_LINES < 3_000


def test_what_holds_nul_or_controls_is_refused() -> None:
    assert faults(b"customer_id,first_name\nana,A\0na\nb\0,Ben\ncleo,Cleo\n") == [(2, "first_name"), (3, "customer_id")]
    assert faults('{"customer_id": "a\\u0000"}\n{"customer_id": "b", "metadata": {"a": "\\u0000"}}', "jsonl") == [
        (1, "customer_id"),
        (2, "metadata"),
    ]


def test_a_line_that_fills_the_memory_is_named_and_passed_over() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"customer_id,first_name\nana,Ana\n"
        yield from (b"x" * 65_536 for _ in range(40))
        yield b"\nben,Ben\n"
        yield from (b"y" * 65_536 for _ in range(40))

    given = pieces()
    found = list(read("csv", lines_of(lambda _: next(given, b"")), zone=UTC, now=NOW).rows)
    assert [row.row for row in found if isinstance(row, Fault)] == [3, 5]
    assert [row.customer_id for row in found if isinstance(row, Told)] == ["ana", "ben"]


def test_every_fault_of_a_row_is_named_by_its_field() -> None:
    content = (
        "customer_id,email,first_name,locale,since,orders,metadata.a\n"
        f"..,nobody,{'x' * 81},german?,31.5.2024,many,{'y' * 501}\n"
        ",,Ana,,,,\n"
        "ana,,,,2999-01-01,,\n"
        "ben,,,,1960-01-01,,\n"
        f"{'c' * 256},{'d' * 255}@example.com,,,0001-01-01T00:00:00+23:59,,\n"
        "dan,,,,,,,extra\n"
    )
    assert faults(content) == [
        *((2, field) for field in ("customer_id", "email", "first_name", "locale", "since", "orders", "metadata")),
        (3, "customer_id"),
        (4, "since"),
        (5, "since"),
        (6, "customer_id"),
        (6, "email"),
        (6, "since"),
        (7, None),
    ]


def test_json_lines_say_null_for_what_is_to_be_cleared() -> None:
    content = (
        '{"customer_id": "ana", "email": null, "metadata": {"a": "b"}, "phone": 1}\n'
        "\n"
        '{"id": "ben", "orders": 2, "first_name": "Ben"}\n'
    )
    assert told(content, "jsonl") == {"ana": {"email": None, "metadata": {"a": "b"}}, "ben": {"first_name": "Ben"}}
    assert [row.has_ordered for row in rows(content, "jsonl") if isinstance(row, Told)] == [False, True]


def test_lines_that_are_no_customers_in_json_are_named() -> None:
    content = (
        '[1]\n{\n"ana"\n{"customer_id": 5}\n{"customer_id": "a", "metadata": []}\n{}\n{"id": "b", "orders": true}\n'
    )
    content += "[" * 100_000 + '\n{"customer_id": "\\ud800"}\n{"customer_id": null, "email": null}\n'
    assert faults(content, "jsonl") == [
        (1, None),
        (2, None),
        (3, None),
        (4, "customer_id"),
        (5, "metadata"),
        (6, "customer_id"),
        (7, "orders"),
        (8, None),
        (9, "customer_id"),
        (10, "customer_id"),
    ]


def test_an_apostrophe_that_kept_a_spreadsheet_from_reckoning_is_no_part_of_the_text() -> None:
    content = "customer_id,first_name\n'123,'=Ana\n'tis,''t Hooft\n"
    assert told(content) == {"123": {"first_name": "=Ana"}, "'tis": {"first_name": "'t Hooft"}}


def test_the_lines_of_a_cell_that_goes_over_too_many_are_no_customers() -> None:
    note = "\n".join(f"note line {number}" for number in range(MOST_LINES + 50))
    content = f'customer_id,first_name,note\nana,Ana,"{note}"\nben,Ben,x\n'
    assert good(content) == ["ben"]
    short = f'customer_id,first_name,note\nana,Ana,"{note[:200]}"\nben,Ben,x\n'
    assert good(short) == ["ana", "ben"]


def test_json_lines_are_headed_as_columns_are() -> None:
    assert told('{"Customer-ID": "ana", "Name": "Ana María López"}', "jsonl") == {"ana": {"first_name": "Ana"}}
    assert faults('{"Customer-ID": "ana", "Name": 5}\n{"id": "b", "name": "  "}', "jsonl") == [
        (1, "first_name"),
        (2, "first_name"),
    ]


def test_a_line_of_json_that_fills_the_memory_is_named_as_that() -> None:
    pieces = iter([b'{"id": "ana"}\n', *([b"x" * 65_536] * 40), b'\n{"id": "ben"}\n'])
    found = list(read("jsonl", lines_of(lambda _: next(pieces, b"")), zone=UTC, now=NOW).rows)
    assert [row.customer_id for row in found if isinstance(row, Told)] == ["ana", "ben"]
    assert [(row.row, row.message) for row in found if isinstance(row, Fault)] == [(2, "It is longer than a megabyte.")]
