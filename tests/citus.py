"""A Citus that somebody runs, for the tests that are to run on many machines: databases of their own on all of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

GIVEN, URL = "ORCHARD_CITUS_URL", "TESTS_CITUS_URL"
"""How the coordinator is named to the tests, and by them to their processes: the service knows no such setting."""


def take_name() -> None:
    """Remember where the Citus is, out of sight of the service."""
    if given := os.environ.pop(GIVEN, None):
        os.environ[URL] = given


def let_guards_be() -> None:
    """Skip a test that would edit rows behind their triggers: a Citus has them on each machine."""
    if URL in os.environ:
        pytest.skip("a Citus keeps its triggers")


@contextmanager
def new_database() -> Iterator[str]:
    """An empty database on all its machines; the URL by which the service names it. It is dropped afterwards."""
    url = make_url(os.environ[URL]).set(drivername="postgresql")
    name = sql.Identifier(of_tests := f"test_{uuid4().hex}")
    nodes = _nodes(url.render_as_string(hide_password=False))
    places = [url.set(host=host, port=port) for host, port in nodes]
    for place in places:
        _run(place.render_as_string(hide_password=False), sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        ours = place.set(database=of_tests).render_as_string(hide_password=False)
        _run(ours, sql.SQL("CREATE EXTENSION IF NOT EXISTS citus"))
    here = url.set(database=of_tests).render_as_string(hide_password=False)
    coordinator, *workers = nodes
    _run(here, sql.SQL("SELECT citus_set_coordinator_host({}, {})").format(*map(sql.Literal, coordinator)))
    for worker in workers:
        _run(here, sql.SQL("SELECT citus_add_node({}, {})").format(*map(sql.Literal, worker)))
    try:
        yield here
    finally:
        for place in places:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
            _run(place.render_as_string(hide_password=False), drop)


def _nodes(url: str) -> list[tuple[str, int]]:
    """Hosts and ports, the coordinator's first."""
    with psycopg.connect(url, autocommit=True) as connection:
        return list(connection.execute("SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid").fetchall())


def _run(url: str, command: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET citus.enable_create_database_propagation = off")
        connection.execute(command)
