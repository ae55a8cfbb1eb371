"""/v1/links"""

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from service.customers.api.customers import AdvocateIn
from service.customers.customers import meant
from service.links import domains, links
from service.links import tables as storage
from service.links.evidence import link_token
from service.links.links import NewLink
from service.links.qr import LARGEST, MEDIA_TYPES, SMALLEST, Drawing, ErrorCorrection, Form, drawn
from service.links.states import LinkState, LinkStatus, state_of
from service.links.tables import Link, LinkFilter
from service.merchants import tables as merchants
from service.programs.states import ProgramStatus
from service.values import LONGEST_CHANNEL
from service.web.call import Call
from service.web.fields import Destination, Digits, Moment, Name, Strict, Text, rfc3339
from service.web.files import FileResource
from service.web.optional import Metadata
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING
from service.web.wiring import wiring

resource = FileResource("links", "Signed share links and their codes")


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

    status = fields.String(validate=validate.OneOf(get_args(LinkStatus)))
    code = Text(most=40)
    expires_at = Moment(allow_none=True)


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
    short_url = fields.URL(required=True, require_tld=False)
    code = fields.String(required=True)
    destination_url = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(get_args(LinkState)))
    expires_at = Moment(required=True, allow_none=True)
    metadata = Metadata(required=True)
    created_at = Moment(required=True)


@resource.writes("POST", "/links", LinkOut, body=NewLinkIn, scopes=CHECKOUT, statuses=(201, 200))
def create_link(call: Call, body: NewLink) -> Answer:
    """Create a link, or get the one that there is"""
    link, is_new = links.create(call.session, call.merchant_id, body, now=call.now)
    return Answer(_rendered(call, [link])[0], 201 if is_new else 200)


@resource.reads("/links", page_of(LinkOut, "LinkPage"), scopes=CHECKOUT_AND_MARKETING, query=LinkQuery)
def list_links(call: Call, query: Listing[LinkFilter]) -> Answer:
    """List links"""
    wanted = meant(call.session, call.merchant_id, query.wanted)
    rows = storage.page(call.session, call.merchant_id, query.page, wanted)
    rendered = {row["link_id"]: row for row in _rendered(call, rows)}
    return page(rows, query.page, lambda link: rendered[str(link.link_id)], lambda link: link.link_id)


@resource.reads("/links/<uuid:link_id>", LinkOut, scopes=CHECKOUT_AND_MARKETING)
def get_link(call: Call, link_id: UUID) -> Answer:
    """Read a link"""
    return Answer(_rendered(call, [links.get(call.session, call.merchant_id, link_id)])[0])


@resource.writes("PATCH", "/links/<uuid:link_id>", LinkOut, body=LinkChange, scopes=CHECKOUT)
def change_link(call: Call, body: links.LinkChange, link_id: UUID) -> Answer:
    """Revoke a link, bring it back, renew it, or give it a code of its own"""
    changed = links.change(call.session, call.merchant_id, link_id, body, now=call.now)
    return Answer(_rendered(call, [changed])[0])


class Drawn(Strict):
    """How a QR code is drawn."""

    makes = Drawing

    size = Digits(load_default=512, validate=validate.Range(SMALLEST, LARGEST))
    margin = Digits(load_default=4, validate=validate.Range(0, 10))
    error_correction = fields.String(load_default="M", validate=validate.OneOf(get_args(ErrorCorrection)))


@resource.streams(
    "/links/<uuid:link_id>/qr.<string:format>",
    scopes=CHECKOUT_AND_MARKETING,
    query=Drawn,
    media_types=list(MEDIA_TYPES.values()),
    choices={"format": list(MEDIA_TYPES)},
)
def draw_link(merchant_id: UUID, drawing: Drawing, link_id: UUID, format: Form) -> Response:
    """Draw a link's short address as a QR code"""
    with wiring().database.reading() as session:
        link = links.get(session, merchant_id, link_id)
        base = domains.bases(session, merchant_id).get(link.program_id, wiring().settings.base_url)
        address = links.short_url(base, merchants.get(session, merchant_id).slug, link)
    headers = {"Content-Disposition": f'inline; filename="{link.code}.{format}"', "X-Content-Type-Options": "nosniff"}
    return Response(drawn(address, format, drawing), content_type=MEDIA_TYPES[format], headers=headers)


def _rendered(call: Call, rows: Sequence[Link]) -> list[dict[str, Any]]:
    slug = merchants.get(call.session, call.merchant_id).slug
    statuses = storage.statuses(call.session, call.merchant_id, {link.program_id for link in rows})
    bases = domains.bases(call.session, call.merchant_id)
    ours = call.wiring.settings.base_url
    return [_render(call, link, slug, statuses[link.program_id], bases.get(link.program_id, ours)) for link in rows]


def _render(call: Call, link: Link, slug: str, program_status: ProgramStatus, base_url: str) -> dict[str, Any]:
    token = link_token(call.wiring.signer, link.merchant_id, link.link_id)
    return {
        "link_id": str(link.link_id),
        "program_id": str(link.program_id),
        "customer_id": link.customer_id,
        "channel": link.channel or None,
        "url": f"{base_url}/r/{token}",
        "short_url": links.short_url(base_url, slug, link),
        "code": link.code,
        "destination_url": link.destination_url,
        "status": state_of(link.status, program_status, link.expires_at, now=call.now),
        "expires_at": rfc3339(link.expires_at),
        "metadata": link.shop_metadata or {},
        "created_at": rfc3339(link.created_at),
    }
