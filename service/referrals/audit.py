"""The books against the business: each reward, refund and redemption has exactly its transactions, and the reverse."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from service import ledger
from service.ledger import Kind, Transaction
from service.storage import audit as storage

BATCH = 500


@dataclass(frozen=True, slots=True)
class Expected:
    """A transaction that the business calls for, and what it must move. Minor units, by account kind and side.

    must_exist: False where only time tells whether it is there by now.
    """

    reference: str
    account: Kind
    debited: int
    credited: int
    must_exist: bool = True


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Everything in which the books and the business differ, in words; nothing where they match."""
    found_of_merchant = 0
    for batch in _batches(_expected(session, merchant_id)):
        found = ledger.by_reference(session, merchant_id, [expected.reference for expected in batch])
        found_of_merchant += len(found)
        for expected in batch:
            yield from _compare(expected, found.get(expected.reference))
    yield from _wrong_holdings(session, merchant_id)
    unmatched = ledger.count(session, merchant_id).transactions - found_of_merchant
    if unmatched:
        yield f"{unmatched} transactions in the books belong to nothing in the business"


def _expected(session: Session, merchant_id: UUID) -> Iterator[Expected]:
    for conversion_id, total in storage.earned(session, merchant_id):
        yield Expected(f"conversion:{conversion_id}", Kind.EXPENSE, total, 0)
    for conversion_id, entry_id, total in storage.taken_back(session, merchant_id):
        yield Expected(f"conversion:{conversion_id}:refund:{entry_id}", Kind.EXPENSE, 0, total)
    for reward in storage.reviewed_or_ripe(session, merchant_id):
        stem = f"conversion:{reward.conversion_id}"
        if reward.status == "denied":
            yield Expected(f"{stem}:deny:{reward.reward_id}", Kind.EXPENSE, 0, reward.remaining)
        else:
            is_ripe = reward.status in ("available", "lapsed")
            yield Expected(f"{stem}:release:{reward.reward_id}", Kind.EXPENSE, 0, 0, is_ripe)
            yield Expected(f"{stem}:lapse:{reward.reward_id}", Kind.EXPENSE, 0, 0, reward.status == "lapsed")
    for redemption in storage.redemptions(session, merchant_id):
        stem = f"redemption:{redemption.redemption_id}"
        yield Expected(stem, Kind.RESERVED, 0, redemption.amount)
        if redemption.status != "reserved":
            yield Expected(f"{stem}:settlement", Kind.RESERVED, redemption.amount, 0)


def _wrong_holdings(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Customers whose pending or reserved balance is not what their rewards and redemptions say."""
    lapsed = storage.lapsed(session, merchant_id)
    for line in ledger.trial_balance(session, merchant_id):
        if line.account == Kind.LAPSED and line.credit - line.debit != lapsed.pop(line.currency, 0):
            yield f"account {line.account} in {line.currency} is not what the rewards say has lapsed"
    for currency, total in lapsed.items():
        if total:
            yield f"account {Kind.LAPSED} in {currency} lacks {total}, which the rewards say has lapsed"
    for kind, holdings in ((Kind.PENDING, storage.pending), (Kind.RESERVED, storage.reserved)):
        expected = {(owner.hex, currency): total for owner, currency, total in holdings(session, merchant_id) if total}
        found = ledger.holdings(session, merchant_id, kind)
        for owner, currency in sorted(expected.keys() | found.keys()):
            wanted, held = expected.get((owner, currency), 0), found.get((owner, currency), 0)
            if wanted != held:
                yield f"account {kind}:{owner} in {currency} holds {held}, and the business says {wanted}"


def _compare(expected: Expected, found: Transaction | None) -> Iterator[str]:
    if found is None:
        if expected.must_exist:
            yield f"transaction {expected.reference} is missing from the books"
        return
    moved: Counter[str] = Counter()
    for posting in found.postings:
        moved["debited"] += posting.amount * (posting.debit.kind == expected.account)
        moved["credited"] += posting.amount * (posting.credit.kind == expected.account)
    if (moved["debited"], moved["credited"]) != (expected.debited, expected.credited):
        yield f"transaction {expected.reference} does not move what the business says"


def _batches(expected: Iterable[Expected]) -> Iterator[Sequence[Expected]]:
    batch: list[Expected] = []
    for one in expected:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
