"""The two looks at the database that an order takes, each one statement: the glimpse, and the facts under locks.

Built once, when this file is loaded, which is a third of what they cost; and once more for persons with several
customers, whom a plain order must not pay for.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Join,
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
NOBODY, NOTHING = "", UUID(int=0)
"""What no row is called, and what none has for an id: given where there is nothing to look for. NULL equals nothing,
so with that a planner would leave the merchant out as well, and a database of many machines ask all of them."""
merchant: BindParameter[Any] = bindparam("merchant")
friend: BindParameter[Any] = bindparam("friend")
# Tables rather than mapped classes: the unit of work would look at each row that passes here.
code, conversion, customer, link = Code.__table__, Conversion.__table__, Customer.__table__, Link.__table__
program, referral, terms = Program.__table__, Referral.__table__, ProgramTerms.__table__
reward = Reward.__table__
of_order = reward.alias("of_order")
of_link, of_referral = customer.alias("of_link"), customer.alias("of_referral")

Whose = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""Whether a column names the friend, by one of their customers; the same of the advocate."""


class Looks(NamedTuple):
    """The looks for one kind of people. referred: instead of gathered, where no referral could earn anything."""

    by_link: Select[Any]
    by_code: Select[Any]
    gathered: Select[Any]
    referred: Select[Any]


def _glimpse(of_friend: Whose, *found: tuple[FromClause, ColumnElement[bool]]) -> Select[Any]:
    """found: how the link is, by tables and what joins them."""
    rows = (
        _with_referral(of_friend)
        .outerjoin(conversion, and_(conversion.c.merchant_id == merchant, conversion.c.order_id == bindparam("order")))
        .outerjoin(customer, and_(customer.c.merchant_id == merchant, customer.c.customer_id == friend))
        .outerjoin(
            of_referral,
            and_(of_referral.c.merchant_id == merchant, of_referral.c.customer_id == referral.c.advocate_id),
        )
    )
    for table, matches in found:
        rows = rows.outerjoin(table, and_(table.c.merchant_id == merchant, matches))
    rows = rows.outerjoin(of_link, and_(of_link.c.merchant_id == merchant, of_link.c.customer_id == link.c.customer_id))
    return select(
        conversion.c.conversion_id,
        customer.c.customer_id.is_not(None).label("friend_is_known"),
        customer.c.email.label("friend_email"),
        customer.c.folded_email.label("friend_mailbox"),
        customer.c.person_id.label("friend_person_id"),
        customer.c.merged_into.label("friend_merged_into"),
        of_link.c.person_id.label("link_person_id"),
        of_referral.c.person_id.label("referral_person_id"),
        referral.c.advocate_id.label("referral_advocate_id"),
        referral.c.program_id.label("referral_program_id"),
        referral.c.link_id.label("referral_link_id"),
        link.c.link_id,
        link.c.customer_id.label("link_advocate_id"),
        link.c.program_id.label("link_program_id"),
    ).select_from(rows)


def _first_referral(of_friend: Whose) -> ColumnElement[bool]:
    """The friend's referral: a person who had several before they were known to be one has the first of them."""
    if of_friend is _is_friend:
        return of_friend(referral.c.friend_id)
    one = referral.alias("one")
    first = select(one.c.friend_id).where(one.c.merchant_id == merchant, of_friend(one.c.friend_id))
    return referral.c.friend_id == first.order_by(one.c.created_at, one.c.friend_id).limit(1).scalar_subquery()


def _with_referral(of_friend: Whose) -> Join:
    return _one.outerjoin(referral, and_(referral.c.merchant_id == merchant, _first_referral(of_friend)))


def _above(of_advocate: Whose) -> CTE:
    """Through whom the advocate came, all the way up."""
    above = (
        select(referral.c.advocate_id.label("customer_id"))
        .where(referral.c.merchant_id == merchant, of_advocate(referral.c.friend_id))
        .cte("above", recursive=True)
    )
    further = select(referral.c.advocate_id).where(
        referral.c.merchant_id == merchant, referral.c.friend_id == above.c.customer_id
    )
    return above.union(further)


def _came_before(of_friend: Whose) -> Select[Any]:
    """The friend's customers whom the shop knew before Orchard."""
    return select(customer.c.customer_id).where(
        customer.c.merchant_id == merchant, of_friend(customer.c.customer_id), customer.c.since.is_not(None)
    )


def _persons(above: CTE) -> Select[Any]:
    """How many of these share a mailbox: looked up one by one, as a join might go through all customers there are."""
    person = select(customer.c.person_id).where(
        customer.c.merchant_id == merchant, customer.c.customer_id == above.c.customer_id
    )
    return select(func.count(person.correlate(above).scalar_subquery())).select_from(above)


def _in_question(of_friend: Whose) -> Join:
    """The friend's referral, and the program, its terms and the link that the order is about."""
    of_terms = and_(
        terms.c.merchant_id == merchant,
        terms.c.program_id == program.c.program_id,
        terms.c.terms_version == func.coalesce(bindparam("version", type_=BigInteger), program.c.terms_version),
    )
    return (
        _with_referral(of_friend)
        .outerjoin(program, and_(program.c.merchant_id == merchant, program.c.program_id == bindparam("program")))
        .outerjoin(terms, of_terms)
        .outerjoin(link, and_(link.c.merchant_id == merchant, link.c.link_id == bindparam("link")))
    )


def _gathered(of_friend: Whose, of_advocate: Whose) -> Select[Any]:
    above = _above(of_advocate)
    earned = select(reward.c.reward_id).where(
        reward.c.merchant_id == merchant, reward.c.conversion_id == conversion.c.conversion_id, reward.c.is_earned
    )
    kept = earned.where(reward.c.status != "denied")
    # An order stands unless it was voided, all of it was given back, or all that it earned was denied: what does not is
    # no earlier order, uses up nothing and holds no referral, so that a friend whose order failed can come again.
    standing = select(conversion.c.conversion_id).where(
        conversion.c.merchant_id == merchant,
        conversion.c.conversion_id != bindparam("besides"),
        conversion.c.status != "voided",
        or_(conversion.c.refunded_amount < conversion.c.amount, conversion.c.amount == 0),
        or_(kept.exists(), ~earned.exists()),
    )
    # From the few orders that earned, each found by its id, and not from all that the friend ever placed: of a reward
    # the friend is its order's customer, so that to ask for the customer again would only mislead a planner.
    by_id = standing.where(conversion.c.conversion_id == of_order.c.conversion_id).correlate(of_order)
    rewarded = select(func.count(of_order.c.conversion_id.distinct())).where(
        of_order.c.merchant_id == merchant,
        of_friend(of_order.c.friend_id),
        of_order.c.is_earned,
        by_id.exists(),
    )
    # The first of them in the order of an index, for a planner that thinks them few might else gather them all.
    in_order = conversion.c.customer_id, conversion.c.conversion_id
    of_the_friend = standing.where(of_friend(conversion.c.customer_id)).order_by(*in_order).limit(1)
    # As an expression, which no index serves: SQLite would go through all orders of before, whose ever they are.
    ordered_at = func.coalesce(conversion.c.ordered_at, conversion.c.recorded_at)
    earlier = of_the_friend.where(ordered_at <= bindparam("ordered_at"))
    belonging = of_the_friend.where(
        conversion.c.advocate_id == referral.c.advocate_id,
        conversion.c.status.in_(REFERRED),
    ).correlate(referral)
    return select(
        referral.c.advocate_id.label("referral_advocate_id"),
        program.c.status.label("program_status"),
        terms.c.terms_version,
        terms.c.terms,
        link.c.status.label("link_status"),
        link.c.expires_at.label("link_expires_at"),
        earlier.scalar_subquery().is_not(None).label("has_earlier_order"),
        or_(belonging.scalar_subquery().is_not(None), referral.c.rewarded_before.is_not(None)).label("referral_stands"),
        (rewarded.scalar_subquery() + func.coalesce(referral.c.rewarded_before, 0)).label("rewarded_orders"),
        _came_before(of_friend).exists().label("came_before"),
        select(above.c.customer_id).where(of_friend(above.c.customer_id)).exists().label("friend_is_above"),
        _persons(above).scalar_subquery().label("persons_above"),
    ).select_from(_in_question(of_friend))


def _is_friend(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column == friend


def _is_advocate(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column == bindparam("advocate")


def _is_among_friends(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column.in_(bindparam("friends", expanding=True))


def _is_among_advocates(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column.in_(bindparam("advocates", expanding=True))


def _looks(of_friend: Whose, of_advocate: Whose) -> Looks:
    by_link = (link, link.c.link_id == bindparam("link"))
    by_code = (code, code.c.folded_code == bindparam("code")), (link, link.c.link_id == code.c.link_id)
    referred = select(referral.c.advocate_id.label("referral_advocate_id")).select_from(_with_referral(of_friend))
    looks = _glimpse(of_friend, by_link), _glimpse(of_friend, *by_code), _gathered(of_friend, of_advocate), referred
    return Looks(*(look.execution_options(prepared=True) for look in looks))


OF_ONE = _looks(_is_friend, _is_advocate)
"""Where friend and advocate have one customer each."""
OF_SEVERAL = _looks(_is_among_friends, _is_among_advocates)
"""Where one of them is a person with several."""
