"""Orders: those of some days, and one of them with all that explains it."""

from datetime import UTC, datetime
from uuid import UUID

from flask import Response, request

from service.conversions import conversions, explanations
from service.conversions.attribution import REFERRED
from service.conversions.tables import refunds
from service.customers import tables as customers
from service.dashboard import orders, words
from service.dashboard.finding import Kind, find
from service.dashboard.orders import Place, Wanted
from service.dashboard.pages.asking import Asked, asked, zone_of
from service.dashboard.pages.frame import blueprint, looking, shown
from service.dashboard.rewards import told
from service.database.lists import Page
from service.formats import formats_for
from service.web.errors import InvalidValues
from service.web.pages import redirect, wanted
from service.web.paths import name_in_path

MOST_REFUNDS = 50


@blueprint.get("/orders")
def list_orders() -> Response:
    """The orders of some days, by what became of them."""
    with looking() as call:
        wanted = asked(call)
        which = _wanted(wanted)
        rows, following = orders.listed(call.session, call.merchant_id, which)
        names = customers.known(call.session, call.merchant_id, [row.customer_id for row in rows if row.customer_id])
        return shown(
            "orders.html",
            filters=wanted.filters,
            zone=wanted.zone,
            program_name=wanted.programs().get(wanted.filters.program_id or ""),
            status=which.status,
            reason=which.reason,
            statuses=words.STATUSES,
            reasons=words.REASONS,
            rows=rows,
            names=names,
            following=following and f"{following[0].isoformat()}~{following[1]}",
        )


def _wanted(page: Asked) -> Wanted:
    status, reason = request.args.get("status") or None, request.args.get("reason") or None
    faults = {}
    if status not in (None, *words.STATUSES):
        faults["status"] = f"There are {', '.join(words.STATUSES)}."
    if reason not in (None, *words.REASONS):
        faults["reason"] = f"There are {', '.join(words.REASONS)}."
    program_id = page.program_id()
    if faults:
        raise InvalidValues(faults)
    since, until = page.moments()
    after = _place(request.args.get("after"))
    return Wanted(since, until, status, reason, program_id, page.filters.channel, after)


def _place(text: str | None) -> Place | None:
    if not text:
        return None
    moment, _, conversion_id = text.partition("~")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(conversion_id)
    except (ValueError, OverflowError):
        raise InvalidValues({"after": "That is no place in this list."}) from None


@blueprint.get("/orders/<uuid:conversion_id>")
def show_order(conversion_id: UUID) -> Response:
    """One order: how it stands, what it earned, and why, with words for the customer."""
    with looking() as call:
        recorded = conversions.get(call.session, call.merchant_id, conversion_id)
        order = recorded.conversion
        given_back = refunds.page(call.session, call.merchant_id, conversion_id, Page(MOST_REFUNDS))
        people = {
            *_named(order.customer_id),
            *_named(order.advocate_id),
            *(one.customer_id for one in recorded.rewards),
        }
        names = customers.known(call.session, call.merchant_id, people)
        locale = names[order.customer_id].locale if order.customer_id else None
        reader = formats_for(locale, *wanted())
        explained = explanations.explain(order.status, order.reasons, recorded.now(call.now), reader)
        return shown(
            "order.html",
            order=order,
            status=words.STATUSES[order.status],
            is_referred=order.status in REFERRED,
            explained=explained,
            reader=reader.locale,
            rewards=told(recorded.rewards, call.now),
            refunds=given_back,
            undone=refunds.reversed_at(call.session, call.merchant_id, [refund.entry_id for refund in given_back]),
            names=names,
            zone=zone_of(call),
        )


def _named(name: str | None) -> list[str]:
    return [] if name is None else [name]


@blueprint.get("/find")
def search() -> Response:
    """Whatever has this text as its number, code, name or e-mail; where it is one thing, that."""
    text = request.args.get("q", "")
    with looking() as call:
        found = find(call.session, call.merchant_id, text) if text.strip() else []
    if len(found) == 1:
        kind = "orders" if found[0].kind is Kind.ORDER else "people"
        return redirect(f"/dashboard/{kind}/{name_in_path(found[0].name)}")
    code = 200 if found or not text.strip() else 404
    return shown("find.html", code, text=text[:80], found=found, kinds=words.FOUND_BY)
