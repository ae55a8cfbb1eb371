"""What is shown of a reward."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.dashboard import words
from service.rewards.tables.rewards import Reward


@dataclass(frozen=True, slots=True)
class Told:
    """One reward, with how its side and its status are called and what can be decided of it."""

    reward: Reward
    side: str
    status: str
    is_ripening: bool
    decisions: Mapping[str, str]


def told(rewards: Iterable[Reward], now: datetime) -> list[Told]:
    """Those of these rewards that were earned, as they are now."""
    return [
        Told(reward, words.SIDES[reward.side], words.REWARDS[status], status == "pending", words.decisions(status))
        for reward in rewards
        if reward.is_earned
        for status in [reward.status_at(now)]
    ]
