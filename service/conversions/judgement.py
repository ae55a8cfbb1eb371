"""Under locks: gather the facts, decide; and where an old referral stands on nothing, hear the newcomer first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import facts
from service.conversions.attribution import Attribution, decide
from service.conversions.facts import Glimpse
from service.conversions.rules import Facts
from service.customers.tables import KnownCustomer
from service.links.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an order is, and the facts that it rests on; None where no referral could earn anything."""

    known: Facts | None
    decided: Attribution


def judge(
    session: Session,
    merchant_id: UUID,
    seen: Glimpse,
    *,
    evidence: Evidence | None,
    referral_given: bool,
    ordered_at: datetime,
    eligible_amount: int,
    currency: str,
    friend: KnownCustomer | None,
    people: Mapping[str, KnownCustomer],
) -> Judgement:
    """What an order is, while the people concerned are locked. The parameters are those of `facts.gather`.

    A friend belongs to the advocate who brought them. Where nothing of that is left (all of its orders were cancelled,
    or denied), another advocate's referral takes its place if every rule agrees to it; otherwise the first one stays.
    """
    gather = partial(
        facts.gather,
        session,
        merchant_id,
        seen,
        evidence=evidence,
        ordered_at=ordered_at,
        eligible_amount=eligible_amount,
        currency=currency,
        friend=friend,
        people=people,
    )
    known = gather()
    if known is not None and known.given_by_another and not known.referral_stands:
        newcomer = gather(is_newcomer=True)
        decided = decide(newcomer, referral_given=True)
        if decided.status == "attributed":
            return Judgement(newcomer, decided)
    return Judgement(known, decide(known, referral_given=referral_given))
