"""How what a reward is worth changes, and why: what changes of orders say to the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.ledger.books import EXPENSE, LAPSED, SETTLED, Posting, available, owed, pending
from service.rewards.references import Step
from service.rewards.tables.rewards import Reward
from service.rewards.transfers import pay

EVENTS: Mapping[Step, str] = {
    Step.REFUND: "refunded",
    Step.REVERSAL: "refund_reversed",
    Step.VOID: "order_voided",
    Step.REOPENING: "order_reopened",
    Step.AMENDMENT: "order_amended",
    Step.ATTRIBUTION: "order_attributed",
    Step.DENY: "denied",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why rewards of an order change after they were earned. entry_id: ours for the step, which names it for ever."""

    step: Step
    entry_id: UUID
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """Where the change of one reward goes, each part signed, in minor units. owed: what is missing, and owed from now.

    paid: what of a gain pays a debt.
    """

    reward: Reward
    owner: str
    settled: int = 0
    pending: int = 0
    lapsed: int = 0
    available: int = 0
    owed: int = 0
    paid: int = 0

    @property
    def amount(self) -> int:
        """How what the reward is worth changes, signed, in minor units."""
        return self.settled + self.pending + self.lapsed + self.available - self.owed

    @property
    def postings(self) -> list[Posting]:
        """The change against what rewards cost, and the debt that it pays."""
        parts = (
            (SETTLED, self.settled),
            (pending(self.owner), self.pending),
            (LAPSED, self.lapsed),
            (available(self.owner), self.available),
            (owed(self.owner), -self.owed),
        )
        currency = self.reward.currency
        postings = [
            Posting(EXPENSE, account, part, currency) if part > 0 else Posting(account, EXPENSE, -part, currency)
            for account, part in parts
            if part
        ]
        return [*postings, *pay(self.owner, self.paid, currency)]
