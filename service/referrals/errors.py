"""What the use cases refuse. Each error carries the facts; none of them has changed anything."""

from collections.abc import Mapping


class ReferralError(Exception):
    """Root of everything that the use cases raise."""


class Unknown(ReferralError):
    """The merchant has no such thing, or it is another merchant's, which is the same."""

    def __init__(self, noun: str, name: object) -> None:
        super().__init__(f"There is no {noun} {name}.")
        self.noun = noun
        self.name = name


class BadValues(ReferralError):
    """Values that are well-formed each, and cannot be together or in this place. faults: field -> message."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults.items()))
        self.faults = dict(faults)


class OrderContradicted(ReferralError):
    """The order was recorded before, with other content."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} was recorded before with other content.")
        self.order_id = order_id


class RefundContradicted(ReferralError):
    """The refund was recorded before, with other content."""

    def __init__(self, refund_id: str) -> None:
        super().__init__(f"Refund {refund_id} was recorded before with other content.")
        self.refund_id = refund_id


class CodeTaken(ReferralError):
    """Another link of the merchant has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The code {code} belongs to another link.")
        self.code = code


class RedemptionSettled(ReferralError):
    """The redemption was captured or given back before, so the other cannot be done any more."""

    def __init__(self, redemption_id: object, status: str) -> None:
        super().__init__(f"Redemption {redemption_id} is {status} already.")
        self.redemption_id = redemption_id
        self.status = status


class RewardSettled(ReferralError):
    """The reward is past the state in which this review can be made."""

    def __init__(self, reward_id: object, status: str) -> None:
        super().__init__(f"Reward {reward_id} is {status} already.")
        self.reward_id = reward_id
        self.status = status
