"""All that is known of one customer, in one document: what the shop said of them, what they did, and what they have.

Of others it says nothing: not who brought them, and not whom they brought.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from service.books import balances
from service.conversions.tables.conversions import Conversion, Referral
from service.conversions.tables.refunds import Refund
from service.customers import tables as people
from service.customers.tables import Customer
from service.formats import Formats
from service.links.tables import Code, Link
from service.links.visits import Visit
from service.merchants import tables as merchants
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward

Document = dict[str, Any]
STATEMENT_PAGE = 500

OF_A_CUSTOMER = ("customer_id", "first_name", "email", "locale", "since", "created_at", "shop_metadata")
OF_A_LINK = ("link_id", "channel", "code", "destination_url", "status", "expires_at", "created_at", "shop_metadata")
OF_AN_ORDER = (
    "conversion_id",
    "order_id",
    "amount",
    "discount_amount",
    "eligible_amount",
    "refunded_amount",
    "currency",
    "status",
    "reasons",
    "ordered_at",
    "recorded_at",
    "voided_at",
    "void_reason",
    "void_note",
    "late_attribution",
    "shop_metadata",
)
OF_A_REFUND = ("conversion_id", "refund_id", "amount", "refunded_at")
OF_A_REWARD = (
    "reward_id",
    "side",
    "amount",
    "reversed_amount",
    "lapsed_amount",
    "currency",
    "given_as",
    "status",
    "available_at",
    "expires_at",
    "review_note",
    "created_at",
)
OF_A_REDEMPTION = (
    "redemption_id",
    "order_id",
    "amount",
    "captured_amount",
    "returned_amount",
    "currency",
    "status",
    "expires_at",
    "created_at",
    "shop_metadata",
)
OF_A_RETURN = ("redemption_id", "return_id", "amount", "recorded_at")
OF_AN_ADJUSTMENT = ("adjustment_id", "direction", "amount", "currency", "note", "created_at")
NAMES = {"shop_metadata": "metadata", "given_as": "as"}
"""What columns are called for others, where that differs."""


def known_of(session: Session, merchant_id: UUID, customer: Customer, formats: Formats, *, now: datetime) -> Document:
    """Everything, with amounts in minor units and times in UTC. formats: for the texts of the statement."""
    customer_id = customer.customer_id
    mine = (merchant_id, customer_id)
    return {
        "shop": merchants.get(session, merchant_id).name,
        "made_at": now,
        "customer": _row(customer, OF_A_CUSTOMER),
        "former_ids": list(people.former_ids(session, *mine)),
        "other_accounts": sorted(people.all_of(session, *mine, customer.person_id) - {customer_id}),
        "balances": [_balance(one) for one in balances.balances(session, merchant_id, customer)],
        "links": _links(session, *mine),
        "brought_by_a_friend_at": session.scalar(_referral(Referral.created_at, *mine)),
        "friends_brought": session.scalar(_friends(*mine)) or 0,
        "orders": [_order(row) for row in _rows(session, Conversion, OF_AN_ORDER, *mine, Conversion.conversion_id)],
        "refunds": _refunds(session, *mine),
        "rewards": _rows(session, Reward, OF_A_REWARD, *mine, Reward.reward_id),
        "redemptions": _rows(session, Redemption, OF_A_REDEMPTION, *mine, Redemption.redemption_id),
        "returns": _rows(session, RedemptionReturn, OF_A_RETURN, *mine, RedemptionReturn.entry_id),
        "adjustments": _rows(session, Adjustment, OF_AN_ADJUSTMENT, *mine, Adjustment.adjustment_id),
        "statement": _statement(session, merchant_id, customer, formats),
    }


def _row(row: Any, names: Sequence[str]) -> Document:
    return {NAMES.get(name, name): getattr(row, name) for name in names}


def _rows(
    session: Session, table: Any, names: Sequence[str], merchant_id: UUID, customer_id: str, order: Any
) -> list[Document]:
    columns = [getattr(table, name) for name in names]
    query = select(*columns).where(table.merchant_id == merchant_id, table.customer_id == customer_id)
    return [_row(row, names) for row in session.execute(query.order_by(order))]


def _order(row: Document) -> Document:
    """An order, of whose late attribution the note is the customer's to know, and not whose link it was."""
    return {**row, "late_attribution": (row["late_attribution"] or {}).get("note")}


def _balance(one: balances.CustomerBalance) -> Document:
    held = one.held
    return {
        "currency": held.currency,
        "pending": held.pending,
        "available": held.available,
        "reserved": held.reserved,
        "owed": held.owed,
        "earned_total": one.earned_total,
        "spent_total": one.spent_total,
    }


def _links(session: Session, merchant_id: UUID, customer_id: str) -> list[Document]:
    theirs = _rows(session, Link, OF_A_LINK, merchant_id, customer_id, Link.link_id)
    ids = [link["link_id"] for link in theirs]
    codes = select(Code.link_id, Code.folded_code).where(Code.merchant_id == merchant_id, Code.link_id.in_(ids))
    given: dict[UUID, list[str]] = {}
    for link_id, code in session.execute(codes.order_by(Code.given_at, Code.folded_code)):
        given.setdefault(link_id, []).append(code)
    followed = select(Visit.link_id, func.count()).where(Visit.merchant_id == merchant_id, Visit.link_id.in_(ids))
    visits = dict(session.execute(followed.group_by(Visit.link_id)).tuples().all())
    return [
        {**link, "codes_as_matched": given.get(link["link_id"], []), "visits": visits.get(link["link_id"], 0)}
        for link in theirs
    ]


def _referral(column: Any, merchant_id: UUID, customer_id: str) -> Select[Any]:
    return select(column).where(Referral.merchant_id == merchant_id, Referral.friend_id == customer_id)


def _friends(merchant_id: UUID, customer_id: str) -> Select[tuple[int]]:
    return select(func.count()).where(Referral.merchant_id == merchant_id, Referral.advocate_id == customer_id)


def _refunds(session: Session, merchant_id: UUID, customer_id: str) -> list[Document]:
    same = (Conversion.merchant_id == Refund.merchant_id) & (Conversion.conversion_id == Refund.conversion_id)
    query = select(*(getattr(Refund, name) for name in OF_A_REFUND)).join(Conversion, same)
    query = query.where(Refund.merchant_id == merchant_id, Conversion.customer_id == customer_id)
    return [_row(row, OF_A_REFUND) for row in session.execute(query.order_by(Refund.entry_id))]


def _statement(session: Session, merchant_id: UUID, customer: Customer, formats: Formats) -> list[Document]:
    """The statement, newest first, and then those of before others became one with the customer."""
    owners = [customer.owner_id, *people.former_owners(session, merchant_id, customer.customer_id)]
    return [_line(line, formats) for owner in owners for line in _lines(session, merchant_id, owner.hex)]


def _lines(session: Session, merchant_id: UUID, owner: str) -> Iterator[balances.StatementEntry]:
    position, is_first = None, True
    while is_first or position is not None:
        lines, position = balances.statement_of_owner(
            session, merchant_id, owner, limit=STATEMENT_PAGE, before=position
        )
        yield from lines
        is_first = False


def _line(line: balances.StatementEntry, formats: Formats) -> Document:
    return {
        "kind": line.kind,
        "amount": line.amount,
        "currency": line.currency,
        "available_after": line.available_after,
        "text": line.said(formats),
        "recorded_at": line.recorded_at,
    }
