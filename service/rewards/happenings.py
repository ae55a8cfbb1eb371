"""What happened to rewards and to credit, as events say it."""

from uuid import UUID

from service.events.events import Happened
from service.events.kinds import Kind
from service.rewards.moves import Move
from service.rewards.references import Step
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward


def of_reward(kind: Kind, reward: Reward, amount: int) -> Happened:
    """That something happened to a reward. amount: minor units, signed."""
    return Happened(kind, reward.conversion_id, reward.reward_id, amount, reward.currency)


def of_move(move: Move, step: Step) -> Happened:
    """That a step changed what a reward is worth."""
    if move.amount > 0:
        kind = Kind.REWARD_RESTORED
    else:
        kind = Kind.REWARD_DENIED if step is Step.DENY else Kind.REWARD_REVERSED
    return of_reward(kind, move.reward, move.amount)


def of_credit(kind: Kind, redemption: Redemption, amount: int, part_id: UUID | None = None) -> Happened:
    """That something happened to credit that was set aside. amount: minor units, > 0. part_id: which return."""
    return Happened(kind, redemption.redemption_id, part_id, amount, redemption.currency)
