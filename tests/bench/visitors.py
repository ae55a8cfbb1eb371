"""How often a person is taken for a machine, and a machine for a person: by our own rules, and by a library's list."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Any

import crawleruseragents
import yaml

from service.links import visitors
from service.links.visitors import BROWSERS, Visitor, classify

FIXTURES = files("device_detector") / "tests" / "fixtures" / "upstream"
OF_PERSONS = (
    "camera",
    "car_",
    "console",
    "desktop",
    "feature_",
    "mobile_apps",
    "phablet",
    "smartphone",
    "tablet",
    "tv",
)
READ_BY_PEOPLE = ("browser", "mobile app")
WANTED_MICROSECONDS = 30


def bench_visitors() -> None:
    """Print both error rates, and what one look at a user agent that was never seen costs."""
    persons, machines = sorted(_persons()), sorted(_machines())
    print(f"{len(persons)} user agents of people, {len(machines)} of machines (device-detector, fake-useragent)")
    judges: dict[str, Callable[[str], bool]] = {
        "ours": lambda agent: classify("GET", {"User-Agent": agent}).is_machine,
        "crawler-user-agents alone": crawleruseragents.is_crawler,
    }
    for name, is_machine in judges.items():
        wronged = sum(map(is_machine, persons))
        missed = len(machines) - sum(map(is_machine, machines))
        errors = f"people taken for machines: {_share(wronged, persons)}, machines missed: {_share(missed, machines)}"
        print(f"{name:26} {errors}")
    kinds = [classify("GET", {"User-Agent": agent}) for agent in machines]
    print(", ".join(f"{kind}: {kinds.count(kind)}" for kind in Visitor))
    taken = statistics.median(_microseconds(persons[::17]))
    said = "yes" if taken < WANTED_MICROSECONDS else "NO"
    print(f"one look: {taken:.0f} microseconds, wanted {WANTED_MICROSECONDS}: {said}")


def _share(some: int, of_all: Iterable[str]) -> str:
    many = len(list(of_all))
    return f"{some} ({100 * some / many:.2f} %)"


def _microseconds(agents: Iterable[str]) -> Iterator[float]:
    for agent in agents:
        visitors._of_user_agent.cache_clear()
        started = time.process_time()
        classify("GET", {"User-Agent": agent})
        yield 1e6 * (time.process_time() - started)


def _persons() -> set[str]:
    """What browsers and web views say. Programs that only load things for somebody's app name no engine."""
    lines = (files("fake_useragent") / "data" / "browsers.jsonl").read_text().splitlines()
    found = {json.loads(line)["useragent"] for line in lines}
    for path in FIXTURES.iterdir():
        if path.name.startswith(OF_PERSONS):
            found |= {
                one["user_agent"]
                for one in _fixture(path)
                if isinstance(one.get("client"), dict) and one["client"].get("type") in READ_BY_PEOPLE
            }
    return {agent for agent in found if BROWSERS.are_in(agent.lower())}


def _machines() -> set[str]:
    return {one["user_agent"] for one in _fixture(FIXTURES / "bots.yml")}


def _fixture(path: Any) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(), Loader=loader) or []
