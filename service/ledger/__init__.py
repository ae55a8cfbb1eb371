"""Computes rewards and keeps the books in double entry. Imports the standard library and SQLAlchemy alone.

This facade is all that others may use.
"""

from service.ledger.accounts import EXPENSE, LAPSED, SETTLED, Account, Kind, available, owed, parse, pending, reserved
from service.ledger.audit import BookCount, count, problems
from service.ledger.balances import OwnerBalance, TrialBalanceLine, holdings, of_owner, trial_balance
from service.ledger.errors import InsufficientFunds, LedgerError, ReferenceReused, TransactionUnknown
from service.ledger.journal import by_reference, post, transaction, transactions
from service.ledger.rewards import FixedReward, PercentReward, RewardTerms, lapsing, taken_back
from service.ledger.statements import EntryPosition, OwnerEntry, entries_of_owner
from service.ledger.tables import metadata
from service.ledger.transactions import Posting, Transaction

__all__ = [
    "EXPENSE",
    "LAPSED",
    "SETTLED",
    "Account",
    "BookCount",
    "EntryPosition",
    "FixedReward",
    "InsufficientFunds",
    "Kind",
    "LedgerError",
    "OwnerBalance",
    "OwnerEntry",
    "PercentReward",
    "Posting",
    "ReferenceReused",
    "RewardTerms",
    "Transaction",
    "TransactionUnknown",
    "TrialBalanceLine",
    "available",
    "by_reference",
    "count",
    "entries_of_owner",
    "holdings",
    "lapsing",
    "metadata",
    "of_owner",
    "owed",
    "parse",
    "pending",
    "post",
    "problems",
    "reserved",
    "taken_back",
    "transaction",
    "transactions",
    "trial_balance",
]
