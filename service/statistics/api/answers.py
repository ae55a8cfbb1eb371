"""The numbers as they are answered."""

from datetime import date
from operator import attrgetter
from typing import Any

from marshmallow import fields, validate

from service.conversions.eligibility import REASONS
from service.statistics.measures import AdvocateMeasures, CohortMeasures, Measures, Money
from service.statistics.periods import Period
from service.statistics.reports import Cohorts, DeclinedFor, Summary
from service.web.fields import CurrencyCode, Name, Strict

RATE = {"description": "A share, to four digits; null of nothing"}


class MoneyOut(Strict):
    """Amounts of one currency, in minor units; amounts of two are never added.

    `revenue`, `refunded` and `net_revenue` are of referred orders. `reward_cost` is what rewards earned less what was
    taken back, denied and lapsed, and `liability` what is owed to customers at the end of the period less what they owe
    (null of one program or channel: credit is one purse), both from the books. `return_on_rewards`: net revenue / cost.
    """

    currency = CurrencyCode(required=True)
    revenue = fields.Integer(required=True)
    refunded = fields.Integer(required=True)
    net_revenue = fields.Integer(required=True)
    reward_cost = fields.Integer(required=True)
    liability = fields.Integer(required=True, allow_none=True)
    cost_per_new_customer = fields.Integer(required=True, allow_none=True)
    return_on_rewards = fields.String(required=True, allow_none=True)


class MeasuresOut(Strict):
    """What was counted. docs/statistics.md defines each."""

    links = fields.Integer(required=True)
    advocates = fields.Integer(required=True)
    visits = fields.Integer(required=True)
    unique_visitors = fields.Integer(required=True)
    orders = fields.Integer(required=True)
    referred_orders = fields.Integer(required=True)
    new_customers = fields.Integer(required=True)
    clients = fields.Integer(required=True)
    conversion_rate = fields.Float(required=True, allow_none=True, metadata=RATE)
    viral_coefficient = fields.Float(required=True, allow_none=True, metadata=RATE)
    money = fields.List(fields.Nested(MoneyOut), required=True)


class PeriodOut(MeasuresOut):
    """What a period brought. `from` and `to` (exclusive) are days of the merchant's."""

    first = fields.Date(required=True, data_key="from")
    end = fields.Date(required=True, data_key="to")


class SummaryOut(PeriodOut):
    """What a period brought, and the period of as many days before it; null where that would begin before 1970."""

    time_zone = fields.String(required=True)
    visits_left_out = fields.Integer(
        required=True,
        metadata={"description": "Follows that are no visits, since too many of one link came from one network"},
    )
    previous = fields.Nested(PeriodOut, required=True, allow_none=True)


class PieceOut(MeasuresOut):
    """What one day, week or month brought. `end`: exclusive."""

    start = fields.Date(required=True)
    end = fields.Date(required=True)


class SeriesOut(Strict):
    """Every day, week or month of a period."""

    time_zone = fields.String(required=True)
    data = fields.List(fields.Nested(PieceOut), required=True)


class ChannelOut(MeasuresOut):
    """What one channel brought; "" for links without one."""

    channel = fields.String(required=True)


class ChannelsOut(Strict):
    """Every channel that brought something."""

    data = fields.List(fields.Nested(ChannelOut), required=True)


class ReasonOut(Strict):
    """How many orders a program declined for a reason; null where no program was found."""

    program_id = fields.UUID(required=True, allow_none=True)
    reason = fields.String(required=True, validate=validate.OneOf(list(REASONS)))
    orders = fields.Integer(required=True)


class ReasonsOut(Strict):
    """Why orders were declined, most frequent first. An order that two rules declined is counted for both."""

    data = fields.List(fields.Nested(ReasonOut), required=True)


class SpentOut(Strict):
    """What each customer of a cohort spent in one month, less what was given back, in minor units."""

    month = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}-[0-9]{2}\Z"))
    currency = CurrencyCode(required=True)
    amount = fields.Integer(required=True)


class CohortOut(Strict):
    """Customers who were won in one month. `repeat_rate`: the share of them who ordered again."""

    customers = fields.Integer(required=True)
    repeat_rate = fields.Float(required=True, allow_none=True, metadata=RATE)
    revenue_per_customer = fields.List(fields.Nested(SpentOut), required=True)


class MonthOfCohortsOut(Strict):
    """Customers who were won in one month: by a referral, and otherwise."""

    month = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}-[0-9]{2}\Z"))
    referred = fields.Nested(CohortOut, required=True)
    others = fields.Nested(CohortOut, required=True)


class CohortsOut(Strict):
    """Every month in which a customer was won."""

    data = fields.List(fields.Nested(MonthOfCohortsOut), required=True)


class AdvocateOut(Strict):
    """What the friends of one advocate brought, in one currency and its minor units.

    `friends`: whom the advocate won, by the currency of their first order. `rewards`: what the advocate earned by them.
    """

    customer_id = Name(required=True)
    first_name = fields.String(required=True, allow_none=True)
    currency = CurrencyCode(required=True)
    friends = fields.Integer(required=True)
    friends_who_returned = fields.Integer(required=True)
    repeat_rate = fields.Float(required=True, allow_none=True, metadata=RATE)
    orders = fields.Integer(required=True)
    revenue = fields.Integer(required=True)
    refunded = fields.Integer(required=True)
    refund_rate = fields.Float(required=True, allow_none=True, metadata=RATE)
    net_lifetime_value = fields.Integer(required=True)
    rewards = fields.Integer(required=True)


def summary(found: Summary, time_zone: str, *, left_out: int) -> dict[str, Any]:
    """A period with the one before it. left_out: follows that were no visits."""
    before = None if found.before is None else _period(found.before)
    return {**_period(found), "time_zone": time_zone, "visits_left_out": left_out, "previous": before}


def piece(found: Summary) -> dict[str, Any]:
    """One part of a series."""
    return {"start": found.period.first.isoformat(), "end": found.period.end.isoformat(), **measures(found.measures)}


def _period(found: Summary) -> dict[str, Any]:
    return {**_days(found.period), **measures(found.measures)}


def _days(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.end.isoformat()}


COUNTED = (
    "links",
    "advocates",
    "visits",
    "unique_visitors",
    "orders",
    "referred_orders",
    "new_customers",
    "clients",
    "conversion_rate",
    "viral_coefficient",
)
OF_MONEY = (
    "revenue",
    "refunded",
    "net_revenue",
    "reward_cost",
    "liability",
    "cost_per_new_customer",
    "return_on_rewards",
)
_counted, _of_money = attrgetter(*COUNTED), attrgetter(*OF_MONEY)


def measures(found: Measures) -> dict[str, Any]:
    """Every measure."""
    money = [_money(currency, amounts) for currency, amounts in sorted(found.money.items())]
    return {**dict(zip(COUNTED, _counted(found), strict=True)), "money": money}


def _money(currency: str, amounts: Money) -> dict[str, Any]:
    return {"currency": currency, **dict(zip(OF_MONEY, _of_money(amounts), strict=True))}


def reason(found: DeclinedFor) -> dict[str, Any]:
    """One reason of one program."""
    program_id = None if found.program_id is None else str(found.program_id)
    return {"program_id": program_id, "reason": found.reason, "orders": found.orders}


def cohorts(found: Cohorts) -> dict[str, Any]:
    """One month."""
    return {"month": _month(found.month), "referred": _cohort(found.referred), "others": _cohort(found.others)}


def _cohort(found: CohortMeasures) -> dict[str, Any]:
    spent = [{"month": month, "currency": money, "amount": amount} for money, month, amount in found.per_customer()]
    return {"customers": found.customers, "repeat_rate": found.repeat_rate, "revenue_per_customer": spent}


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def advocate(found: AdvocateMeasures, first_name: str | None, currency: str) -> dict[str, Any]:
    """One advocate."""
    return {
        "customer_id": found.advocate_id,
        "first_name": first_name,
        "currency": currency,
        "friends": found.friends,
        "friends_who_returned": found.returned,
        "repeat_rate": found.repeat_rate,
        "orders": found.orders,
        "revenue": found.revenue,
        "refunded": found.refunded,
        "refund_rate": found.refund_rate,
        "net_lifetime_value": found.net_lifetime_value,
        "rewards": found.rewards,
    }
