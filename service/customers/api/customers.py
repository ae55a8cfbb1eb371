"""/v1/customers"""

from typing import Any

from marshmallow import fields, post_load, validate

from service.customers import customers
from service.customers import tables as storage
from service.customers.contacts import Buyer, Contact, Guest, ProfileFields
from service.customers.mailboxes import fold
from service.customers.tables import Customer, CustomerFilter
from service.values import LOCALE, LONGEST_FIRST_NAME
from service.web.call import Call
from service.web.fields import Email, Moment, Name, Strict, Text, rfc3339
from service.web.optional import Metadata, Optional, Unusable
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING, Resource

resource = Resource("customers", "People, named by the merchant's own ids")


class Profile(Strict):
    """What a shop may tell about a customer. What is left out stays, null clears it."""

    first_name = Text(most=LONGEST_FIRST_NAME, allow_none=True)
    email = Email(allow_none=True)
    locale = fields.String(allow_none=True, validate=validate.Regexp(LOCALE))
    since = Moment(allow_none=True)
    metadata = Metadata(allow_none=True)


class ContactIn(Strict):
    """A customer as a checkout names them; a guest has no id. What cannot be used is left out, and fails nothing."""

    makes = Contact

    customer_id = Name(allow_none=True)
    first_name = Optional(Text(most=LONGEST_FIRST_NAME))
    email = Optional(Email())
    locale = Optional(fields.String(validate=validate.Regexp(LOCALE)))

    @post_load
    def make(self, members: dict[str, Any], **_: Any) -> Buyer:
        """The contact or the guest, with what was left out of it and why."""
        unusable = {name: value.message for name, value in members.items() if isinstance(value, Unusable)}
        usable = {name: value for name, value in members.items() if name not in unusable}
        customer_id = usable.pop("customer_id", None)
        if customer_id is None:
            return Guest(**usable, left_out=unusable)
        return Contact(customer_id, **usable, left_out=unusable)


class AdvocateIn(Strict):
    """A customer as the one who shares."""

    makes = Contact

    customer_id = Name(required=True)
    first_name = Text(most=LONGEST_FIRST_NAME, allow_none=True)
    email = Email(allow_none=True)
    locale = fields.String(allow_none=True, validate=validate.Regexp(LOCALE))


def _with_mailbox(email: str | None) -> CustomerFilter:
    return CustomerFilter(fold(email) if email else None)


class CustomerQuery(PeriodQuery):
    """Which customers: those with one mailbox, however it is spelled."""

    makes = staticmethod(_with_mailbox)

    email = Email(load_default=None)


class CustomerOut(Profile):
    """A customer."""

    customer_id = Name(required=True)
    created_at = Moment(required=True)


@resource.writes(
    "PUT", "/customers/<name:customer_id>", CustomerOut, body=Profile, scopes=CHECKOUT, statuses=(200, 201)
)
def put_customer(call: Call, body: ProfileFields, customer_id: str) -> Answer:
    """Create or update a customer"""
    customer, is_new = customers.put(call.session, call.merchant_id, customer_id, body, now=call.now)
    return Answer(render_customer(customer), 201 if is_new else 200)


@resource.reads("/customers", page_of(CustomerOut, "CustomerPage"), scopes=CHECKOUT_AND_MARKETING, query=CustomerQuery)
def list_customers(call: Call, query: Listing[CustomerFilter]) -> Answer:
    """List customers, or find those of a mailbox"""
    rows = storage.page(call.session, call.merchant_id, query.page, query.wanted)
    return page(rows, query.page, render_customer, lambda row: row.owner_id)


@resource.reads("/customers/<name:customer_id>", CustomerOut, scopes=CHECKOUT_AND_MARKETING)
def get_customer(call: Call, customer_id: str) -> Answer:
    """Read a customer"""
    return Answer(render_customer(customers.get(call.session, call.merchant_id, customer_id)))


def render_customer(customer: Customer) -> dict[str, Any]:
    """The customer as the API shows it."""
    return {
        "customer_id": customer.customer_id,
        "first_name": customer.first_name,
        "email": customer.email,
        "locale": customer.locale,
        "since": rfc3339(customer.since),
        "metadata": customer.shop_metadata or {},
        "created_at": rfc3339(customer.created_at),
    }
