"""What must agree is written once, or goes red here."""

import ast
import dataclasses
import html
import inspect
import re
import subprocess
import sys
from configparser import ConfigParser
from datetime import timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import uuid4

import click
import pytest
import yaml
from flask import Flask

from service import health, problems
from service import settings as environment
from service.books.balances import BECAUSE, TEXTS
from service.commands import main
from service.conversions.attribution import Status
from service.conversions.eligibility import FOR_A_LATER_ORDER, FOR_A_NEW_REFERRAL, REASONS
from service.conversions.explanations import NOW, WORDS, OrderNow, explain
from service.conversions.rules import Rule
from service.database.tables import Base
from service.formats import formats_for
from service.ledger.books import SETTLED, Kind, Posting, pending
from service.ledger.proof import MonthOfLiability, liability_line
from service.ledger.rewards import FixedReward, PercentReward, RewardTerms
from service.migrations.metadata import ALL
from service.programs.terms import DEFAULTS, REWARD_FIELDS, TERMS_FIELDS, RewardDocument, Tier, terms_of
from service.rewards import references
from service.rewards.moves import EVENTS
from service.rewards.references import Step
from service.rewards.tables.rewards import RewardStatus
from service.rewards.transfers import TRANSFERS, refuse_unlisted
from service.web.fields import Strict
from service.web.pagination import PageQuery

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "service"
OF_CUSTOMERS = {Kind.PENDING, Kind.AVAILABLE, Kind.RESERVED, Kind.OWED}
LIABLE = OF_CUSTOMERS - {Kind.OWED}
FILES = sorted(path for path in SERVICE.rglob("*.py") if "versions" not in path.parts)
CONTRACTS = ConfigParser()
CONTRACTS.read(ROOT / "setup.cfg")


def dotted(path: Path) -> str:
    """The module of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def rows_of(document: str) -> set[str]:
    """The first cells of the tables in a document, as the code that they name."""
    text = (ROOT / document).read_text()
    return set(
        chain.from_iterable(re.findall(r"`([^`]+)`", row.split("|")[1]) for row in re.findall(r"^\|.*", text, re.M))
    )


# A rule is one value


def test_every_reason_has_words_and_a_row_in_the_docs_and_a_place_in_the_contract() -> None:
    for reason in REASONS.values():
        assert reason.staff_text.endswith(".")
        assert reason.customer_text.endswith(".")
        assert explain("declined", [reason.name], OrderNow(1, 0), formats_for()).customer_text == reason.customer_text
    assert list(REASONS) == [reason.name for reason in REASONS.values()]
    table = re.findall(r"^\| `(\w+)` \| (.*) \|$", (ROOT / "docs/integration.md").read_text(), re.MULTILINE)
    assert [(name, text) for name, text in table if name in REASONS] == [
        (reason.name, reason.staff_text) for reason in REASONS.values()
    ]
    schemas = yaml.safe_load((ROOT / "openapi.yaml").read_text())["components"]["schemas"]
    for name in ("ConversionOut", "QuoteOut"):
        assert schemas[name]["properties"]["reasons"]["items"]["enum"] == list(REASONS)


def test_every_rule_is_asked_of_a_new_referral_and_none_is_asked_that_is_not_listed() -> None:
    assert set(FOR_A_LATER_ORDER) <= set(FOR_A_NEW_REFERRAL) == {r for r in REASONS.values() if isinstance(r, Rule)}


def test_every_status_has_words() -> None:
    assert set(WORDS) == set(get_args(Status))
    assert set(NOW) == set(get_args(RewardStatus))


# Terms of every version ever stored


STORED_IN_0_1: dict[str, Any] = {
    "currency": "EUR",
    "advocate_reward": {"type": "fixed", "amount": 1000, "as": "credit"},
    "friend_reward": {"type": "percent", "rate": "12.50", "max_amount": 2000, "as": "discount"},
    "tiers": [{"from_referral": 5, "advocate_reward": {"type": "fixed", "amount": 2000, "as": "credit"}}],
    "minimum_order_amount": 2050,
    "attribution_window_days": 30,
    "hold_days": 14,
    "new_customers_only": True,
    "rewarded_orders": 1,
    "max_rewards_per_advocate": None,
    "reward_expiry_days": None,
}
"""A document as 0.1 stored it. One of each version stays here for ever, as the versions do in the databases."""

REWARDS = {"fixed": STORED_IN_0_1["advocate_reward"], "percent": STORED_IN_0_1["friend_reward"]}
"""A reward of each type, as it is stored."""


def test_terms_of_every_version_ever_stored_are_read() -> None:
    terms = terms_of(STORED_IN_0_1)
    assert terms.advocate_reward == FixedReward(1000, "credit")
    assert terms.friend_reward == PercentReward(1250, 2000, "discount")
    assert (terms.minimum_order_amount, terms.hold) == (2050, timedelta(days=14))
    assert terms.tiers == (Tier(5, FixedReward(2000, "credit")),)
    assert (terms.new_customers_only, terms.rewarded_orders) == (True, 1)


def test_a_term_that_did_not_exist_when_a_version_was_stored_is_what_it_is_by_default() -> None:
    assert terms_of({"currency": "EUR"}) == terms_of({"currency": "EUR", **DEFAULTS})
    assert set(TERMS_FIELDS) == {"currency", *DEFAULTS}


def test_a_reward_of_an_unknown_type_raises_and_is_not_taken_for_another() -> None:
    for field in ("advocate_reward", "friend_reward"):
        with pytest.raises(ValueError, match="points"):
            terms_of({"currency": "EUR", field: {"type": "points", "rate": "10.00", "amount": 5, "as": "credit"}})


# The books


def test_every_pair_of_accounts_that_a_posting_may_move_has_a_text_and_a_place_in_the_liability() -> None:
    assert {pair for pair in TRANSFERS if set(pair) & OF_CUSTOMERS} == set(TEXTS)
    fields = {field.name for field in dataclasses.fields(MonthOfLiability)}
    for debit, credit in TRANSFERS:
        line = liability_line(debit, credit)
        changes = (debit in LIABLE) != (credit in LIABLE)
        assert (line in fields) if changes else (line is None), (debit, credit)


def test_a_posting_of_a_pair_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ValueError, match="settled"):
        refuse_unlisted([Posting(pending("a"), SETTLED, 1, "EUR")])


def test_every_step_that_changes_a_reward_has_an_event_and_its_words() -> None:
    assert set(EVENTS) == set(BECAUSE) == set(Step)


def test_references_are_made_and_taken_apart_in_one_file() -> None:
    one, other = uuid4(), uuid4()
    for make in (references.released, references.lapsed):
        assert references.subject_of(make(one, other)) == references.Subject(references.Noun.CONVERSION, one)
        assert references.step_of(make(one, other)) is None
    for step in Step:
        assert references.subject_of(references.changed(one, step, other)).subject_id == one
        assert references.step_of(references.changed(one, step, other)) is step
    assert references.step_of(references.earned(one)) is None
    assert references.subject_of(references.returned(one, other)).noun is references.Noun.REDEMPTION
    assert references.subject_of(references.earned(one)).subject_id == one
    for make_one in (references.reserved, references.settled):
        assert references.subject_of(make_one(one)) == references.Subject(references.Noun.REDEMPTION, one)
    assert references.subject_of(references.adjusted(one)).noun is references.Noun.ADJUSTMENT
    for noun in references.Noun:
        others = [path for path in FILES if path.name != "references.py" and f'"{noun}:' in path.read_text()]
        assert others == []


# Problems, settings, commands


def error_classes() -> set[type[Exception]]:
    """Every error that our own code raises for a caller."""
    found = set()
    import_module("service.brands.logos")  # which is loaded when it is needed
    for path in FILES:
        if "commands" in path.parts:  # which are imported when they are asked for
            import_module(dotted(path))
        module = sys.modules.get(dotted(path))
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == dotted(path):
                found.add(kind)
    return found


NEVER_ANSWERED = {
    "ReferralError": "a root",
    "LedgerError": "a root",
    "KeyRefused": "a root",
    "ReferenceReused": "a fault of ours: a reference names one thing for ever",
    "BadSettings": "stops the start",
    "BeingUpgraded": "as if the database were away",
    "BadFile": "the command line's",
    "BadLogo": "a fault of its field",
    "Fault": "the command line's",
    "Hanging": "as if the database were away",
    "LostRows": "the command line's",
    "LotsAstray": "an edit behind our back, which `orchard ledger verify` names: a 500 that the log explains",
    "NoCitus": "the command line's",
    "NotAnExport": "the command line's",
    "NotEnded": "the command line's",
    "NotOpen": "a page",
    "OutOfOrder": "tried again once the clock of ids is ahead",
    "Outdated": "as if the database were away",
    "RaceLost": "tried again; at last it is as if the database were away",
    "TableHeld": "the command line's",
    "Unwell": "the command line's",
    "WayUnknown": "a page",
    "WorkFirst": "tried again once that is done",
}


def test_every_error_class_has_a_problem(app: Flask) -> None:
    missing = {kind.__name__ for kind in error_classes() if kind not in problems.PROBLEMS}
    assert missing == set(NEVER_ANSWERED)


def test_every_problem_is_told_alike_in_the_docs_and_on_the_served_page(app: Flask) -> None:
    kinds = {problem.kind: problem for problem in (*problems.PROBLEMS.values(), *health.ELSEWHERE)}
    rows = {
        f'| <a id="{kind}"></a>`{kind}` | {problem.status} | {problem.title} | {problem.remedy} |'
        for kind, problem in kinds.items()
    }
    text = (ROOT / "docs/problems.md").read_text()
    assert set(re.findall(r'^\| <a id=".*$', text, re.MULTILINE)) == rows
    served = html.unescape(app.test_client().get("/docs/problems").text)
    assert set(re.findall(r'<dt id="([a-z-]+)">', served)) == set(kinds)
    for problem in kinds.values():
        assert f"<dd>{problem.title}. {problem.remedy.replace('`', '')}</dd>" in served


def test_every_setting_has_a_row_for_operators() -> None:
    assert {name for name in rows_of("docs/operations.md") if name.startswith("ORCHARD_")} == set(environment.NAMES)


def test_every_command_has_a_line_in_the_docs() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    said = " ".join(path.read_text() for path in documents)
    missing = [line for line in commands(main) if f"orchard {line}" not in said]
    assert missing == []


def commands(group: click.Group, prefix: str = "") -> list[str]:
    """Every command as it is typed, without its options."""
    lines = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            lines += commands(command, f"{prefix}{name} ")
        else:
            lines.append(f"{prefix}{name}")
    return lines


# Types and walls


def test_no_untyped_bag_of_values_crosses_into_a_use_case() -> None:
    spread = re.compile(r"\*\*(body|query|filters)\b|-> Any:|: dict\[str, Any\]\) -> Answer")
    views = [path for path in FILES if {"api", "api.py"} & set(path.parts)]
    assert [dotted(path) for path in views if spread.search(path.read_text())] == []


NAME_WHAT_WAS_SAID = {"NewProgram", "ProgramChange", "Profile", "LinkChange", "BrandChange"}
"""They become a TypedDict, as a field that is missing is not the same as null."""


def test_every_schema_that_is_read_makes_a_typed_value(app: Flask) -> None:
    declared = "".join(path.read_text() for path in FILES if {"api", "api.py"} & set(path.parts))
    names = set(re.findall(r"(?:body|query)=(\w+)[,)]", declared))
    known = {schema.__name__: schema for schema in descendants(Strict)}
    assert len(names) > 15
    for name in names - NAME_WHAT_WAS_SAID:
        assert known[name].makes is not None or issubclass(known[name], PageQuery), name


def descendants(root: type[Any]) -> list[type[Any]]:
    """All classes below this one."""
    return [found for child in root.__subclasses__() for found in (child, *descendants(child))]


def test_a_file_that_says_pure_is_held_to_it_and_the_reverse() -> None:
    says = {dotted(path) for path in FILES if (ast.get_docstring(ast.parse(path.read_text())) or "").startswith("PURE")}
    assert set(CONTRACTS["importlinter:contract:pure"]["source_modules"].split()) == says


def test_every_branch_of_the_ledger_and_of_pure_files_is_asked_for() -> None:
    [proved] = re.findall(r"^PROVED = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    pure = CONTRACTS["importlinter:contract:pure"]["source_modules"].split()
    outside = {name.replace(".", "/") + ".py" for name in pure if not name.startswith("service.ledger")}
    assert set(proved.split(",")) == {"service/ledger/*", *outside}
    assert set(CONTRACTS["mutmut"]["only_mutate"].split()) == set(proved.split(","))


def test_the_migrations_know_every_table_by_themselves() -> None:
    alone = "from service.migrations.metadata import ALL; print(*(name for one in ALL for name in one.tables))"
    said = subprocess.run([sys.executable, "-c", alone], capture_output=True, check=True, text=True, cwd=ROOT).stdout
    assert set(said.split()) == {name for one in ALL for name in one.tables}
    mapped = {mapper.class_.__tablename__ for mapper in Base.registry.mappers}
    assert mapped <= set(said.split())


def test_every_type_of_reward_is_read_stored_and_told() -> None:
    kinds = set(REWARD_FIELDS)
    stored = get_type_hints(RewardDocument)
    assert set(get_args(stored["type"])) == kinds
    assert stored.keys() == frozenset[str]().union(*(fitting.all for fitting in REWARD_FIELDS.values()))
    schema = yaml.safe_load((ROOT / "openapi.yaml").read_text())["components"]["schemas"]["Reward"]
    assert {kind["properties"]["type"]["enum"][0]: set(kind["properties"]) for kind in schema["oneOf"]} == {
        kind: fitting.all for kind, fitting in REWARD_FIELDS.items()
    }
    assert {type(terms_of({"currency": "EUR", "friend_reward": REWARDS[kind]}).friend_reward) for kind in kinds} == set(
        get_args(RewardTerms)
    )


def test_the_picture_of_the_house_has_every_room() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    rooms = CONTRACTS["importlinter:contract:layers"]["layers"].replace("|", " ").split()
    assert [room for room in rooms if not re.search(rf"\b{room}\b", picture)] == ["gunicorn_conf"]


def test_the_session_writes_early_in_one_place_alone() -> None:
    flushing = {dotted(path) for path in FILES if "session.flush()" in path.read_text()}
    assert flushing == {"service.database.writing"}


def test_everything_of_the_ledger_is_behind_its_doors() -> None:
    inside = {dotted(path) for path in (SERVICE / "ledger").glob("*.py")} - {"service.ledger"}
    doors = {f"service.ledger.{name}" for name in ("books", "proof", "rewards")}
    assert set(CONTRACTS["importlinter:contract:doors"]["protected_modules"].split()) == inside - doors


def test_each_wall_of_the_house_knows_every_room() -> None:
    rooms = {
        f"service.{path.stem}" for path in SERVICE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    rooms -= {"service.__init__"}
    forbidden = set(CONTRACTS["importlinter:contract:ledger"]["forbidden_modules"].split())
    assert rooms - {"service.ledger"} <= forbidden
    with_flask = {"app", "commands", "demo", "gunicorn_conf", "health", "problems", "telemetry", "web", "wsgi"}
    without = set(CONTRACTS["importlinter:contract:flask"]["source_modules"].split())
    assert without == rooms - {f"service.{name}" for name in with_flask}


def test_no_file_is_over_250_lines_and_no_function_over_50() -> None:
    for path in FILES:
        text = path.read_text()
        assert text.count("\n") <= 250, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno + 1 <= 50, (path, node.name)
