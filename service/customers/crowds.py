"""Customers, thousands at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.customers.tables import Customer
from service.database.among import among
from service.database.writing import insert_many

_customers = Customer.metadata.tables[Customer.__tablename__]
_c = _customers.c


def all_known(session: Session, merchant_id: UUID, customer_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """These customers, of whom there may be thousands, by their ids: column -> what it holds."""
    query = select(_customers).where(_c.merchant_id == merchant_id, among(session, _c.customer_id, customer_ids))
    return {row.customer_id: dict(row._mapping) for row in session.execute(query)}


def residents(session: Session, merchant_id: UUID, folded_emails: Collection[str]) -> dict[str, set[str]]:
    """mailbox -> the customers who have it, of these mailboxes."""
    query = select(_c.folded_email, _c.customer_id)
    query = query.where(_c.merchant_id == merchant_id, among(session, _c.folded_email, folded_emails))
    found: dict[str, set[str]] = {}
    for mailbox, customer_id in session.execute(query):
        found.setdefault(mailbox, set()).add(customer_id)
    return found


def add_all(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these customers known, who must not be known yet; whole rows."""
    insert_many(session, _customers, rows)
