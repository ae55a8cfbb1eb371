"""The door to the proof: seal the books, verify them, report on them, hand them to others, and mend what is a cache.

- `merchants_with_unsealed(session)`; `seal_next_block(session, merchant_id, now=)` -> `Block`, or None if nothing
  waits; `newest_block(session, merchant_id)` -> `Block` or None. A block holds the hash of all before it.
- `head_of(text)` -> `Head`: the block that must still be part of the chain, as `NUMBER:HASH` or `HASH`;
  `kept_head_fault(session, merchant_id, head)` -> in words that it is not, as the chain stands, or None.
- `Verification(session, merchant_id, expected_head=)`: its `problems()` name, in words, every transaction,
  posting, seal, block and balance that is not what it was or should be. Memory does not grow with the books. Errors
  among `UNREADABLE` that `is_damaged_content` are findings; others are the database's own and are raised.
- `merchants_with_books(session)`: everybody of whom the books have anything.
- For an audit against a business: `movements_of(session, merchant_id, references)` -> reference -> (debit, credit,
  minor units); `transaction_references(...)`, `owner_holdings(..., kind)` and `owner_positions(...)` are streams;
  `count_books(...)` -> `BookCount`; `has_more_than(session, merchant_id, number)` reads no more than so many.
- `trial_balance(session, merchant_id, as_of=, basis=)` -> `TrialBalanceLine`s; `liability_by_month(...)`,
  `liability_by_age(...)`; `liability_line(debit, credit)` says what counts a posting. basis: `effective` or
  `recorded`, which of a transaction's two times counts.
- `effects_of(session, merchant_id, references)` -> `Effect`s: what each of these transactions changed of what rewards
  cost and of what is owed to customers.
- `journal_lines(merchant_id)` -> a query of every posting as a row, to be narrowed and streamed.
- `export_journal(session, merchant_id, form, exponent=)` -> text in pieces; form: one of `FORMS`. exponent: currency
  -> decimals, as the ledger knows no currencies. `decimal_amount(minor, decimals)` is how an amount is written there.
- `rebuild_some_balances(session, merchant_id)` -> `Rebuilt`: mends the next balances from their postings, a
  transaction at a time, while others post; `count_accounts_to_rebuild(...)`, `rebuilt_up_to(...)` for who watches.
- `let_forgotten_wait(session, merchant_id, after=, is_trusted=)` -> `Forgotten`: lets the next transactions wait for
  their seal that neither have one nor wait, where they are whole and `seals_are_complete(session, merchant_id)`.

Call what reads everything within one snapshot of the database. Nothing here writes a posting.
"""

from service.ledger.audit import (
    UNREADABLE,
    Verification,
    is_damaged_content,
    kept_head_fault,
    merchants_with_books,
)
from service.ledger.balances import owner_holdings, owner_positions
from service.ledger.chain import Block, Head, head_of, merchants_with_unsealed, newest_block, seal_next_block
from service.ledger.effects import Effect, effects_of
from service.ledger.export import FORMS, decimal_amount, export_journal
from service.ledger.forgotten import Forgotten, let_forgotten_wait, seals_are_complete
from service.ledger.journal import BookCount, count_books, has_more_than, transaction_references
from service.ledger.liability import (
    AgedLiability,
    MonthOfLiability,
    liability_by_age,
    liability_by_month,
    liability_line,
)
from service.ledger.lines import journal_lines
from service.ledger.rebuild import (
    Rebuilt,
    count_accounts_to_rebuild,
    rebuild_some_balances,
    rebuilt_up_to,
)
from service.ledger.reports import Basis, TrialBalanceLine, trial_balance
from service.ledger.scan import movements_of

__all__ = [
    "FORMS",
    "UNREADABLE",
    "AgedLiability",
    "Basis",
    "Block",
    "BookCount",
    "Effect",
    "Forgotten",
    "Head",
    "MonthOfLiability",
    "Rebuilt",
    "TrialBalanceLine",
    "Verification",
    "count_accounts_to_rebuild",
    "count_books",
    "decimal_amount",
    "effects_of",
    "export_journal",
    "has_more_than",
    "head_of",
    "is_damaged_content",
    "journal_lines",
    "kept_head_fault",
    "let_forgotten_wait",
    "liability_by_age",
    "liability_by_month",
    "liability_line",
    "merchants_with_books",
    "merchants_with_unsealed",
    "movements_of",
    "newest_block",
    "owner_holdings",
    "owner_positions",
    "rebuild_some_balances",
    "rebuilt_up_to",
    "seal_next_block",
    "seals_are_complete",
    "transaction_references",
    "trial_balance",
]
