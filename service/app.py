"""create_app(): the one place where things are wired."""

from functools import cache, partial
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from service import __version__, health, problems, telemetry
from service import settings as environment
from service.books.api import balances, ledger, reports
from service.brands import api as brands
from service.brands import pages as brand_pages
from service.conversions.api import batches, conversions, lives, quotes, refunds
from service.customers.api import customers, imports
from service.dashboard import pages as dashboard
from service.database.engine import Database
from service.demo import pages as demo
from service.links import pages as follow
from service.links.api import domains as link_domains
from service.links.api import links
from service.links.destinations import Destinations
from service.links.domains import LinkHosts
from service.links.following import Following
from service.links.previews import Previews
from service.merchants import tables as merchants
from service.merchants.authentication import authenticate
from service.people import api as people
from service.people import pages as people_pages
from service.programs import api as programs
from service.rewards.api import adjustments, redemptions, rewards
from service.settings import STATE, Settings
from service.sharing import api as share_pages
from service.sharing import pages as sharing
from service.sharing import tables as share_page_tables
from service.statistics.api import exports, stats
from service.storefront import pages as storefront
from service.tokens import TokenSigner
from service.web import pages as assets
from service.web.openapi import describe, document
from service.web.paths import NameConverter, keeping_slashes
from service.web.rendering import keep_private
from service.web.wiring import Wiring

LARGEST_BODY_BYTES = 1_000_000
RESOURCES = (
    programs,
    brands,
    customers,
    imports,
    links,
    link_domains,
    share_pages,
    quotes,
    conversions,
    batches,
    refunds,
    lives,
    rewards,
    balances,
    redemptions,
    ledger,
    reports,
    adjustments,
    stats,
    exports,
    people,
)


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest, with errors as problems, and with the headers that belong to them."""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Answer an error of HTTP itself."""
        return problems.of_http(error)


def create_app(settings: Settings | None = None) -> Flask:
    """The service, wired from these settings or from the environment. Raises BadSettings."""
    settings = settings or environment.load()
    app = Flask("service", template_folder=None, static_folder=None)
    app.url_map.converters["name"] = NameConverter
    app.wsgi_app = keeping_slashes(app.wsgi_app)  # type: ignore[method-assign,assignment]
    app.url_map.merge_slashes = False  # a redirect would name the host that the caller claims
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        API_TITLE="Orchard",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
    )
    database, signer = Database(settings.database_url), TokenSigner(settings.secret_keys)
    app.extensions["orchard"] = Wiring(
        settings, database, signer, partial(authenticate, database), partial(merchants.time_zone, database)
    )
    app.extensions["orchard-hosts"] = LinkHosts(database)
    app.extensions["orchard-following"] = Following(database, signer, Destinations(STATE))
    app.extensions["orchard-previews"] = Previews(STATE / "previews")
    app.extensions["orchard-forgetters"] = (share_page_tables.forget_links,)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    telemetry.register(app)
    problems.register(app)
    api = ProblemApi(app)
    describe(api)
    for module in RESOURCES:
        api.register_blueprint(module.resource)
    app.extensions["orchard-openapi"] = cache(
        partial(document, api, (programs.describe_rewards, refunds.describe_refunds))
    )
    app.before_request(follow.refuse_other_hosts)
    app.after_request(keep_private)
    app.register_blueprint(health.blueprint)
    assets.register(app)
    app.register_blueprint(brand_pages.blueprint)
    app.register_blueprint(follow.blueprint)
    app.register_blueprint(sharing.blueprint)
    app.register_blueprint(people_pages.blueprint)
    app.register_blueprint(storefront.blueprint)
    app.extensions["orchard-numbers"] = stats.answer
    dashboard.register(app, settings)
    if settings.is_production:
        app.after_request(assets.only_over_https)
    else:
        app.register_blueprint(demo.blueprint)
    return app
