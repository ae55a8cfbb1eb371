"""Computes rewards and keeps the books in double entry. Imports the standard library and SQLAlchemy alone.

This facade is all that others may use.
"""

from service.ledger.accounts import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    SETTLED,
    Account,
    Kind,
    accounts_of,
    available,
    owed,
    parse,
    pending,
    reserved,
)
from service.ledger.audit import UNREADABLE, BookCount, Verification, count, is_content
from service.ledger.balances import OwnerBalance, holdings, of_accounts, of_owner, positions
from service.ledger.chain import Block, head, seal, waiting
from service.ledger.errors import InsufficientFunds, LedgerError, ReferenceReused, TransactionUnknown
from service.ledger.export import FORMS, decimal, export
from service.ledger.journal import post, references, transaction, transactions
from service.ledger.liability import AgedLiability, MonthOfLiability, by_age, by_month
from service.ledger.rebuild import Rebuilt, count_accounts, done_up_to, rebuild_some
from service.ledger.reports import Basis, TrialBalanceLine, trial_balance
from service.ledger.rewards import FixedReward, PercentReward, RewardTerms, lapsing, taken_back
from service.ledger.scan import moved
from service.ledger.statements import AccountEntry, EntryPosition, OwnerEntry, entries_of_account, entries_of_owner
from service.ledger.tables import metadata
from service.ledger.transactions import Posting, Transaction

__all__ = [
    "ADJUSTMENTS",
    "EXPENSE",
    "FORMS",
    "LAPSED",
    "SETTLED",
    "UNREADABLE",
    "Account",
    "AccountEntry",
    "AgedLiability",
    "Basis",
    "Block",
    "BookCount",
    "EntryPosition",
    "FixedReward",
    "InsufficientFunds",
    "Kind",
    "LedgerError",
    "MonthOfLiability",
    "OwnerBalance",
    "OwnerEntry",
    "PercentReward",
    "Posting",
    "Rebuilt",
    "ReferenceReused",
    "RewardTerms",
    "Transaction",
    "TransactionUnknown",
    "TrialBalanceLine",
    "Verification",
    "accounts_of",
    "available",
    "by_age",
    "by_month",
    "count",
    "count_accounts",
    "decimal",
    "done_up_to",
    "entries_of_account",
    "entries_of_owner",
    "export",
    "head",
    "holdings",
    "is_content",
    "lapsing",
    "metadata",
    "moved",
    "of_accounts",
    "of_owner",
    "owed",
    "parse",
    "pending",
    "positions",
    "post",
    "rebuild_some",
    "references",
    "reserved",
    "seal",
    "taken_back",
    "transaction",
    "transactions",
    "trial_balance",
    "waiting",
]
