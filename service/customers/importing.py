"""Customers by the million: each part of a file in a transaction of its own, and its rows set-wise.

What is known already is not written again, so a file that is sent twice costs its reading.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import crowds, known_mailboxes, persons
from service.customers import tables as storage
from service.customers.contacts import ProfileFields
from service.customers.customers import guest_id
from service.customers.known_mailboxes import Mailbox
from service.customers.mailboxes import fold, is_nobodys
from service.customers.rows import Fault, Told
from service.database.engine import Database, RaceLost
from service.ids import new_id
from service.merchants import tables as merchants
from service.merchants.tables import Merchant

TOGETHER = 1000
"""Rows in a transaction: enough that a statement costs little of it, and few enough to hold nobody up."""

FIRST_COUNT = 1_000
"""After how many new customers PostgreSQL counts anew, and then whenever there are four times as many."""

MEANT = ("email", "folded_email", "merged_into")
"""What must be as it was before, where a customer is changed."""

MOST_FAULTS = 1_000
"""How many faults are told, of however many there are."""


@dataclass(slots=True)
class Tally:
    """What became of the rows. refused: of how many; faults: what was wrong with the first of them."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: list[Fault] = field(default_factory=list)
    last_refused: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The tally as the API says it."""
        counts = {name: getattr(self, name) for name in ("rows", "created", "changed", "unchanged", "refused")}
        return {**counts, "faults": [asdict(fault) for fault in self.faults]}

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Count the rows that have these faults: those of a row follow each other."""
        for fault in faults:
            self.refused += fault.row != self.last_refused
            self.last_refused = fault.row
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class Part:
    """What became of some rows. faults: of those that name nobody."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: Sequence[Fault] = ()


def take_over(
    database: Database,
    merchant_id: UUID,
    rows: Iterator[Told | Fault],
    *,
    now: datetime,
    advance: Callable[[], object],
) -> Tally:
    """Make known what these rows tell, and count. advance: told after each part.

    Where the database goes away, what came before stays, and the same rows may come again.
    """
    tally, uncounted = Tally(), FIRST_COUNT
    while part := list(islice(rows, TOGETHER)):
        tally.refuse(row for row in part if isinstance(row, Fault))
        told = [row for row in part if isinstance(row, Told)]
        done = database.write(lambda session, told=told: _write(session, merchant_id, told, now=now))  # type: ignore[misc]
        tally.refuse(done.faults)
        tally.created += done.created
        tally.changed += done.changed
        tally.unchanged += done.unchanged
        tally.rows = tally.created + tally.changed + tally.unchanged + tally.refused
        if tally.created >= uncounted:
            database.count_anew(storage.Customer.__tablename__, Mailbox.__tablename__)
            uncounted = 4 * tally.created
        advance()
    return tally


def _write(session: Session, merchant_id: UUID, told: Sequence[Told], *, now: datetime) -> Part:
    merchant = merchants.get(session, merchant_id)
    named, faults = _named(session, merchant, told)
    before = crowds.all_known(session, merchant_id, named.keys())
    if former := {one: row["merged_into"] for one, row in before.items() if row["merged_into"]}:
        named = _together((former.get(one, one), row) for one, row in named.items())
        before = crowds.all_known(session, merchant_id, named.keys())
    for one in [one for one, row in before.items() if row["erased_at"]]:
        faults.append(Fault(named.pop(one).row, "customer_id", "This customer was erased."))
    changes = {one: _changes(said, before.get(one), merchant.created_at) for one, said in named.items()}
    met = _meet(session, merchant, changes, before)
    _add(session, merchant_id, {one: new for one, new in changes.items() if one not in before}, now=now)
    # as an order does it: mailboxes are held, then all customers are locked, in their order
    changed = [one for one in changes if one in before and changes[one]]
    locked = storage.lock(session, merchant_id, {*changed, *(one for meeting in met for one in meeting.staying)})
    for one in changed:
        was, now_is = before[one], locked.get(one)
        if now_is is None or any(getattr(now_is, name) != was[name] for name in MEANT):
            raise RaceLost  # they came with another e-mail since, were erased, or became one with another
        storage.change(session, merchant_id, one, changes[one])
    for meeting in met:
        storage.make_one(session, merchant_id, meeting.staying, meeting.mailbox, meeting.person_id)
    created = len(changes.keys() - before.keys())
    unchanged = len(told) - len(faults) - created - len(changed)
    return Part(created, len(changed), unchanged, faults)


def _named(session: Session, merchant: Merchant, told: Sequence[Told]) -> tuple[dict[str, Told], list[Fault]]:
    """customer -> all that these rows tell, the last of what they contradict each other in; guests by their ids."""
    mailboxes = {row.row: fold(row.said["email"] or "") for row in told if row.customer_id is None}
    ids = {persons.mailbox_id_of(merchant, mailbox): mailbox for mailbox in mailboxes.values()}
    known = known_mailboxes.known(session, merchant.merchant_id, ids.keys()) if ids else {}
    nobodys = {ids[one] for one, mailbox in known.items() if mailbox.is_shared}
    rows: list[tuple[str, Told]] = []
    faults = []
    for row in told:
        customer_id = row.customer_id
        if customer_id is None:
            mailbox = mailboxes[row.row]
            if is_nobodys(mailbox) or mailbox in nobodys:
                faults.append(Fault(row.row, "email", "Nobody can be known by this mailbox, which many share."))
                continue
            customer_id = guest_id(merchant.guest_key, mailbox)
        rows.append((customer_id, row))
    return _together(rows), faults


def _together(rows: Iterable[tuple[str, Told]]) -> dict[str, Told]:
    """customer -> all that their rows tell, the last of what these contradict each other in."""
    named: dict[str, Told] = {}
    for customer_id, row in rows:
        if (first := named.get(customer_id)) is not None:
            said: ProfileFields = {**first.said, **row.said}
            row = replace(row, said=said, has_ordered=first.has_ordered or row.has_ordered)
        named[customer_id] = row
    return named


def _changes(told: Told, before: Mapping[str, Any] | None, merchant_since: datetime) -> dict[str, Any]:
    """The columns that are other than before. Who has ordered, nobody says when, did before the merchant came here."""
    said: dict[str, Any] = dict(told.said)
    if told.has_ordered and (before is None or before["since"] is None):
        said.setdefault("since", merchant_since)
    if "metadata" in said:
        said["shop_metadata"] = said.pop("metadata")
    if "email" in said:
        said["folded_email"] = fold(said["email"]) if said["email"] else None
    new = {name: value for name, value in said.items() if value != (before[name] if before else None)}
    return new | {"person_id": None} if "folded_email" in new else new


@dataclass(frozen=True, slots=True)
class Arrival:
    """That customers come to a mailbox. staying: who has it already. person_id: whom all of them are from then on."""

    mailbox: str
    staying: set[str]
    person_id: UUID | None


def _meet(
    session: Session,
    merchant: Merchant,
    changes: Mapping[str, dict[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
) -> list[Arrival]:
    """Whom those who come with another mailbox meet. Sets in their changes who they are, and that they came before."""
    moving = {one: new["folded_email"] for one, new in changes.items() if "folded_email" in new}
    arriving: dict[str, set[str]] = {}
    for one, mailbox in moving.items():
        if mailbox and not is_nobodys(mailbox):
            arriving.setdefault(mailbox, set()).add(one)
    ids = {mailbox: persons.mailbox_id_of(merchant, mailbox) for mailbox in arriving}
    if not ids:
        return []
    known = known_mailboxes.hold_all(session, merchant.merchant_id, ids.values())
    several = [mailbox for mailbox, mailbox_id in ids.items() if not known[mailbox_id].is_shared]
    residents = crowds.residents(session, merchant.merchant_id, several)
    met = []
    for mailbox in sorted(several):
        for one in arriving[mailbox]:
            if (erased_at := known[ids[mailbox]].erased_at) and not (before.get(one) or {}).get("since"):
                changes[one].setdefault("since", erased_at)
        staying = {one for one in residents.get(mailbox, ()) if one not in moving}
        together = len(staying) + len(arriving[mailbox])
        if together == 1:
            continue
        person_id = ids[mailbox] if together <= persons.MOST_CUSTOMERS else None
        if person_id is None:
            known_mailboxes.share(session, merchant.merchant_id, ids[mailbox])
        for one in arriving[mailbox]:
            changes[one]["person_id"] = person_id
        met.append(Arrival(mailbox, staying, person_id))
    return met


def _add(session: Session, merchant_id: UUID, fresh: Mapping[str, Mapping[str, Any]], *, now: datetime) -> None:
    """Make these customers known. One whom somebody else made known meanwhile is a race, which is run again."""
    unsaid = dict.fromkeys(storage.Customer.__table__.columns.keys())
    identity = {"merchant_id": merchant_id, "created_at": now, "keeps_balance": False}
    rows = [{**unsaid, **fresh[one], **identity, "customer_id": one, "owner_id": new_id()} for one in sorted(fresh)]
    crowds.add_all(session, rows)
