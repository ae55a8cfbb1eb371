"""Orders that are judged again: as of their own time, by what came with them, or by what a human gave them later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import glimpses
from service.conversions.conversions import referral_of
from service.conversions.earning import rewardable
from service.conversions.eligibility import ALREADY_REFERRED, KEPT_WHEN_JUDGED_AGAIN
from service.conversions.facts import Case
from service.conversions.glimpses import Glimpse
from service.conversions.judgement import Judgement, judge
from service.conversions.rules import BY_HAND, Decision
from service.conversions.standing import Held, earn_anew, hold
from service.conversions.tables import conversions
from service.conversions.tables.conversions import Conversion
from service.customers.contacts import Contact
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.links import evidence as links
from service.links.evidence import Evidence, LinkEvidence
from service.rewards.moves import Cause
from service.rewards.references import Step


@dataclass(frozen=True, slots=True)
class Came:
    """What a recorded order is judged by. overrule: the reasons that a human set aside, and note: why."""

    evidence: Evidence | None
    referral_given: bool
    overrule: Sequence[str] = ()
    note: str = ""


def came_with(conversion: Conversion) -> Came:
    """What came with an order, or what a human gave it later."""
    late = conversion.late_attribution
    if late is not None:
        evidence = links.of_document(late["referral"], conversion.merchant_id)
        return Came(evidence, True, tuple(late["overrule"]), late["note"])
    if "referral" in conversion.reported:
        document = conversion.reported["referral"]
        return Came(links.of_document(document, conversion.merchant_id), document is not None)
    # of what was recorded before reports were kept, the link is known, and not how the friend came by it
    link_id = conversion.link_id
    return Came(LinkEvidence(conversion.merchant_id, link_id) if link_id else None, link_id is not None)


def hold_case(session: Session, conversion: Conversion, came: Came, *, now: datetime) -> tuple[Held, Case]:
    """The order and everybody whom judging it again may concern, locked; and what it is to be judged by.

    Raises Unknown, and RaceLost where the order was given another referral meanwhile.
    """
    merchant_id, friend_id, late = conversion.merchant_id, conversion.customer_id, conversion.late_attribution
    friend = Contact(friend_id) if friend_id is not None else None
    seen = glimpses.glimpse(session, merchant_id, came.evidence, order_id=None, friend=friend)
    held = hold(session, merchant_id, conversion.conversion_id, sorted(seen.concerned), now=now)
    if held.conversion.customer_id != friend_id:
        raise RaceLost  # they got another name while we waited
    known = held.people[friend_id] if friend_id is not None else None
    seen.refuse_changed(known, held.people)
    glimpses.refuse_newcomers(session, merchant_id, seen, known)
    of = held.conversion
    if of.late_attribution != late:
        raise RaceLost  # it was given another referral while we waited
    decided = (Decision.of_stored(stored) for stored in of.decisions)
    lasting = {rule.name for rule in KEPT_WHEN_JUDGED_AGAIN}
    case = Case(
        merchant_id=merchant_id,
        seen=seen,
        evidence=came.evidence,
        ordered_at=of.ordered_at,
        eligible_amount=rewardable(of),
        currency=of.currency,
        friend=known,
        is_nobodys=known is None,
        people=held.people,
        conversion_id=of.conversion_id,
        pinned=(of.program_id, of.terms_version),
        kept={decision.rule: decision for decision in decided if decision.rule in lasting},
    )
    return held, overruling(case, came)


def overruling(case: Case, came: Came) -> Case:
    """The same, where a human set these reasons aside."""
    overruled = {name: Decision(name, True, BY_HAND + came.note) for name in came.overrule}
    return replace(case, overruled=overruled)


def judge_again(held: Held, case: Case, came: Came, step: Step, *, entry_id: UUID) -> None:
    """Judge a held order again, and make it and its rewards what comes of that. entry_id: ours for the step."""
    prefers_newcomer = ALREADY_REFERRED.name in came.overrule
    judged = judge(held.session, case, referral_given=came.referral_given, prefers_newcomer=prefers_newcomer)
    cause = Cause(step, entry_id, effective_at=held.now, recorded_at=held.now)
    _become(held, judged, cause, case.seen)


def _become(held: Held, judged: Judgement, cause: Cause, seen: Glimpse) -> None:
    """Make a held order and its rewards what was judged."""
    of, known, decided = held.conversion, judged.known, judged.decided
    of.status, of.reasons = decided.status, list(decided.reasons)
    of.voided_at = of.void_reason = of.void_note = None
    of.decisions = [decision.as_stored() for decision in decided.decisions]
    of.program_id = known.program_id if known else None
    of.terms_version = known.terms_version if known else None
    of.link_id = known.link_id if known else None
    of.advocate_id = known.advocate_id if known else None
    if known is not None and decided.status == "attributed" and not known.is_referred:
        # Two of one mailbox whom a human knows for two: how the other one came is no concern of this order's.
        friends = {str(of.customer_id)} if known.friend_is_advocate else seen.friends
        conversions.drop_referral(held.session, of.merchant_id, friends)
        write_now(held.session, referral_of(of))
    nth_referral = known.rewarded_friends + 1 if known else 1
    earn_anew(held, known.terms if known else None, cause, nth_referral=nth_referral)
