"""Who has which accounts in the books."""

from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.errors import Unknown
from service.ledger import books
from service.ledger.books import Account


def of(session: Session, merchant_id: UUID, *, customer_id: str | None) -> dict[tuple[Account, str], int]:
    """(account, currency) -> minor units, of a customer, or of the merchant itself, where they were ever used.

    Raises Unknown.
    """
    if customer_id is None:
        return books.account_balances(session, merchant_id, books.accounts_of(""))
    owner = customers.get(session, merchant_id, customer_id).owner_id.hex
    return books.account_balances(session, merchant_id, books.accounts_of(owner))


def named(session: Session, merchant_id: UUID, name: str) -> Account:
    """The merchant's account of this name: one of its own, or one that an owner has used. Raises Unknown."""
    try:
        account = books.parse_account(name)
    except ValueError:
        raise Unknown("account", name) from None
    if account.owner and not books.account_balances(session, merchant_id, [account]):
        raise Unknown("account", name)
    return account
