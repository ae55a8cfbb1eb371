"""Long work gives way to those who come meanwhile, in whichever process they are served."""

import os
import time
from collections.abc import Callable

import pytest

from service.web import traffic
from service.web.traffic import Courtesy, Traffic
from tests.shop import Shop


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was paused, each time; nobody waits."""
    taken: list[float] = []
    monkeypatch.setattr("service.web.traffic.time.sleep", taken.append)
    return taken


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Traffic:
    """Nobody has come yet."""
    nobody = Traffic()
    monkeypatch.setattr(traffic, "traffic", nobody)
    return nobody


def test_nobody_is_given_way_to_where_nobody_comes(fresh: Traffic, pauses: list[float]) -> None:
    Courtesy().give_way()
    assert pauses == []


def test_others_are_given_most_of_the_time(fresh: Traffic, pauses: list[float]) -> None:
    courtesy = Courtesy()
    started = time.monotonic()
    while time.monotonic() - started < 0.02:
        pass
    fresh.note()
    courtesy.give_way()
    courtesy.give_way()
    assert len(pauses) == 1
    assert 0.12 <= pauses[0] <= 0.5


def test_a_moments_work_is_not_worth_a_pause_and_many_are(
    fresh: Traffic, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    courtesy, now = Courtesy(), time.monotonic()
    for _ in range(100):
        now += 0.001
        monkeypatch.setattr("service.web.traffic.time.monotonic", lambda now=now: now)
        fresh.note()
        courtesy.give_way()
    assert 15 <= len(pauses) <= 20
    assert sum(pauses) == pytest.approx(0.6, rel=0.2)


def test_nobody_gives_way_to_themselves(fresh: Traffic, pauses: list[float]) -> None:
    fresh.note()
    Courtesy().give_way()
    assert pauses == []


def test_one_that_came_long_ago_is_forgotten(
    fresh: Traffic, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    courtesy = Courtesy()
    fresh.note()
    now = time.monotonic()
    monkeypatch.setattr("service.web.traffic.time.monotonic", lambda: now + 1)
    courtesy.give_way()
    assert pauses == []


def test_what_one_process_notes_all_know(fresh: Traffic) -> None:
    if (child := os.fork()) == 0:
        fresh.note()
        os._exit(0)
    os.waitpid(child, 0)
    assert fresh.last() > 0


def test_every_request_is_noted(new_shop: Callable[[], Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[bool] = []
    monkeypatch.setattr(Traffic, "note", lambda _: noted.append(True))
    new_shop().get("/programs")
    assert noted == [True]
