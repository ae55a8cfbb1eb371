"""The accounts that each merchant has in each currency, and what kind of balance they keep.

Source: debit and credit accounts as in TigerBeetle; hot accounts spread over slots as in counters that shard.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an account is for. The first five are the merchant's own, the others belong to one owner each."""

    EXPENSE = "expense:rewards"
    ADJUSTMENTS = "expense:adjustments"
    SETTLED = "settled"
    LAPSED = "income:lapsed"
    OPENING = "equity:opening"
    PENDING = "pending"
    AVAILABLE = "available"
    RESERVED = "reserved"
    OWED = "owed"


DEBIT_NORMAL = frozenset({Kind.EXPENSE, Kind.ADJUSTMENTS, Kind.OPENING, Kind.OWED})
MERCHANT_KINDS = frozenset({Kind.EXPENSE, Kind.ADJUSTMENTS, Kind.SETTLED, Kind.LAPSED, Kind.OPENING})
OWNER_KINDS = (Kind.PENDING, Kind.AVAILABLE, Kind.RESERVED, Kind.OWED)
HOT_SLOTS = 32
_OWNER = re.compile(r"[0-9a-z][0-9a-z-]{0,47}")


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    owner: an opaque id without meaning to a stranger, of small letters, digits and dashes, so that every accounting
    tool takes it as part of a name; or "" for the merchant itself.
    """

    kind: Kind
    owner: str = ""

    def __post_init__(self) -> None:
        if (self.kind in MERCHANT_KINDS) == bool(self.owner):
            raise ValueError(f"{self.kind} with owner {self.owner!r} is not an account")
        if self.owner and not _OWNER.fullmatch(self.owner):
            raise ValueError(f"{self.owner!r} is not the name of an owner")

    @property
    def name(self) -> str:
        """As it is stored: `expense:rewards`, or `available:<owner>`."""
        return f"{self.kind}:{self.owner}" if self.owner else str(self.kind)

    @property
    def normal_side(self) -> str:
        """`debit` or `credit`: the side on which the balance grows."""
        return "debit" if self.kind in DEBIT_NORMAL else "credit"

    @property
    def floor(self) -> int | None:
        """The least that the balance may be, in minor units; None where it may be anything."""
        return 0 if self.owner else None

    def change(self, *, debited: int, credited: int) -> int:
        """How postings of these amounts move the balance, signed, on the account's normal side."""
        return debited - credited if self.kind in DEBIT_NORMAL else credited - debited

    def slot(self, spread: int) -> int:
        """Which slot takes a posting: the merchant's hot accounts use many, so that writers do not queue."""
        return 0 if self.owner else spread % HOT_SLOTS


EXPENSE = Account(Kind.EXPENSE)
ADJUSTMENTS = Account(Kind.ADJUSTMENTS)
OPENING = Account(Kind.OPENING)
SETTLED = Account(Kind.SETTLED)
LAPSED = Account(Kind.LAPSED)


def pending(owner: str) -> Account:
    """Rewards of this owner whose hold has not ended."""
    return Account(Kind.PENDING, owner)


def available(owner: str) -> Account:
    """What this owner can spend."""
    return Account(Kind.AVAILABLE, owner)


def reserved(owner: str) -> Account:
    """What this owner has set aside for orders that are being paid."""
    return Account(Kind.RESERVED, owner)


def owed(owner: str) -> Account:
    """What this owner spent of rewards that were taken back later."""
    return Account(Kind.OWED, owner)


def accounts_of(owner: str) -> list[Account]:
    """All accounts that this owner can have, or the merchant itself, for ""."""
    return [Account(kind, owner) for kind in Kind if (kind in MERCHANT_KINDS) != bool(owner)]


def parse_account(name: str) -> Account:
    """The account of a stored name. Raises ValueError for a name that no account has."""
    for kind in Kind:
        if name == kind and kind in MERCHANT_KINDS:
            return Account(kind)
        if name.startswith(f"{kind}:") and kind not in MERCHANT_KINDS:
            return Account(kind, name.removeprefix(f"{kind}:"))
    raise ValueError(f"{name!r} is not the name of an account")
