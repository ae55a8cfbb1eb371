"""The postings of a journal as rows, for whoever exports them in a stream."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select

from service.ledger.tables import posting_table, transaction_table

_p, _t = posting_table.c, transaction_table.c


def journal_lines(merchant_id: UUID) -> Select[Any]:
    """(transaction_id, line, reference, event, debit, credit, amount, currency, effective_at, recorded_at), in order.

    Each posting of the merchant's once. To be narrowed by `effective_at`, executed, or copied.
    """
    of_transaction = and_(_p.merchant_id == _t.merchant_id, _p.transaction_id == _t.transaction_id)
    return (
        select(
            _t.transaction_id,
            _p.line,
            _t.reference,
            _t.event,
            _p.debit,
            _p.credit,
            _p.amount,
            _p.currency,
            _t.effective_at,
            _t.recorded_at,
        )
        .join_from(transaction_table, posting_table, of_transaction)
        .where(_t.merchant_id == merchant_id)
        .order_by(_t.transaction_id, _p.line)
    )
