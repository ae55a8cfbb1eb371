"""/v1/quotes"""

from marshmallow import fields, validate

from service.conversions import quotes
from service.conversions.api.browsers import admit, let_browsers_read, refuse_customer
from service.conversions.eligibility import REASONS
from service.conversions.quotes import Question
from service.customers.api.customers import ContactIn
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Referral, Strict, Whole, rfc3339
from service.web.rendering import Answer
from service.web.resource import CHECKOUT_AND_PUBLIC, Resource

resource = Resource("quotes", "What a referral would earn the friend, before the order")
resource.after_request(let_browsers_read)


class QuestionIn(Strict):
    """What a shop asks before an order."""

    makes = Question

    referral = Referral(required=True)
    customer = fields.Nested(ContactIn, allow_none=True)
    amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    eligible_amount = Minor(least=0, allow_none=True)


class QuotedReward(Strict):
    """What the friend would get, in minor units."""

    amount = Minor(least=1, required=True)
    currency = CurrencyCode(required=True)
    given_as = fields.String(data_key="as", required=True)


class QuoteOut(Strict):
    """What the answer would be if the order were placed now."""

    eligible = fields.Boolean(required=True)
    reasons = fields.List(fields.String(validate=validate.OneOf(list(REASONS))), required=True)
    advocate_first_name = fields.String(required=True, allow_none=True)
    friend_reward = fields.Nested(QuotedReward, required=True, allow_none=True)
    payable_amount = Minor(least=0, required=True)
    program_id = fields.UUID(required=True, allow_none=True)
    terms_version = Whole(least=1, required=True, allow_none=True)
    quote = fields.String(required=True, allow_none=True)
    expires_at = Moment(required=True, allow_none=True)


@resource.reads("/quotes", QuoteOut, method="POST", body=QuestionIn, scopes=CHECKOUT_AND_PUBLIC, admit=admit)
def quote(call: Call, body: Question) -> Answer:
    """Ask what a referral would earn the friend"""
    refuse_customer(body)
    quoted = quotes.quote(call.session, call.wiring.signer, call.merchant_id, body, now=call.now)
    reward = quoted.friend_reward
    return Answer(
        {
            "eligible": quoted.eligible,
            "reasons": list(quoted.reasons),
            "advocate_first_name": quoted.advocate_first_name,
            "friend_reward": reward and {"amount": reward[0], "currency": body.currency, "as": reward[1]},
            "payable_amount": quoted.payable_amount,
            "terms_version": quoted.terms_version,
            "quote": quoted.token,
            "expires_at": rfc3339(quoted.expires_at),
            "program_id": quoted.program_id and str(quoted.program_id),
        }
    )
