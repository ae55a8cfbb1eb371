"""/v1/customers/{customer_id}/share-page"""

from marshmallow import fields

from service.sharing import share_pages
from service.sharing.share_pages import NewSharePage
from service.web.call import Call
from service.web.fields import Destination, Moment, Strict, rfc3339
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, Resource

resource = Resource("share pages", "The page on which a customer shares")


class NewSharePageIn(Strict):
    """A share page as a shop asks for it."""

    makes = NewSharePage

    program_id = fields.UUID(required=True)
    return_url = Destination(allow_none=True)


class SharePageOut(Strict):
    """Where a customer's page is, and for how long."""

    url = fields.URL(required=True, require_tld=False)
    expires_at = Moment(required=True)


@resource.writes(
    "POST",
    "/customers/<name:customer_id>/share-page",
    SharePageOut,
    body=NewSharePageIn,
    scopes=CHECKOUT,
    statuses=(201,),
)
def create_share_page(call: Call, body: NewSharePage, customer_id: str) -> Answer:
    """Get an address of the page on which a customer shares"""
    signer = call.wiring.signer
    token, page = share_pages.hand_out(call.session, signer, call.merchant_id, customer_id, body, now=call.now)
    address = f"{call.wiring.settings.base_url}/s/{token}"
    return Answer({"url": address, "expires_at": rfc3339(page.expires_at)}, 201)
