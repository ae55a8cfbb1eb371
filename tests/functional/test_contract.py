"""The running service and openapi.yaml, held together by Schemathesis with all its checks, on a key of each scope."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from flask import Flask

from tests.serving import Server
from tests.shop import Shop

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CONTRACT = ROOT / "openapi.yaml"


def test_the_document_in_the_repository_is_that_of_the_service(app: Flask) -> None:
    assert CONTRACT.read_text() == app.extensions["orchard-openapi"]()
    assert app.test_client().get("/openapi.yaml").text == CONTRACT.read_text()


def test_every_operation_says_its_key_its_scope_and_its_problems() -> None:
    document = yaml.safe_load(CONTRACT.read_text())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation["security"] == [{"key": []}], path
                assert operation["x-scope"], path
                assert operation["operationId"], path
                assert operation["responses"]["default"], path


KEYS = [("sqlite", "admin"), *(("postgresql", scope) for scope in ("admin", "checkout", "marketing"))]
"""An admin may do what the others may; what those may not is the same code on either database."""


@pytest.mark.parametrize(("backend", "scope"), KEYS, indirect=["backend"])
def test_schemathesis_finds_nothing(server: Server, network_shop: Shop, scope: str) -> None:
    network_shop.order("ben", referral=network_shop.link(network_shop.program(hold_days=14))["code"])
    command: list[str | Path] = [
        Path(sys.executable).parent / "schemathesis",
        *("--config-file", HERE / "schemathesis.toml"),
        *("run", f"{server.base_url}/openapi.yaml", "--url", server.base_url),
        *("--checks", "all", "--max-examples", "5", "--no-color"),
    ]
    environment = {
        **os.environ,
        "ORCHARD_TEST_KEY": network_shop.keys[scope],
        "SCHEMATHESIS_HOOKS": "tests.functional.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    found = done.stdout.partition("FAILURES")[2] or done.stdout
    assert done.returncode == 0, found[:6000] + done.stderr[-2000:]
