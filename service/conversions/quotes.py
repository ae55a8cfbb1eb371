"""Quotes: what a referral would earn the friend, asked before the order. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import glimpses
from service.conversions.eligibility import EXISTING_CUSTOMER
from service.conversions.facts import Case
from service.conversions.judgement import judge
from service.conversions.looks import NOTHING
from service.conversions.rules import Facts
from service.currencies import fault_of_code
from service.customers import tables as customers
from service.customers.contacts import Buyer
from service.customers.customers import contact_of
from service.customers.tables import KnownCustomer
from service.errors import refuse_faults
from service.ledger.rewards import Given
from service.links.evidence import QuoteEvidence, VisitEvidence, quote_token, read_referral
from service.merchants import currencies
from service.tokens import TokenSigner
from service.values import fault_of_amount


@dataclass(frozen=True, slots=True)
class Question:
    """What a shop asks, before the friend's discount. amount, eligible_amount: minor units, as of an order.

    customer: None while the shop does not know who will order.

    Raises BadValues.
    """

    referral: str
    amount: int
    currency: str
    customer: Buyer | None = None
    eligible_amount: int | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "amount": fault_of_amount(self.amount),
                "eligible_amount": fault_of_amount(self.eligible),
                "currency": fault_of_code(self.currency),
            }
        )

    @property
    def eligible(self) -> int:
        """What rewards and the minimum would be computed of, in minor units."""
        return self.amount if self.eligible_amount is None else self.eligible_amount


@dataclass(frozen=True, slots=True)
class Quote:
    """What the answer would be. friend_reward: (minor units, credit or discount), or None.

    payable_amount: what is left to pay once the discount is taken off, in minor units.
    token: the promise, to be given as `referral`, which holds until expires_at; None where nothing is promised.
    """

    eligible: bool
    reasons: tuple[str, ...]
    advocate_first_name: str | None
    friend_reward: tuple[int, Given] | None
    payable_amount: int
    program_id: UUID | None
    terms_version: int | None
    token: str | None
    expires_at: datetime | None


def quote(session: Session, signer: TokenSigner, merchant_id: UUID, asked: Question, *, now: datetime) -> Quote:
    """Decide as a conversion would, for an order placed now, and promise that.

    A friend whose rewarded orders are used up is told `existing_customer`: a no always has its reason.
    """
    currencies.refuse_unknown(session, merchant_id, asked.currency, at=now)
    evidence = read_referral(signer, asked.referral, merchant_id)
    friend = contact_of(session, merchant_id, asked.customer) if asked.customer else None
    seen = glimpses.glimpse(session, merchant_id, evidence, order_id=None, friend=friend)
    friend = seen.friend
    people = customers.known(session, merchant_id, seen.person_ids)
    case = Case(
        merchant_id=merchant_id,
        seen=seen,
        evidence=evidence,
        ordered_at=now,
        eligible_amount=asked.eligible if asked.amount else 0,
        currency=asked.currency,
        friend=KnownCustomer(friend.customer_id, NOTHING) if friend else None,
        people=people,
        is_nobodys=friend is None and asked.customer is not None,
    )
    judged = judge(session, case, referral_given=True)
    known, decided = judged.known, judged.decided
    eligible = decided.status == "attributed"
    terms = known.terms.friend_reward if known and eligible else None
    is_discount = terms is not None and terms.given_as == "discount"
    amount = terms.of(asked.eligible) if terms else 0
    discount = min(amount, asked.amount) if is_discount else 0
    amount = discount if is_discount else amount
    promise = _promise(case, known, discount) if known and eligible else None
    return Quote(
        eligible=eligible,
        reasons=decided.reasons or (() if eligible else (EXISTING_CUSTOMER.name,)),
        advocate_first_name=people[known.advocate_id].first_name if known else None,
        friend_reward=(amount, terms.given_as) if terms and amount else None,
        payable_amount=asked.amount - discount,
        program_id=known.program_id if known else None,
        terms_version=known.terms_version if known else None,
        token=quote_token(signer, promise) if promise else None,
        expires_at=promise.expires_at if promise else None,
    )


def _promise(case: Case, known: Facts, discount_amount: int) -> QuoteEvidence:
    """What the friend can hold us to. A quote for a quote holds no longer than the first one."""
    before = case.promise
    evidence = case.evidence
    return QuoteEvidence(
        merchant_id=case.merchant_id,
        link_id=known.link_id,
        visited_at=evidence.visited_at if isinstance(evidence, VisitEvidence | QuoteEvidence) else None,
        quoted_at=before.quoted_at if before else case.ordered_at,
        terms_version=known.terms_version,
        currency=case.currency,
        discount_amount=discount_amount,
    )
