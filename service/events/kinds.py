"""PURE: what can happen, and to what."""

from collections.abc import Mapping
from enum import StrEnum


class Subject(StrEnum):
    """What something happens to. Its id stands in the event; a customer's is the one that the books have."""

    CONVERSION = "conversion"
    REDEMPTION = "redemption"
    ADJUSTMENT = "adjustment"
    LINK = "link"
    CUSTOMER = "customer"


class Kind(StrEnum):
    """What happened. A visit is not among them: visits are many, and have a queue of their own."""

    LINK_MADE = "link_made"
    ORDER_RECORDED = "order_recorded"
    ORDER_REFUNDED = "order_refunded"
    REFUND_REVERSED = "refund_reversed"
    ORDER_AMENDED = "order_amended"
    ORDER_VOIDED = "order_voided"
    ORDER_REOPENED = "order_reopened"
    ORDER_ATTRIBUTED = "order_attributed"
    REWARD_EARNED = "reward_earned"
    REWARD_RESTORED = "reward_restored"
    REWARD_REVERSED = "reward_reversed"
    REWARD_DENIED = "reward_denied"
    REWARD_RIPENED = "reward_ripened"
    REWARD_LAPSED = "reward_lapsed"
    CREDIT_RESERVED = "credit_reserved"
    CREDIT_EXTENDED = "credit_extended"
    CREDIT_REDEEMED = "credit_redeemed"
    CREDIT_RELEASED = "credit_released"
    CREDIT_RETURNED = "credit_returned"
    BALANCE_ADJUSTED = "balance_adjusted"
    CUSTOMER_ERASED = "customer_erased"
    CUSTOMER_MERGED = "customer_merged"


_BY_PREFIX: Mapping[str, Subject] = {
    "link": Subject.LINK,
    "order": Subject.CONVERSION,
    "refund": Subject.CONVERSION,
    "reward": Subject.CONVERSION,
    "credit": Subject.REDEMPTION,
    "balance": Subject.ADJUSTMENT,
    "customer": Subject.CUSTOMER,
}
SUBJECTS: Mapping[Kind, Subject] = {kind: _BY_PREFIX[kind.partition("_")[0]] for kind in Kind}
