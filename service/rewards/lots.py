"""Lots: what is left of each grant that a customer has available, so that what lapses is known exactly.

What expires first is spent first, and what comes back goes to where it was taken from, the last spent first. Of what is
of no reward, and of rewards whose time was over when it came back, nothing lapses: it is the customer's `lasting`.
All lots of a customer in a currency add up to what the books say is available.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.rewards.holdings import GIVEN_BACK_LASTS, spread
from service.rewards.tables import lots as storage
from service.rewards.tables import totals
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.lots import Taken
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import Change, Ever


class LotsAstray(Exception):
    """The books say that a customer has more than there are lots of it: somebody edited either."""

    def __init__(self, merchant_id: UUID, currency: str) -> None:
        super().__init__(f"a customer of {merchant_id} has less lots in {currency} than the books say they have")


class Lots:
    """What happens to a customer's lots, to be written at once.

    known: rewards of the session that the caller changes as well: their lots change as their columns do, and are
    written with these. All others are written here, by statements.
    """

    def __init__(self, known: Iterable[Reward] = ()) -> None:
        self._known = {reward.reward_id: reward for reward in known}
        self._left: dict[UUID, int] = defaultdict(int)
        self._lasting: dict[str, int] = defaultdict(int)
        self._backs: dict[tuple[UUID, UUID], int] = defaultdict(int)

    def give_back(self, of: Redemption, parts: Sequence[Taken], amount: int, *, held: int, paid: int) -> None:
        """Some of what a redemption took comes back, and pays a debt first, in minor units.

        parts: what it took of rewards, what is spent first before others. held: all that it has until now.
        """
        lasting, *backs, _ = spread(amount, [held - sum(part.left for part in parts), *(p.left for p in parts[::-1])])
        backs.reverse()
        *of_debt, debt_of_lasting, _ = spread(paid, [*backs, lasting])
        for part, back, gone in zip(parts, backs, of_debt, strict=True):
            self._backs[of.redemption_id, part.reward_id] += back
            lasting += self._put_back(part, back - gone)
        self._lasting[of.currency] += lasting - debt_of_lasting

    def _put_back(self, part: Taken, amount: int) -> int:
        """Returns what the reward has no room for, and is of none from now on."""
        known = self._known.get(part.reward_id)
        if known is None:
            back = min(amount, part.room - self._left[part.reward_id])
            self._left[part.reward_id] += back
        else:
            back = min(amount, known.remaining - known.left_amount if known.is_living else 0)
            known.left_amount += back
        return amount - back

    def write(self, session: Session, merchant_id: UUID, customer_id: str) -> list[UUID]:
        """Write it, of a customer who is locked. Returns the rewards that got something back."""
        storage.change(session, merchant_id, self._left)
        storage.give_back(session, merchant_id, self._backs)
        changes = [Change(customer_id, currency, lasting=more) for currency, more in self._lasting.items() if more]
        totals.add(session, merchant_id, changes)
        return [reward_id for reward_id, more in self._left.items() if more]


def spend(
    session: Session, merchant_id: UUID, customer_id: str, currency: str, amount: int, *, lasting_first: bool = False
) -> dict[UUID, int]:
    """Take this much, in minor units, of what a customer, who is locked, has available.

    lasting_first: before what expires, instead of after it. Returns reward -> what was taken of it. Raises LotsAstray.
    """
    lasting = 0
    if lasting_first:
        lasting = min(_lasting(session, merchant_id, customer_id, currency), amount)
    wanted = amount - lasting
    found = storage.first(session, merchant_id, customer_id, currency, wanted) if wanted else []
    *shares, beyond = spread(wanted, [lot.left for lot in found])
    if beyond and beyond + lasting > _lasting(session, merchant_id, customer_id, currency):
        raise LotsAstray(merchant_id, currency)
    taken = {lot.reward_id: share for lot, share in zip(found, shares, strict=True) if share}
    storage.change(session, merchant_id, {reward_id: -share for reward_id, share in taken.items()})
    add_lasting(session, merchant_id, customer_id, currency, -(lasting + beyond))
    return taken


def _lasting(session: Session, merchant_id: UUID, customer_id: str, currency: str) -> int:
    return totals.of_customer(session, merchant_id, customer_id).get(currency, Ever()).lasting


def add_lasting(session: Session, merchant_id: UUID, customer_id: str, currency: str, amount: int) -> None:
    """Add what never lapses, signed, in minor units."""
    if amount:
        totals.add(session, merchant_id, [Change(customer_id, currency, lasting=amount)])


def take(session: Session, redemption: Redemption) -> None:
    """Take what a new redemption sets aside, and remember of what it was taken."""
    merchant_id, currency = redemption.merchant_id, redemption.currency
    taken = spend(session, merchant_id, redemption.customer_id, currency, redemption.amount)
    storage.keep(session, merchant_id, redemption.redemption_id, taken)


def give_back(
    session: Session, of: Redemption, amount: int, *, held: int, paid: int, returned_at: datetime | None = None
) -> None:
    """Put back some of what a redemption took, which pays a debt first, in minor units.

    held: all that it has until now. returned_at: when it was spent and came back; then it does not lapse too soon.
    """
    lots, merchant_id = Lots(), of.merchant_id
    parts = storage.taken(session, merchant_id, [of.redemption_id]).get(of.redemption_id, ())
    lots.give_back(of, parts, amount, held=held, paid=paid)
    got_back = lots.write(session, merchant_id, of.customer_id)
    if returned_at is not None:
        storage.keep_until(session, merchant_id, got_back, returned_at + GIVEN_BACK_LASTS)


def adjust(session: Session, adjustment: Adjustment, *, debt: int) -> None:
    """Add what a human added, less the debt that it pays; or take what they took, first of what humans added."""
    merchant_id, customer_id, currency = adjustment.merchant_id, adjustment.customer_id, adjustment.currency
    if adjustment.direction == "credit":
        gained = adjustment.amount - min(debt, adjustment.amount)
        add_lasting(session, merchant_id, customer_id, currency, gained)
    else:
        spend(session, merchant_id, customer_id, currency, adjustment.amount, lasting_first=True)
