"""What operators and newcomers ask first."""

from pathlib import Path

import pytest
from flask import Flask

from service import __version__
from service.app import create_app
from service.demo import preparation
from service.settings import Settings
from tests.serving import SECRET


def test_the_first_page_says_what_this_is_and_where_to_go_on(app: Flask) -> None:
    response = app.test_client().get("/")
    assert response.status_code == 200
    for wanted in ("/docs", "/docs/problems", "/demo", __version__):
        assert wanted in response.text
    for path in ("/docs", "/docs/problems", "/openapi.yaml"):
        assert app.test_client().get(path).status_code == 200


def test_in_production_nothing_speaks_of_the_demo() -> None:
    settings = Settings("sqlite://", (SECRET,), "https://orchard.example", "production", "json", 0)
    client = create_app(settings).test_client()
    assert "/demo" not in client.get("/").text
    assert client.get("/demo").status_code == 404


def test_before_the_first_preparation_the_demo_has_a_kind_page(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "KEPT", tmp_path / "nothing")
    response = app.test_client().get("/demo")
    assert response.status_code == 404
    assert "make run" in response.text
