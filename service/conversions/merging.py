"""Two customers who become one: their orders are one's, and nobody stands above themselves."""

from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.tables import people as storage
from service.conversions.tables.conversions import Referral
from service.database.writing import write_now


def merge(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    """Say of the other customer what orders and referrals say of the one; both are locked.

    Of who brought them the first stays; the next one where that would close a circle, or was one of the two.
    """
    brought = storage.take_referrals(session, merchant_id, (before, after))
    storage.hand_over(session, merchant_id, before, after)
    storage.hand_over_referrals(session, merchant_id, before, after)
    for referral in brought:
        advocate_id = after if referral.advocate_id == before else referral.advocate_id
        if storage.is_above(session, merchant_id, after, of=advocate_id):
            continue
        write_now(
            session,
            Referral(
                merchant_id=merchant_id,
                friend_id=after,
                advocate_id=advocate_id,
                program_id=referral.program_id,
                link_id=referral.link_id,
                created_at=referral.created_at,
                rewarded_before=referral.rewarded_before,
            ),
        )
        return
