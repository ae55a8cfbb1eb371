"""What a customer has, and how it came to be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.tables import conversions
from service.customers.customers import get as get_customer
from service.customers.tables import Customer
from service.formats import Formats
from service.languages import message
from service.ledger import books
from service.ledger.books import Kind, OwnerBalance
from service.rewards.references import Noun, Step, Subject, step_of, subject_of
from service.rewards.tables import adjustments, redemptions, totals

TEXTS: Mapping[tuple[Kind, Kind], tuple[str, int, str]] = {
    (Kind.EXPENSE, Kind.PENDING): ("earned", 1, message("Thank you! A reward was earned and is ripening.")),
    (Kind.EXPENSE, Kind.AVAILABLE): ("restored", 1, message("A reward is yours again%(because)s.")),
    (Kind.PENDING, Kind.AVAILABLE): ("ripened", 1, message("A reward is ripe: it can be spent now.")),
    (Kind.PENDING, Kind.EXPENSE): (
        "taken_back",
        -1,
        message("Sorry: a reward was taken back before it was ripe%(because)s."),
    ),
    (Kind.AVAILABLE, Kind.EXPENSE): ("taken_back", -1, message("Sorry: a reward was taken back%(because)s.")),
    (Kind.OWED, Kind.EXPENSE): (
        "owed",
        -1,
        message("Sorry: a reward that was spent was taken back%(because)s; the next one pays for it."),
    ),
    (Kind.AVAILABLE, Kind.OWED): ("debt_paid", -1, message("What was owed has been paid from a reward.")),
    (Kind.AVAILABLE, Kind.RESERVED): ("reserved", -1, message("Set aside for an order.")),
    (Kind.RESERVED, Kind.AVAILABLE): ("given_back", 1, message("Given back from an order.")),
    (Kind.RESERVED, Kind.SETTLED): ("spent", -1, message("Spent on an order. Enjoy!")),
    (Kind.SETTLED, Kind.AVAILABLE): ("returned", 1, message("Yours again, as the order that it paid came back.")),
    (Kind.AVAILABLE, Kind.LAPSED): ("lapsed", -1, message("Sorry: a reward was not used in time and has lapsed.")),
    (Kind.ADJUSTMENTS, Kind.AVAILABLE): ("adjusted", 1, message("Added by the shop.")),
    (Kind.AVAILABLE, Kind.ADJUSTMENTS): ("adjusted", -1, message("Taken back by the shop.")),
    (Kind.OPENING, Kind.AVAILABLE): ("opened", 1, message("Brought along from before.")),
    (Kind.PENDING, Kind.PENDING): (
        "merged",
        1,
        message("Ripening, from an account of yours that is one with this."),
    ),
    (Kind.AVAILABLE, Kind.AVAILABLE): ("merged", 1, message("From an account of yours that is one with this.")),
    (Kind.RESERVED, Kind.RESERVED): (
        "merged",
        1,
        message("Set aside by an account of yours that is one with this."),
    ),
    (Kind.OWED, Kind.OWED): ("merged", -1, message("Owed by an account of yours that is one with this.")),
}
"""(debit, credit) -> kind of entry, its sign for the customer, and the words that the customer may be shown, unless a
human wrote better ones."""

BECAUSE: Mapping[Step, str] = {
    Step.REFUND: message(", as its order was refunded"),
    Step.REVERSAL: message(", as its order's refund did not go through"),
    Step.VOID: message(", as its order was cancelled"),
    Step.REOPENING: message(", as its order stands after all"),
    Step.AMENDMENT: message(", as its order was changed"),
    Step.ATTRIBUTION: message(", as its order was looked at again"),
    Step.DENY: message(" after a review"),
}
"""Why what a reward is worth changed, in the words of a statement."""


@dataclass(frozen=True, slots=True)
class CustomerBalance:
    """What a customer has in one currency, and ever earned (net of what was taken back) and spent. Minor units."""

    held: OwnerBalance
    earned_total: int
    spent_total: int


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One line of a customer's statement. amount: signed, in the customer's favour if positive. Minor units.

    text, because: what it is and why, in the words of the catalogue; note: in those of a human, which go before.
    """

    entry_id: str
    kind: str
    amount: int
    currency: str
    available_after: int
    order_id: str | None
    text: str
    because: str
    note: str | None
    recorded_at: datetime

    def said(self, formats: Formats) -> str:
        """What the customer may be shown."""
        return self.note or formats.say(self.text, because=formats.say(self.because))


def balances(session: Session, merchant_id: UUID, customer: Customer) -> list[CustomerBalance]:
    """One balance for each currency in which the customer ever had anything, by currency."""
    held = books.owner_balances(session, merchant_id, customer.owner_id.hex)
    ever = totals.of_customer(session, merchant_id, customer.customer_id)
    found = []
    for currency in sorted({*held, *ever}):
        total = ever.get(currency, totals.Ever())
        found.append(CustomerBalance(held.get(currency) or OwnerBalance(currency), total.earned, total.spent))
    return found


def statement(
    session: Session, merchant_id: UUID, customer_id: str, *, limit: int, before: books.EntryPosition | None
) -> tuple[list[StatementEntry], books.EntryPosition | None]:
    """The newest entries of a customer's statement, newest first, and where the next page starts.

    Raises Unknown.
    """
    customer = get_customer(session, merchant_id, customer_id)
    return statement_of_owner(session, merchant_id, customer.owner_id.hex, limit=limit, before=before)


def statement_of_owner(
    session: Session, merchant_id: UUID, owner: str, *, limit: int, before: books.EntryPosition | None
) -> tuple[list[StatementEntry], books.EntryPosition | None]:
    """The same of an owner of the books: of one, too, who became one with another."""
    entries, position = books.entries_of_owner(session, merchant_id, owner, limit=limit, before=before)
    about = _about(session, merchant_id, [subject_of(entry.reference) for entry in entries])
    return [_entry(entry, about) for entry in entries], position


@dataclass(frozen=True, slots=True)
class _Note:
    """What an entry's line says beyond the books: the order, or the words of the human who adjusted."""

    order_id: str | None = None
    text: str | None = None


_NOTHING = _Note()


def _entry(entry: books.OwnerEntry, about: Mapping[Subject, _Note]) -> StatementEntry:
    kind, sign, text = TEXTS[entry.posting.debit.kind, entry.posting.credit.kind]
    note = about.get(subject_of(entry.reference), _NOTHING)
    step = step_of(entry.reference)
    return StatementEntry(
        entry_id=f"{entry.transaction_id}-{entry.line}",
        kind=kind,
        amount=sign * entry.posting.amount,
        currency=entry.posting.currency,
        available_after=entry.available_after,
        order_id=note.order_id,
        text=text,
        because=BECAUSE[step] if step else "",
        note=note.text if kind == "adjusted" else None,
        recorded_at=entry.recorded_at,
    )


def _about(session: Session, merchant_id: UUID, subjects: Iterable[Subject]) -> dict[Subject, _Note]:
    """What is known of each of these, where it is known."""
    ids: dict[Noun, set[UUID]] = {noun: set() for noun in Noun}
    for subject in subjects:
        ids[subject.noun].add(subject.subject_id)
    about = {}
    for conversion_id, order_id in conversions.order_ids(session, merchant_id, ids[Noun.CONVERSION]):
        about[Subject(Noun.CONVERSION, conversion_id)] = _Note(order_id)
    for redemption_id, its_order in redemptions.order_ids(session, merchant_id, ids[Noun.REDEMPTION]):
        about[Subject(Noun.REDEMPTION, redemption_id)] = _Note(its_order)
    for adjustment_id, note in adjustments.notes(session, merchant_id, ids[Noun.ADJUSTMENT]).items():
        about[Subject(Noun.ADJUSTMENT, adjustment_id)] = _Note(text=note)
    return about
