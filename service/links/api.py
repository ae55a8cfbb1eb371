"""/v1/links"""

from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.customers.api import AdvocateIn
from service.links import links
from service.links import tables as storage
from service.links.evidence import link_token
from service.links.links import NewLink
from service.links.states import LinkStatus
from service.links.tables import Link, LinkFilter
from service.values import LONGEST_CHANNEL
from service.web.call import Call
from service.web.fields import Destination, Moment, Name, Strict, Text, rfc3339
from service.web.optional import Metadata
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING, Resource
from service.web.wiring import Wiring

resource = Resource("links", "Signed share links and their codes")


class NewLinkIn(Strict):
    """A link as a shop asks for it."""

    makes = NewLink

    program_id = fields.UUID(required=True)
    customer = fields.Nested(AdvocateIn, required=True)
    channel = Text(most=LONGEST_CHANNEL, allow_none=True)
    destination_url = Destination(allow_none=True)
    expires_at = Moment(allow_none=True)
    metadata = Metadata(allow_none=True)


class LinkChange(Strict):
    """What can be changed of a link."""

    makes = links.LinkChange

    status = fields.String(validate=validate.OneOf(get_args(LinkStatus)))
    code = Text(most=40)


class LinkQuery(PeriodQuery):
    """Which links."""

    makes = LinkFilter

    program_id = fields.UUID(load_default=None)
    customer_id = Name(load_default=None)


class LinkOut(Strict):
    """A share link."""

    link_id = fields.UUID(required=True)
    program_id = fields.UUID(required=True)
    customer_id = Name(required=True)
    channel = fields.String(required=True, allow_none=True)
    url = fields.URL(required=True, require_tld=False)
    code = fields.String(required=True)
    destination_url = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(get_args(LinkStatus)))
    expires_at = Moment(required=True, allow_none=True)
    metadata = Metadata(required=True)
    created_at = Moment(required=True)


@resource.writes("POST", "/links", LinkOut, body=NewLinkIn, scopes=CHECKOUT, statuses=(201, 200))
def create_link(call: Call, body: NewLink) -> Answer:
    """Create a link, or get the one that there is"""
    link, is_new = links.create(call.session, call.merchant_id, body, now=call.now)
    return Answer(_render(call.wiring, link), 201 if is_new else 200)


@resource.reads("/links", page_of(LinkOut, "LinkPage"), scopes=CHECKOUT_AND_MARKETING, query=LinkQuery)
def list_links(call: Call, query: Listing[LinkFilter]) -> Answer:
    """List links"""
    rows = storage.page(call.session, call.merchant_id, query.page, query.wanted)
    return page(rows, query.page, lambda link: _render(call.wiring, link), lambda link: link.link_id)


@resource.reads("/links/<uuid:link_id>", LinkOut, scopes=CHECKOUT_AND_MARKETING)
def get_link(call: Call, link_id: UUID) -> Answer:
    """Read a link"""
    return Answer(_render(call.wiring, links.get(call.session, call.merchant_id, link_id)))


@resource.writes("PATCH", "/links/<uuid:link_id>", LinkOut, body=LinkChange, scopes=CHECKOUT)
def change_link(call: Call, body: links.LinkChange, link_id: UUID) -> Answer:
    """Revoke a link, bring it back, or give it a code of its own"""
    changed = links.change(call.session, call.merchant_id, link_id, body)
    return Answer(_render(call.wiring, changed))


def _render(wiring: Wiring, link: Link) -> dict[str, Any]:
    token = link_token(wiring.signer, link.merchant_id, link.link_id)
    return {
        "link_id": str(link.link_id),
        "program_id": str(link.program_id),
        "customer_id": link.customer_id,
        "channel": link.channel or None,
        "url": f"{wiring.settings.base_url}/r/{token}",
        "code": link.code,
        "destination_url": link.destination_url,
        "status": link.status,
        "expires_at": rfc3339(link.expires_at),
        "metadata": link.shop_metadata or {},
        "created_at": rfc3339(link.created_at),
    }
