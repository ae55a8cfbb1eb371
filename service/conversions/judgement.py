"""Under locks: gather the facts, decide; and where an old referral stands on nothing, hear the newcomer first."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.conversions.attribution import Attribution, decide
from service.conversions.facts import Case, gather
from service.conversions.rules import Facts


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an order is, and the facts that it rests on; None where no referral could earn anything."""

    known: Facts | None
    decided: Attribution


def judge(session: Session, case: Case, *, referral_given: bool, prefers_newcomer: bool = False) -> Judgement:
    """What an order is. referral_given: whether anything came with it, readable or not.

    A friend belongs to the advocate who brought them. Where nothing of that is left (all of its orders were cancelled,
    or denied), another advocate's referral takes its place if every rule agrees to it; otherwise the first one stays.
    prefers_newcomer: as if nothing were left of it, since a human said so.
    """
    known = gather(session, case)
    if known is not None and known.given_by_another and (prefers_newcomer or not known.referral_stands):
        newcomer = gather(session, case, is_newcomer=True)
        decided = decide(newcomer, referral_given=True)
        if decided.status == "attributed":
            return Judgement(newcomer, decided)
    return Judgement(known, decide(known, referral_given=referral_given))
