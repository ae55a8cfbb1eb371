"""/v1/stats"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from service.customers import tables as customers
from service.merchants import tables as merchants
from service.statistics import groves, rankings, reports
from service.statistics.api import answers
from service.statistics.api.answers import AdvocateOut, ChannelsOut, CohortsOut, ReasonsOut, SeriesOut, SummaryOut
from service.statistics.api.queries import (
    GroveQuery,
    GroveQuestion,
    Question,
    RankingQuery,
    RankingQuestion,
    SeriesQuery,
    SeriesQuestion,
    StatsQuery,
)
from service.statistics.periods import Period
from service.statistics.rankings import Asked, Place
from service.tokens import TokenSigner
from service.web.call import Call
from service.web.pagination import bad_cursor, page_of
from service.web.parsing import parsed
from service.web.rendering import Answer
from service.web.resource import MARKETING, Resource

resource = Resource("stats", "What the program brings, never stale, and equal to the books")


@resource.reads("/stats/summary", SummaryOut, scopes=MARKETING, query=StatsQuery)
def get_summary(call: Call, query: Question) -> Answer:
    """Read what a period brought, beside the period before it"""
    totals, period = query.of_merchant(call)
    left_out = totals.left_out(query.cut, period)
    return Answer(answers.summary(reports.summary(totals, query.cut, period), totals.zone.key, left_out=left_out))


@resource.reads("/stats/timeseries", SeriesOut, scopes=MARKETING, query=SeriesQuery)
def get_timeseries(call: Call, query: SeriesQuestion) -> Answer:
    """Read what each day, week or month brought"""
    totals, period = query.of_merchant(call)
    found = reports.series(totals, query.cut, period, query.interval_of(period))
    return Answer({"time_zone": totals.zone.key, "data": [answers.piece(piece) for piece in found]})


@resource.reads("/stats/channels", ChannelsOut, scopes=MARKETING, query=StatsQuery)
def list_channels(call: Call, query: Question) -> Answer:
    """Read what each channel brought"""
    totals, period = query.of_merchant(call)
    found = reports.channels(totals, query.cut, period)
    return Answer({"data": [{"channel": name, **answers.measures(of)} for name, of in found.items()]})


@resource.reads("/stats/reasons", ReasonsOut, scopes=MARKETING, query=StatsQuery)
def list_reasons(call: Call, query: Question) -> Answer:
    """Read why orders were declined"""
    totals, period = query.of_merchant(call)
    return Answer({"data": [answers.reason(row) for row in reports.reasons(totals, query.cut, period)]})


@resource.reads("/stats/cohorts", CohortsOut, scopes=MARKETING, query=StatsQuery)
def list_cohorts(call: Call, query: Question) -> Answer:
    """Compare customers who were referred with those who were not, by the month in which they were won"""
    totals, period = query.of_merchant(call)
    return Answer({"data": [answers.cohorts(month) for month in reports.cohorts(totals, query.cut, period)]})


@resource.reads("/stats/advocates", page_of(AdvocateOut, "AdvocatePage"), scopes=MARKETING, query=RankingQuery)
def list_advocates(call: Call, query: RankingQuestion) -> Answer:
    """Rank advocates by what their friends brought"""
    return _ranked(call, query)


def list_trees(call: Call, query: GroveQuestion) -> Answer:
    """The same, of advocates with so many friends, or who are called so: for the dashboard"""
    return _ranked(call, query, least=query.least, most=query.most, named=query.named)


def list_groves(call: Call, query: RankingQuestion) -> Answer:
    """How many advocates there are of each size; those grew who won a friend in the period: for the same"""
    totals, period = query.of_merchant(call)
    asked = _asked(call, query, None)
    found = groves.groves(totals, asked, period)
    return Answer({"data": [{"currency": asked.currency, **asdict(grove)} for grove in found]})


def _ranked(call: Call, query: RankingQuestion, **which: Any) -> Answer:
    totals, period = query.of_merchant(call)
    has_days = query.since is not None or query.until is not None
    asked = replace(_asked(call, query, period if has_days else None), **which)
    found = rankings.ranked(totals, asked)
    shown = found[: query.limit]
    known = customers.known(call.session, call.merchant_id, [one.advocate_id for one in shown])
    cursor = _sealed(call.wiring.signer, rankings.place_of(shown[-1], query.sort)) if len(found) > query.limit else None
    rows = [answers.advocate(one, known[one.advocate_id].first_name, asked.currency) for one in shown]
    return Answer({"data": rows, "next_cursor": cursor})


def _asked(call: Call, query: RankingQuestion, period: Period | None) -> Asked:
    return Asked(
        cut=query.cut,
        currency=query.currency or merchants.get(call.session, call.merchant_id).currency,
        by=query.sort,
        period=period,
        limit=query.limit + 1,
        after=None if query.cursor is None else _opened(call.wiring.signer, query.cursor),
    )


QUESTIONS: Mapping[str, tuple[type[StatsQuery], Callable[[Call, Any], Answer]]] = {
    "summary": (StatsQuery, get_summary),
    "timeseries": (SeriesQuery, get_timeseries),
    "channels": (StatsQuery, list_channels),
    "reasons": (StatsQuery, list_reasons),
    "cohorts": (StatsQuery, list_cohorts),
    "advocates": (RankingQuery, list_advocates),
    "trees": (GroveQuery, list_trees),
    "groves": (RankingQuery, list_groves),
}
"""What is asked under /v1/stats, and by the dashboard alone: the schema of its query, and its view."""


def answer(call: Call, question: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """What the question is answered to these arguments, for who shows it. Raises as the view does."""
    schema, view = QUESTIONS[question]
    document: dict[str, Any] = view(call, parsed(schema(), arguments)).document
    return document


def _sealed(signer: TokenSigner, place: Place) -> str:
    return signer.seal(f"{place.measure}.{place.advocate_id}")


def _opened(signer: TokenSigner, cursor: str) -> Place:
    measure, _, advocate_id = (signer.unseal(cursor) or "").partition(".")
    try:
        return Place(int(measure), advocate_id)
    except ValueError:
        raise bad_cursor() from None
