"""The two looks at the database that an order takes, each one statement: the glimpse, and the facts under locks.

Built once, when this file is loaded, which is a third of what they cost.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
)

from service.conversions.attribution import REFERRED
from service.conversions.tables.conversions import Conversion, Referral
from service.customers.tables import Customer
from service.links.tables import Code, Link
from service.programs.tables import Program, ProgramTerms
from service.rewards.tables.rewards import Reward

_one = select(literal(1).label("one")).subquery("one")
merchant: BindParameter[Any] = bindparam("merchant")
friend: BindParameter[Any] = bindparam("friend")
# Tables rather than mapped classes: the unit of work would look at each row that passes here.
code, conversion, customer, link = Code.__table__, Conversion.__table__, Customer.__table__, Link.__table__
program, referral, terms = Program.__table__, Referral.__table__, ProgramTerms.__table__
reward = Reward.__table__


def _glimpse(*found: tuple[FromClause, ColumnElement[bool]]) -> Select[Any]:
    """found: how the link is, by tables and what joins them."""
    rows = (
        _one.outerjoin(
            conversion, and_(conversion.c.merchant_id == merchant, conversion.c.order_id == bindparam("order"))
        )
        .outerjoin(customer, and_(customer.c.merchant_id == merchant, customer.c.customer_id == friend))
        .outerjoin(referral, and_(referral.c.merchant_id == merchant, referral.c.friend_id == friend))
    )
    for table, matches in found:
        rows = rows.outerjoin(table, and_(table.c.merchant_id == merchant, matches))
    return select(
        conversion.c.conversion_id,
        customer.c.customer_id.is_not(None).label("friend_is_known"),
        referral.c.advocate_id.label("referral_advocate_id"),
        referral.c.program_id.label("referral_program_id"),
        referral.c.link_id.label("referral_link_id"),
        link.c.link_id,
        link.c.customer_id.label("link_advocate_id"),
        link.c.program_id.label("link_program_id"),
    ).select_from(rows)


BY_LINK = _glimpse((link, link.c.link_id == bindparam("link")))
BY_CODE = _glimpse((code, code.c.folded_code == bindparam("code")), (link, link.c.link_id == code.c.link_id))


def _above() -> CTE:
    """Through whom the advocate came, all the way up."""
    person = (
        select(referral.c.advocate_id.label("person"))
        .where(referral.c.merchant_id == merchant, referral.c.friend_id == bindparam("advocate"))
        .cte("above", recursive=True)
    )
    further = select(referral.c.advocate_id).where(
        referral.c.merchant_id == merchant, referral.c.friend_id == person.c.person
    )
    return person.union(further)


def _gathered() -> Select[Any]:
    above = _above()
    earned = select(reward.c.reward_id).where(
        reward.c.merchant_id == merchant, reward.c.conversion_id == conversion.c.conversion_id, reward.c.is_earned
    )
    kept = earned.where(reward.c.status != "denied")
    # An order stands unless it was voided, all of it was given back, or all that it earned was denied: what does not is
    # no earlier order, uses up nothing and holds no referral, so that a friend whose order failed can come again.
    standing = select(conversion.c.conversion_id).where(
        conversion.c.merchant_id == merchant,
        conversion.c.customer_id == friend,
        conversion.c.conversion_id != bindparam("besides"),
        conversion.c.status != "voided",
        or_(conversion.c.refunded_amount < conversion.c.amount, conversion.c.amount == 0),
        or_(kept.exists(), ~earned.exists()),
    )
    rewarded = standing.where(earned.exists()).with_only_columns(func.count())
    belonging = standing.where(
        conversion.c.advocate_id == referral.c.advocate_id,
        conversion.c.status.in_(REFERRED),
    )
    of_terms = and_(
        terms.c.merchant_id == merchant,
        terms.c.program_id == program.c.program_id,
        terms.c.terms_version == func.coalesce(bindparam("version", type_=BigInteger), program.c.terms_version),
    )
    return select(
        referral.c.advocate_id.label("referral_advocate_id"),
        program.c.status.label("program_status"),
        terms.c.terms_version,
        terms.c.terms,
        link.c.status.label("link_status"),
        link.c.expires_at.label("link_expires_at"),
        standing.where(conversion.c.ordered_at <= bindparam("ordered_at")).exists().label("has_earlier_order"),
        belonging.correlate(referral).exists().label("referral_stands"),
        rewarded.scalar_subquery().label("rewarded_orders"),
        select(above.c.person).where(above.c.person == friend).exists().label("friend_is_above"),
    ).select_from(
        _one.outerjoin(referral, and_(referral.c.merchant_id == merchant, referral.c.friend_id == friend))
        .outerjoin(program, and_(program.c.merchant_id == merchant, program.c.program_id == bindparam("program")))
        .outerjoin(terms, of_terms)
        .outerjoin(link, and_(link.c.merchant_id == merchant, link.c.link_id == bindparam("link")))
    )


GATHERED = _gathered()
