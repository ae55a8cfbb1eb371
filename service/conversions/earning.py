"""What each side earns from an order as it stands, under the terms to which it is pinned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from service.conversions.eligibility import BELOW_MINIMUM, CAP_REACHED
from service.conversions.tables.conversions import Conversion
from service.customers.tables import KnownCustomer
from service.ids import new_id
from service.ledger.rewards import Given, RewardTerms
from service.programs.terms import Terms
from service.rewards.tables.rewards import Reward, Side


@dataclass(frozen=True, slots=True)
class Earned:
    """What one side earns, in minor units, > 0."""

    side: Side
    customer_id: str
    given_as: Given
    amount: int

    @property
    def key(self) -> tuple[Side, str, Given]:
        """What tells it from everything else that an order ever earned."""
        return self.side, self.customer_id, self.given_as


def earned_by(conversion: Conversion, terms: Terms, *, nth_referral: int) -> list[Earned]:
    """What the order earns. A reward of 0 is no reward, and a discount is no more than the shop says it took off.

    What was attributed beyond the advocate's cap earns the friend's reward alone; what is below the minimum (an order
    that was amended) earns nothing. nth_referral: which of the advocate's it is, for the tiers.
    """
    if conversion.status != "attributed" or is_below_minimum(conversion, terms):
        return []
    is_capped = CAP_REACHED.name in conversion.reasons
    sides: tuple[tuple[Side, str, RewardTerms | None], ...] = (
        ("advocate", str(conversion.advocate_id), None if is_capped else terms.advocate_reward_for(nth_referral)),
        ("friend", str(conversion.customer_id), terms.friend_reward),
    )
    return [
        Earned(side, customer_id, reward.given_as, amount)
        for side, customer_id, reward in sides
        if reward is not None and (amount := _given(reward, conversion))
    ]


def reward_of(
    conversion: Conversion,
    terms: Terms,
    earned: Earned,
    customer: KnownCustomer,
    *,
    nth_referral: int,
    now: datetime | None = None,
    make: Callable[..., Reward] = Reward,
) -> Reward:
    """A new reward, which is pending, or given at once where it is a discount. now: if not when it was recorded.

    make: makes the row of its columns.
    What somebody earns who was erased since lapses as soon as it is ripe: nobody can claim it.
    """
    at_once = earned.given_as == "discount"
    available_at = conversion.ordered_at if at_once else terms.available_at(conversion.ordered_at)
    expires_at = terms.expires_at(available_at) if customer.erased_at is None else available_at
    return make(
        merchant_id=conversion.merchant_id,
        reward_id=new_id(),
        conversion_id=conversion.conversion_id,
        program_id=conversion.program_id,
        terms_version=conversion.terms_version,
        side=earned.side,
        customer_id=earned.customer_id,
        advocate_id=conversion.advocate_id,
        friend_id=conversion.customer_id,
        counted=counts(earned.side, terms),
        amount=earned.amount,
        reversed_amount=0,
        lapsed_amount=None,
        currency=conversion.currency,
        given_as=earned.given_as,
        status="available" if at_once else "pending",
        available_at=available_at,
        expires_at=None if at_once else expires_at,
        review_note=None,
        review_key_id=None,
        created_at=now or conversion.recorded_at,
        nth_referral=nth_referral,
        is_earned=True,
        is_ripe=False,
        used_amount=None,
        left_amount=0,
    )


def rewardable(conversion: Conversion) -> int:
    """What of the order can be rewarded, in minor units: of an order of nothing, nothing."""
    return conversion.eligible_amount if conversion.amount or conversion.discount_amount else 0


def counts(side: Side, terms: Terms) -> bool:
    """Whether the advocate's cap and tiers count a referral by the reward of this side."""
    return side == ("advocate" if terms.rewards_advocates else "friend")


def is_below_minimum(conversion: Conversion, terms: Terms) -> bool:
    """Whether too little of the order can be rewarded, and nobody overruled that."""
    overruled = (conversion.late_attribution or {}).get("overrule", [])
    eligible = rewardable(conversion)
    is_below = not eligible or eligible < terms.minimum_order_amount
    return is_below and BELOW_MINIMUM.name not in overruled


def _given(reward: RewardTerms, conversion: Conversion) -> int:
    amount = reward.of(conversion.eligible_amount)
    if reward.given_as == "discount":
        return min(amount, conversion.discount_amount)
    return amount
