"""Which key may do what, for every operation that there is."""

from typing import Any

import pytest
import yaml
from flask import Flask


@pytest.fixture(scope="module")
def operations(app: Flask) -> list[tuple[str, Any]]:
    """(method, operation) of everything in the contract."""
    contract = yaml.safe_load(app.extensions["orchard-openapi"]())
    return [
        (method, operation)
        for path in contract["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]


def test_marketing_reads_all_that_a_checkout_reads_and_writes_nothing(operations: list[tuple[str, Any]]) -> None:
    assert len(operations) > 40
    for method, operation in operations:
        scopes = operation["x-scope"].split(" or ")
        if method != "get":
            assert "marketing" not in scopes, operation["operationId"]
        elif "checkout" in scopes:
            assert "marketing" in scopes, operation["operationId"]


def test_marketing_reads_numbers_and_the_reports_of_the_books(operations: list[tuple[str, Any]]) -> None:
    for _, operation in operations:
        if {"stats", "ledger", "reports"} & set(operation["tags"]):
            assert operation["x-scope"] == "admin or marketing", operation["operationId"]
