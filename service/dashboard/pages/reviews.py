"""What an admin decides of one order: a reward is denied or released, or the order is given another referral."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from service.conversions import attributing
from service.conversions.attributing import NEVER_OVERRULED, AttributionRefused, LateAttribution
from service.conversions.eligibility import REASONS
from service.dashboard import words
from service.dashboard.pages.frame import blueprint, shown, signed_in, writing
from service.errors import Unknown
from service.links.evidence import LONGEST_REFERRAL
from service.rewards import reviews
from service.values import LONGEST_NOTE, fault_of_text
from service.web.errors import InvalidValues
from service.web.pages import redirect
from service.web.wiring import wiring

DECISIONS = {"deny": reviews.deny, "release": reviews.release}


@blueprint.post("/orders/<uuid:conversion_id>/rewards/<uuid:reward_id>")
def review_reward(conversion_id: UUID, reward_id: UUID) -> Response:
    """Deny a reward, or release it before its time."""
    decide = DECISIONS.get(request.form.get("decision", ""))
    if decide is None:
        raise InvalidValues({"decision": f"There are {', '.join(DECISIONS)}."})
    note, now = _text("note", most=LONGEST_NOTE), datetime.now(UTC)

    def review(session: Session, merchant_id: UUID) -> None:
        if reviews.get(session, merchant_id, reward_id).conversion_id != conversion_id:
            raise Unknown("reward", reward_id)
        decide(session, merchant_id, reward_id, note=note, key_id=signed_in().key_id, now=now)

    writing(review)
    return redirect(f"/dashboard/orders/{conversion_id}")


@blueprint.get("/orders/<uuid:conversion_id>/attribution")
def back_to_order(conversion_id: UUID) -> Response:
    """Where a form that was refused is asked for again by its address."""
    return redirect(f"/dashboard/orders/{conversion_id}")


@blueprint.post("/orders/<uuid:conversion_id>/attribution")
def attribute(conversion_id: UUID) -> Response:
    """Give an order a referral that it came without. Rules that say no are shown, to be overruled by name."""
    overrule = request.form.getlist("overrule")
    if unknown := [name for name in overrule if name not in REASONS]:
        raise InvalidValues({"overrule": f"{unknown[0][:80]} is no reason."})
    asked = LateAttribution(_text("referral", most=LONGEST_REFERRAL), _text("note", most=LONGEST_NOTE), overrule)
    now, signer = datetime.now(UTC), wiring().signer
    try:
        writing(
            lambda session, merchant_id: attributing.attribute(
                session, signer, merchant_id, conversion_id, asked, key_id=signed_in().key_id, now=now
            )
        )
    except AttributionRefused as refused:
        reasons = [REASONS[name] for name in (*overrule, *refused.reasons)]
        fixed = [reason for reason in reasons if reason.name in NEVER_OVERRULED]
        open_ones = [reason for reason in reasons if reason not in fixed]
        said = {"reasons": open_ones, "fixed": fixed, "why": words.REASONS}
        return shown("attribution.html", 409, conversion_id=conversion_id, asked=asked, **said)
    return redirect(f"/dashboard/orders/{conversion_id}")


def _text(name: str, *, most: int) -> str:
    """What a field of the form says. Raises InvalidValues."""
    said = request.form.get(name, "").strip()
    if (fault := fault_of_text(said, most=most)) is not None:
        raise InvalidValues({name: fault})
    return said
