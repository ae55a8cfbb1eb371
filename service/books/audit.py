"""The books against the business: each reward, refund, redemption and adjustment has exactly its transactions, and the
reverse.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.books import business as storage
from service.books import copies, pointers, records, sealing
from service.ledger import proof
from service.ledger.books import Kind
from service.rewards import references
from service.rewards.references import Noun

BATCH = 500
MOST_PROBLEMS = 1_000
Holdings = Iterator[tuple[str, str, int]]
"""(owner, currency, minor units), by owner and currency."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A transaction that the business calls for, and what it must move. Minor units, by account kind and side."""

    reference: str
    account: Kind
    debited: int
    credited: int


@dataclass(frozen=True, slots=True)
class Among:
    """The ids of what is asked for, by noun; None for all of a kind."""

    conversion: set[UUID] | None = None
    redemption: set[UUID] | None = None
    adjustment: set[UUID] | None = None
    merge: set[UUID] | None = None


EVERYTHING = Among()


@dataclass(frozen=True, slots=True)
class Report:
    """What came of looking at everything. head: hash of the newest block, in hexadecimal digits; None before the first.

    problems: the first ones, in words.
    """

    transactions: int
    postings: int
    sealed_blocks: int
    head: str | None
    problems: list[str]


def verify(session: Session, merchant_id: UUID, *, expected_head: proof.Head | None = None) -> Report:
    """Recompute all of the merchant's books, and match them with the business, within one snapshot of the database.

    expected_head: of a block that must still be part of the chain.
    """
    return report(session, merchant_id, proof.Verification(session, merchant_id, expected_head=expected_head))


def report(session: Session, merchant_id: UUID, books: proof.Verification) -> Report:
    """The same of this look at the books, which tells meanwhile how far it has come."""
    found = list(islice(chain(books.problems(), _readable(session, merchant_id)), MOST_PROBLEMS + 1))
    if len(found) > MOST_PROBLEMS:
        found[MOST_PROBLEMS:] = ["and more: this list ends here"]
    head = books.head.hex() if books.head else None
    return Report(books.transactions, books.postings, books.blocks, head, found)


def _readable(session: Session, merchant_id: UUID) -> Iterator[str]:
    """The problems, of which one is that the business cannot be read."""
    try:
        with session.begin_nested():
            yield from problems(session, merchant_id)
    except proof.UNREADABLE as error:
        if not proof.is_damaged_content(error):
            raise
        yield f"the business cannot be read: {getattr(error, 'orig', error)}"


def document(found: Report) -> dict[str, Any]:
    """The report as the contract has it."""
    return {
        "ok": not found.problems,
        "transactions": found.transactions,
        "postings": found.postings,
        "sealed_blocks": found.sealed_blocks,
        "head": found.head,
        "problems": found.problems,
    }


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Everything in which the books and the business differ, in words; nothing where they match."""
    found_of_merchant = 0
    expected_of_merchant = _expected(session, merchant_id)
    while batch := list(islice(expected_of_merchant, BATCH)):
        found = proof.movements_of(session, merchant_id, [expected.reference for expected in batch])
        found_of_merchant += len(found)
        for expected in batch:
            yield from _compare(expected, found.get(expected.reference))
    yield from _wrong_lapses(session, merchant_id)
    yield from _wrong_holdings(session, merchant_id)
    yield from pointers.problems(session, merchant_id)
    yield from records.problems(session, merchant_id)
    yield from copies.problems(session, merchant_id)
    yield from sealing.problems(session, merchant_id)
    for owner, currency in storage.wrong_totals(session, merchant_id):
        yield f"owner {owner} in {currency}: what was ever earned or spent is not what the business says"
    if proof.count_books(session, merchant_id).transactions != found_of_merchant:
        yield from _unexpected(session, merchant_id)


def _expected(session: Session, merchant_id: UUID, among: Among = EVERYTHING) -> Iterator[Expected]:
    for conversion_id, total in storage.earned(session, merchant_id, among.conversion):
        yield Expected(references.earned(conversion_id), Kind.EXPENSE, total, 0)
    for conversion_id, step, entry_id, given, taken in storage.changed(session, merchant_id, among.conversion):
        yield Expected(references.changed(conversion_id, step, entry_id), Kind.EXPENSE, given, taken)
    for conversion_id, reward_id, lapsed in storage.ripe(session, merchant_id, among.conversion):
        yield Expected(references.released(conversion_id, reward_id), Kind.EXPENSE, 0, 0)
        if lapsed:
            yield Expected(references.lapsed(conversion_id, reward_id), Kind.LAPSED, 0, lapsed)
    for redemption in storage.redemptions(session, merchant_id, among.redemption):
        yield Expected(references.reserved(redemption.redemption_id), Kind.RESERVED, 0, redemption.amount)
        if redemption.status != "reserved":
            yield Expected(references.settled(redemption.redemption_id), Kind.RESERVED, redemption.amount, 0)
    for given_back in storage.returns(session, merchant_id, among.redemption):
        name = references.returned(given_back.redemption_id, given_back.entry_id)
        yield Expected(name, Kind.SETTLED, given_back.amount, 0)
    for adjustment in storage.adjustments(session, merchant_id, among.adjustment):
        added, taken = (adjustment.amount, 0) if adjustment.direction == "credit" else (0, adjustment.amount)
        account = Kind.OPENING if adjustment.is_opening else Kind.ADJUSTMENTS
        yield Expected(references.adjusted(adjustment.adjustment_id), account, added, taken)
    for merge_id, total in storage.merges(session, merchant_id, among.merge):
        yield Expected(references.merged(merge_id), Kind.PENDING, total, total)


def _compare(expected: Expected, lines: list[tuple[str, str, int]] | None) -> Iterator[str]:
    if lines is None:
        yield f"transaction {expected.reference} is missing from the books"
        return
    kind = str(expected.account)
    debited = sum(amount for debit, _, amount in lines if debit.startswith(kind))
    credited = sum(amount for _, credit, amount in lines if credit.startswith(kind))
    if (debited, credited) != (expected.debited, expected.credited):
        yield f"transaction {expected.reference} does not move what the business says"


def _wrong_lapses(session: Session, merchant_id: UUID) -> Iterator[str]:
    lapsed = storage.lapsed(session, merchant_id)
    for line in proof.trial_balance(session, merchant_id):
        if line.account == Kind.LAPSED and line.credit - line.debit != lapsed.pop(line.currency, 0):
            yield f"account {line.account} in {line.currency} is not what the rewards say has lapsed"
    for currency, total in lapsed.items():
        if total:
            yield f"account {Kind.LAPSED} in {currency} lacks {total}, which the rewards say has lapsed"


def _wrong_holdings(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Owners of whom one balance, or all of it together, is not what the business says."""
    accounts = ((Kind.PENDING, storage.pending), (Kind.AVAILABLE, storage.lots), (Kind.RESERVED, storage.reserved))
    for kind, wanted in accounts:
        held = proof.owner_holdings(session, merchant_id, kind)
        for owner, currency, has, should in differences(held, wanted(session, merchant_id)):
            yield f"account {kind}:{owner} in {currency} holds {has}, and the business says {should}"
    held = proof.owner_positions(session, merchant_id)
    for owner, currency, has, should in differences(held, storage.positions(session, merchant_id)):
        yield f"owner {owner} in {currency} has {has} in all, and the business says {should}"


def differences(held: Holdings, wanted: Holdings) -> Iterator[tuple[str, str, int, int]]:
    """(owner, currency, held, wanted) where two streams in the same order differ; what is missing counts as 0."""
    one, other = next(held, None), next(wanted, None)
    while one or other:
        if other is None or (one is not None and one[:2] < other[:2]):
            assert one is not None
            yield *one, 0
            one = next(held, None)
        elif one is None or other[:2] < one[:2]:
            yield *other[:2], 0, other[2]
            other = next(wanted, None)
        else:
            if one[2] != other[2]:
                yield *one, other[2]
            one, other = next(held, None), next(wanted, None)


def _unexpected(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Name the transactions that nothing in the business calls for."""
    posted = proof.transaction_references(session, merchant_id)
    while batch := list(islice(posted, BATCH)):
        expected = {one.reference for one in _expected(session, merchant_id, _subjects(batch))}
        for reference in batch:
            if reference not in expected:
                yield f"transaction {reference} belongs to nothing in the business"


def _subjects(names: Iterable[str]) -> Among:
    subjects: dict[Noun, set[UUID]] = {noun: set() for noun in Noun}
    for reference in names:
        with suppress(ValueError):  # what is no reference of ours belongs to nothing
            subject = references.subject_of(reference)
            subjects[subject.noun].add(subject.subject_id)
    return Among(subjects[Noun.CONVERSION], subjects[Noun.REDEMPTION], subjects[Noun.ADJUSTMENT], subjects[Noun.MERGE])
