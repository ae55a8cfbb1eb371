"""A process that dies at the worst moment: afterwards the books are sound, and trying again answers the same."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from service.database.engine import Database
from service.ids import new_id
from tests.ledger.books import Books, stored

CHILD = """
import json, os, signal, sys
from uuid import UUID
from service.ledger import chain, proof, rebuild
from service.ledger.books import EXPENSE, pending
from service.database.engine import Database
from tests.ledger.books import Books, p, post

chain.LARGEST_BLOCK = rebuild.BATCH = 3
database, merchant_id, what, crash = Database(sys.argv[1]), UUID(sys.argv[2]), sys.argv[3], sys.argv[4]
books = Books(database, merchant_id)

def die(here):
    if here == crash:
        os.kill(os.getpid(), signal.SIGKILL)

def posted(session):
    made = post(session, merchant_id, "order:1", p(EXPENSE, pending("a"), 5, "EUR"))
    session.flush()
    die("before the commit")
    return str(made.transaction_id)

def sealed(session):
    block = proof.seal_next_block(session, merchant_id, now=ledger_now)
    die("before the commit")
    return block

def rebuilt(session):
    step = proof.rebuild_some_balances(session, merchant_id)
    die("before the commit")
    return step

from tests.ledger.books import NOW as ledger_now
if what == "post":
    answer = database.write(posted)
    die("after the commit")
elif what == "seal":
    answer = 0
    while block := database.write(sealed):
        answer += 1
        die("after the commit")
else:
    answer, is_over = [], False
    while not is_over:
        step = database.write(rebuilt)
        answer += step.mended
        is_over = step.is_over
        die("after the commit")
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def url(backend: str, migrated_database_url: Callable[[str], str]) -> str:
    return migrated_database_url(backend)


@pytest.fixture
def books(url: str) -> Iterator[Books]:
    books = Books(Database(url), new_id())
    yield books
    books.database.dispose()


def child(url: str, merchant_id: UUID, what: str, crash: str = "") -> "subprocess.CompletedProcess[str]":
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", CHILD, url, str(merchant_id), what, crash]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60)


CRASHES = pytest.mark.parametrize("crash", ["before the commit", "after the commit"])


@CRASHES
def test_a_posting_whose_process_dies_is_there_wholly_or_not_at_all(url: str, books: Books, crash: str) -> None:
    assert child(url, books.merchant_id, "post", crash).returncode == -9
    assert books.problems() == []
    assert books.balance("a").pending == (5 if crash == "after the commit" else 0)
    answers = {json.loads(child(url, books.merchant_id, "post").stdout) for _ in range(2)}
    assert len(answers) == 1
    assert books.balance("a").pending == 5
    assert books.problems() == []


@CRASHES
def test_sealing_that_dies_half_way_goes_on_where_it_was(url: str, books: Books, crash: str) -> None:
    books.fill()
    assert child(url, books.merchant_id, "seal", crash).returncode == -9
    assert books.problems() == []
    blocks = json.loads(child(url, books.merchant_id, "seal").stdout)
    assert blocks == (8 if crash == "after the commit" else 9)
    assert books.problems() == []


@CRASHES
def test_a_rebuild_that_dies_half_way_goes_on_where_it_was(url: str, books: Books, crash: str) -> None:
    books.fill()
    before = books.balances()
    with books.database.engine.begin() as connection:
        mine = stored(books.database, books.merchant_id)
        connection.exec_driver_sql(
            "UPDATE balance SET amount = amount + 1 WHERE merchant_id = "
            + (f"'{mine}'" if books.database.is_sqlite else f"'{mine}'::uuid")
        )
    assert child(url, books.merchant_id, "rebuild", crash).returncode == -9
    done = child(url, books.merchant_id, "rebuild")
    assert done.returncode == 0, done.stderr
    assert books.balances() == before
    assert books.problems() == []
    assert json.loads(child(url, books.merchant_id, "rebuild").stdout) == []
