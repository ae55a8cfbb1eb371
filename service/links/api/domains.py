"""/v1/programs/{program_id}/link-domain"""

from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit
from uuid import UUID

from marshmallow import fields, validate

from service.links import domains
from service.links.domains import LinkDomain
from service.links.hosts import LONGEST, DomainStatus, record_name, record_value
from service.web.call import Call
from service.web.fields import Moment, Strict, Text, rfc3339
from service.web.rendering import Answer
from service.web.resource import ADMIN, Resource

resource = Resource("link-domains", "Hosts of shops' own, under which the links of a program are followed")


@dataclass(frozen=True, slots=True)
class Wish:
    """The host that a program wants."""

    host: str


class WishIn(Strict):
    """The host that a program wants."""

    makes = Wish

    host = Text(most=LONGEST, required=True)


class Record(Strict):
    """What the shop writes into its DNS to show that the host is its own."""

    type = fields.String(required=True, validate=validate.OneOf(["TXT"]))
    name = fields.String(required=True)
    value = fields.String(required=True)


class DomainOut(Strict):
    """A program's link domain."""

    host = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(get_args(DomainStatus)))
    record = fields.Nested(Record, required=True)
    verified_at = Moment(required=True, allow_none=True)


@resource.reads("/programs/<uuid:program_id>/link-domain", DomainOut, scopes=ADMIN)
def get_link_domain(call: Call, program_id: UUID) -> Answer:
    """Read a program's link domain"""
    return Answer(_render(domains.get(call.session, call.merchant_id, program_id)))


@resource.writes("PUT", "/programs/<uuid:program_id>/link-domain", DomainOut, body=WishIn, scopes=ADMIN)
def name_link_domain(call: Call, body: Wish, program_id: UUID) -> Answer:
    """Name the host under which a program's links are to be followed"""
    ours = urlsplit(call.wiring.settings.base_url).hostname
    host = body.host.lower().rstrip(".")
    named = domains.name(call.session, call.merchant_id, program_id, host, ours=ours, now=call.now)
    return Answer(_render(named))


def _render(domain: LinkDomain) -> dict[str, Any]:
    return {
        "host": domain.host,
        "status": domain.status,
        "record": {"type": "TXT", "name": record_name(domain.host), "value": record_value(domain.secret)},
        "verified_at": rfc3339(domain.verified_at),
    }
