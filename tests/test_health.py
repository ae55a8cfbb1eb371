"""What operators and newcomers ask first."""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service import __version__
from service.app import create_app
from service.database.engine import Database
from service.demo import preparation
from service.merchants import keys
from service.settings import Settings
from tests.functional.conftest import CommandLine
from tests.serving import SECRET
from tests.shop import Shop


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


def ready(app: Flask) -> tuple[int, str]:
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.get_json().get("detail", "")


def of(url: str) -> Flask:
    return create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))


def test_a_postgresql_that_takes_no_writes_is_not_ready(migrated_database_url: Callable[[str], str]) -> None:
    app = of(migrated_database_url("postgresql"))
    database = app.extensions["orchard"].database
    assert ready(app) == (200, "")
    with database.statements() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.dispose()
    assert ready(app) == (503, "It takes no writes: it is a standby, or may only be read.")
    database.dispose()


def test_nothing_is_written_to_a_file_that_was_moved_away(
    migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    url = migrated_database_url("sqlite")
    app, path = of(url), Path(url.removeprefix("sqlite:///"))
    shop = new_shop_of(app)
    program = shop.program()
    path.rename(tmp_path / "moved.db")
    assert ready(app)[0] == 503
    assert shop.call("PUT", "/customers/ana", {"first_name": "Ana"}).status_code == 503
    (tmp_path / "moved.db").rename(path)
    assert ready(app) == (200, "")
    assert shop.get(f"/programs/{program['program_id']}")["name"] == program["name"]
    assert shop.call("GET", "/customers/ana").status_code == 404
    app.extensions["orchard"].database.dispose()


def test_a_file_that_may_only_be_read_is_not_ready(
    migrated_database_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = of(migrated_database_url("sqlite"))
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # root may write to any file
    assert ready(app) == (503, "It takes no writes: it is a standby, or may only be read.")
    app.extensions["orchard"].database.dispose()


def test_files_are_for_nobody_else_whatever_the_keys_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o022)
    try:
        CommandLine(f"sqlite:///{tmp_path / 'var' / 'orchard.db'}", tmp_path)("db", "upgrade")
        app = of(f"sqlite:///{tmp_path / 'var' / 'orchard.db'}")
        monkeypatch.chdir(tmp_path)
        shop = new_shop_of(app)
        shop.follow(shop.link(shop.program()))
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "var").rglob("*") if path.is_file()]
    assert {"orchard.db", "destinations.db"} <= {path.name for path in files}
    assert {path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077} == set()
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    app.extensions["orchard"].database.dispose()


def new_shop_of(app: Flask) -> Shop:
    now = datetime.now(UTC)
    database = app.extensions["orchard"].database
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=now))
    return Shop(app.test_client().open, made, merchant.merchant_id)


def test_no_answer_is_kept_on_the_way_nor_framed_where_a_key_is_typed(shop: Shop, app: Flask) -> None:
    answers = [
        shop.call("GET", "/programs"),
        shop.call("POST", "/programs", {}),
        shop.call("GET", "/nowhere"),
        shop.call("GET", "/programs", scope=""),
        app.test_client().get("/readyz"),
        app.test_client().get("/docs"),
    ]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    for path in ("/docs", "/docs/problems"):
        policy = app.test_client().get(path).headers["Content-Security-Policy"]
        for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
            assert part in policy


def test_who_begins_to_write_while_the_file_goes_is_told_so(
    migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    database = Database(migrated_database_url("sqlite"))
    path = Path(str(database.engine.url.database))

    def rename_and_write(session: Session) -> None:
        session.execute(text("DELETE FROM slug"))
        if path.exists():
            path.rename(tmp_path / "moved.db")

    for _ in range(2):
        with pytest.raises(OperationalError):
            database.write(rename_and_write)
        assert not path.exists(), "no empty file is made in its place"
    database.dispose()


def test_a_connection_of_when_the_file_could_only_be_read_is_let_go(
    migrated_database_url: Callable[[str], str],
) -> None:
    database = Database(migrated_database_url("sqlite"))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.rollback()
    with pytest.raises(OperationalError, match="readonly"):
        database.write(lambda session: session.execute(text("DELETE FROM slug")))
    database.write(lambda session: session.execute(text("DELETE FROM slug")))
    database.dispose()


def test_a_file_that_is_no_database_is_as_if_it_were_away(migrated_database_url: Callable[[str], str]) -> None:
    url = migrated_database_url("sqlite")
    app, path = of(url), Path(url.removeprefix("sqlite:///"))
    shop = new_shop_of(app)
    path.unlink()
    path.write_bytes(b"x" * 9000)
    assert shop.call("GET", "/programs").status_code == 503
    assert shop.call("PUT", "/customers/ana", {"first_name": "Ana"}).status_code == 503
    assert ready(app)[0] == 503
    app.extensions["orchard"].database.dispose()
