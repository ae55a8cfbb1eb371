"""Late attribution: a human gives an order a referral that did not come with it, and says why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.attribution import decide
from service.conversions.conversions import Recorded, get
from service.conversions.eligibility import (
    ALREADY_REFERRED,
    CIRCULAR_REFERRAL,
    CURRENCY_MISMATCH,
    INVALID_REFERRAL,
    SELF_REFERRAL,
    UNKNOWN_CUSTOMER,
)
from service.conversions.facts import Case, gather
from service.conversions.rejudging import Came, hold_case, judge_again, overruling
from service.conversions.standing import find
from service.errors import BadValues, ReferralError
from service.ids import new_id
from service.links.evidence import as_document, read_referral
from service.rewards.references import Step
from service.tokens import TokenSigner

NEVER_OVERRULED = frozenset(
    reason.name for reason in (INVALID_REFERRAL, UNKNOWN_CUSTOMER, CIRCULAR_REFERRAL, CURRENCY_MISMATCH)
)
"""Without these two people, one above the other, and terms in the order's currency, there is nothing to attribute.

That two customers with one mailbox are two people, a family say, is for a human to know; one customer never is.
"""


class AttributionRefused(ReferralError):
    """Rules say no that were not overruled by name."""

    def __init__(self, conversion_id: UUID, reasons: Sequence[str]) -> None:
        super().__init__(
            f"Conversion {conversion_id} is not attributed: {', '.join(reasons)}."
            " What a human may set aside is named in `overrule`."
        )
        self.conversion_id = conversion_id
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True)
class LateAttribution:
    """A referral for an order that was recorded without it. overrule: the reasons that are set aside, and note: why."""

    referral: str
    note: str
    overrule: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Would:
    """What would become of an order with a referral.

    refusing: the reasons for which it does not belong to it. noted: those that are only noted. is_one: whether advocate
    and friend are one customer.
    """

    refusing: Sequence[str]
    noted: Sequence[str] = ()
    is_one: bool = False


def attribute(
    session: Session,
    signer: TokenSigner,
    merchant_id: UUID,
    conversion_id: UUID,
    asked: LateAttribution,
    *,
    key_id: UUID | None = None,
    now: datetime,
) -> Recorded:
    """Judge an order again with this referral. key_id: of the API key by which somebody decides so.

    Raises Unknown, OrderVoided, AttributionRefused with every reason that was not overruled, and BadValues for one that
    did not arise or that nobody can overrule. None of them has changed anything.
    """
    evidence = read_referral(signer, asked.referral, merchant_id)
    conversion = find(session, merchant_id, conversion_id)
    plain = Came(evidence, True)
    held, case = hold_case(session, conversion, plain, now=now)
    held.refuse_voided()
    case = replace(case, pinned=(None, None), kept={})
    would = _reasons(session, case)
    _refuse_overruling(asked.overrule, would)
    came = replace(plain, overrule=tuple(asked.overrule), note=asked.note)
    refusing = _reasons(session, overruling(case, came)).refusing
    if left := [name for name in refusing if name not in asked.overrule]:
        raise AttributionRefused(conversion_id, left)
    held.conversion.late_attribution = {
        "referral": as_document(evidence, asked.referral),
        "overrule": list(asked.overrule),
        "note": asked.note,
        "key_id": str(key_id) if key_id else None,
    }
    judge_again(held, overruling(case, came), came, Step.ATTRIBUTION, entry_id=new_id())
    return get(session, merchant_id, conversion_id)


def _reasons(session: Session, case: Case) -> Would:
    known = gather(session, case) if case.seen.link_id is not None else None
    if known is None:
        return Would([INVALID_REFERRAL.name])
    stands = [ALREADY_REFERRED.name] if known.given_by_another and known.referral_stands else []
    if known.given_by_another:
        known = gather(session, case, is_newcomer=True)
    decided = decide(known, referral_given=True)
    is_one = known is not None and known.friend_id == known.advocate_id
    if decided.status == "declined":
        return Would([*decided.reasons, *stands], is_one=is_one)
    return Would(stands, list(decided.reasons), is_one=is_one)


def _refuse_overruling(overrule: Sequence[str], would: Would) -> None:
    arisen = [*would.refusing, *would.noted]
    for name in overrule:
        if name in NEVER_OVERRULED or (name == SELF_REFERRAL.name and would.is_one):
            raise BadValues({"overrule": f"{name} cannot be overruled."})
        if name not in arisen:
            listed = ", ".join(arisen) or "none"
            raise BadValues({"overrule": f"{name} did not arise. These did: {listed}."})
