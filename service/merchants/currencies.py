"""The currencies of a merchant's books. One that is withdrawn later stays readable, exportable and spendable."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service import currencies
from service.errors import BadValues
from service.merchants import tables as storage


def keep(session: Session, merchant_id: UUID, codes: Iterable[str]) -> None:
    """Remember the decimals of these currencies, in which the merchant will have books."""
    for code in sorted(set(codes)):
        storage.keep_currency(session, merchant_id, code, currencies.decimals(code))


def refuse_unknown(session: Session, merchant_id: UUID, code: str, *, at: datetime) -> None:
    """Raise BadValues for a currency in which nobody could pay then, and in which the merchant has no books."""
    if not currencies.is_valid_at(code, at) and code not in storage.currencies(session, merchant_id):
        raise BadValues({"currency": currencies.fault_of_currency(code) or "It is no currency."})


def decimals(session: Session, merchant_id: UUID) -> Callable[[str], int]:
    """currency -> how many decimals it has in this merchant's books."""
    kept = storage.currencies(session, merchant_id)
    return lambda code: kept[code] if code in kept else currencies.decimals(code)
