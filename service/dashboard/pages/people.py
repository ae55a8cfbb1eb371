"""One customer: what they share, whom they brought, what they ordered and what they have."""

from datetime import UTC, datetime

from flask import Response

from service.books import balances
from service.conversions import conversions
from service.conversions.tables.conversions import ConversionFilter, Referral, friends_of, order_ids
from service.customers import customers
from service.customers import tables as people
from service.dashboard import orchard, words
from service.dashboard.branches import branches
from service.dashboard.pages.asking import asked
from service.dashboard.pages.frame import blueprint, looking, shown, signed_in
from service.dashboard.pages.orchard import of_page
from service.dashboard.rewards import told
from service.database.lists import Page
from service.errors import Unknown
from service.links import tables as links
from service.links.tables import LinkFilter
from service.rewards import reading
from service.rewards.tables import rewards as earned
from service.rewards.tables.rewards import RewardFilter
from service.values import fault_of_name
from service.web.wiring import wiring

AT_ONCE = 50


@blueprint.get("/people/<name:customer_id>")
def show_person(customer_id: str) -> Response:
    """One customer, with everything that support is asked about."""
    if fault_of_name(customer_id) is not None:
        raise Unknown("customer", customer_id)
    reading.catch_up_first(wiring().database, signed_in().merchant_id, customer_id, now=datetime.now(UTC))
    with looking() as call:
        customer = customers.get(call.session, call.merchant_id, customer_id)
        brought_by = call.session.get(Referral, (call.merchant_id, customer_id))
        page = asked(call)
        grown = branches(call.session, call.merchant_id, [customer_id], of_page(page, most=AT_ONCE))[customer_id]
        friends = friends_of(call.session, call.merchant_id, customer_id, limit=AT_ONCE)
        of_friends = {friend.friend_id for friend in friends} | ({brought_by.advocate_id} if brought_by else set())
        wanted_links = LinkFilter(customer_id=customer_id)
        wanted = RewardFilter(customer_id=customer_id)
        rewards = earned.page(call.session, call.merchant_id, Page(AT_ONCE), wanted, status=None, now=call.now)
        entries, _ = balances.statement(call.session, call.merchant_id, customer_id, limit=AT_ONCE, before=None)
        return shown(
            "person.html",
            customer=customer,
            brought_by=brought_by,
            friends=friends,
            branches={branch.friend_id: branch for branch in grown},
            tree=orchard.drawing(grown[-orchard.MOST_BRANCHES :], orchard.best_of(grown)) if grown else None,
            currency=page.filters.currency or page.currency,
            names=people.known(call.session, call.merchant_id, of_friends),
            links=links.page(call.session, call.merchant_id, Page(AT_ONCE), wanted_links)[:AT_ONCE],
            orders=conversions.page(
                call.session, call.merchant_id, Page(AT_ONCE), ConversionFilter(customer_id=customer_id)
            )[:AT_ONCE],
            balances=balances.balances(call.session, call.merchant_id, customer),
            rewards=told(rewards[:AT_ONCE], call.now),
            order_ids=dict(order_ids(call.session, call.merchant_id, {reward.conversion_id for reward in rewards})),
            entries=entries,
            statuses=words.STATUSES,
            zone=page.zone,
            most=AT_ONCE,
        )
