"""/v1/brand and /v1/programs/{program_id}/brand"""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from service.brands import brands
from service.brands.brands import LONGEST_BRAND_NAME, BrandFields
from service.brands.colours import HEX
from service.brands.looks import LONGEST_BUTTON, LONGEST_WELCOME, logo_path
from service.brands.tables import Brand
from service.languages import KNOWN
from service.web.call import Call
from service.web.fields import Destination, Strict, Text
from service.web.rendering import Answer
from service.web.resource import ADMIN, Resource

LARGEST_ENCODED = 300_000
resource = Resource("brands", "How a shop's pages look, and those of a program where they differ")


class WordsIn(Strict):
    """A shop's own words in one language."""

    welcome = Text(most=LONGEST_WELCOME)
    button = Text(most=LONGEST_BUTTON)


class BrandSaid(Strict):
    """What is said of a brand."""

    name = Text(most=LONGEST_BRAND_NAME, allow_none=True)
    accent = fields.String(allow_none=True, validate=validate.Regexp(HEX, error="It is # and six hexadecimal digits."))
    imprint_url = Destination(allow_none=True)
    privacy_url = Destination(allow_none=True)
    terms_url = Destination(allow_none=True)
    texts = fields.Dict(keys=fields.String(validate=validate.OneOf(KNOWN)), values=fields.Nested(WordsIn))


class BrandChange(BrandSaid):
    """What can be changed of a brand; null clears, and an empty text of a language takes it away."""

    logo = fields.String(allow_none=True, validate=validate.Length(max=LARGEST_ENCODED))


class BrandOut(BrandSaid):
    """A brand. What is null is as the shop's brand has it, and else as every page has it."""

    logo_url = fields.String(required=True, allow_none=True)


@resource.reads("/brand", BrandOut, scopes=ADMIN)
def get_brand(call: Call) -> Answer:
    """Read how the shop's pages look"""
    return Answer(_render(call, brands.get(call.session, call.merchant_id, None)))


@resource.writes("PATCH", "/brand", BrandOut, body=BrandChange, scopes=ADMIN)
def change_brand(call: Call, body: BrandFields) -> Answer:
    """Change how the shop's pages look"""
    return Answer(_render(call, brands.change(call.session, call.merchant_id, None, body, now=call.now)))


@resource.reads("/programs/<uuid:program_id>/brand", BrandOut, scopes=ADMIN)
def get_program_brand(call: Call, program_id: UUID) -> Answer:
    """Read how a program's pages look where they differ from the shop's"""
    return Answer(_render(call, brands.get(call.session, call.merchant_id, program_id)))


@resource.writes("PATCH", "/programs/<uuid:program_id>/brand", BrandOut, body=BrandChange, scopes=ADMIN)
def change_program_brand(call: Call, body: BrandFields, program_id: UUID) -> Answer:
    """Change how a program's pages look"""
    return Answer(_render(call, brands.change(call.session, call.merchant_id, program_id, body, now=call.now)))


def _render(call: Call, brand: Brand | None) -> dict[str, Any]:
    said = brand.said if brand else {}
    path = logo_path(call.merchant_id, brand.logo_digest) if brand else None
    names = ("name", "accent", "imprint_url", "privacy_url", "terms_url")
    return {
        **{name: said.get(name) for name in names},
        "texts": said.get("texts", {}),
        "logo_url": path and f"{call.wiring.settings.base_url}{path}",
    }
