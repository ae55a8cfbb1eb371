"""/v1/programs"""

from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates_schema

from service.database.lists import Page
from service.ledger.rewards import Given
from service.programs import programs
from service.programs import tables as storage
from service.programs.programs import ProgramFields
from service.programs.soundness import warnings
from service.programs.states import Landing, ProgramStatus
from service.programs.tables import Program, ProgramTerms
from service.programs.terms import REWARD_FIELDS, complete
from service.web.call import Call
from service.web.fields import (
    Currency,
    CurrencyCode,
    Destination,
    Few,
    Flag,
    Minor,
    Moment,
    Strict,
    Text,
    Whole,
    rfc3339,
)
from service.web.optional import Metadata, WarningOut, warned
from service.web.pagination import PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import ADMIN, Resource

LONGEST_DAYS = 3650
MOST_CURRENCIES = 20
resource = Resource("programs", "Sets of terms, versioned, under which referrals are rewarded")


class Reward(Strict):
    """What one side earns: `{"type": "fixed", "amount": 1000}` or `{"type": "percent", "rate": "10.00"}`."""

    type = fields.String(required=True, validate=validate.OneOf(list(REWARD_FIELDS)))
    amount = Minor(least=1)
    rate = fields.String(
        validate=validate.Regexp(r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)\Z"), metadata={"example": "10.00"}
    )
    max_amount = Minor(least=1, allow_none=True)
    given_as = fields.String(
        data_key="as", attribute="as", load_default="credit", validate=validate.OneOf(get_args(Given))
    )

    @validates_schema
    def fit_together(self, reward: dict[str, Any], **_: Any) -> None:
        """A fixed reward has an amount, a percent one a rate above 0 and perhaps a maximum."""
        fitting = REWARD_FIELDS[reward["type"]]
        for name in sorted(reward.keys() | fitting.needed):
            if name in fitting.needed and reward.get(name) is None:
                raise ValidationError(f"A {reward['type']} reward needs it.", name)
            if name not in fitting.all and reward[name] is not None:
                raise ValidationError(f"A {reward['type']} reward has none.", name)
        for name in fitting.optional:
            reward.setdefault(name, None)
        if "rate" in reward and not Decimal(reward["rate"]):
            raise ValidationError("It must be above 0.", "rate")


class Tier(Strict):
    """A better reward from the advocate's n-th rewarded referral on."""

    from_referral = Whole(least=1, required=True)
    advocate_reward = fields.Nested(Reward, required=True)


class InCurrency(Strict):
    """The same program in another currency: what is said in it, in its minor units."""

    advocate_reward = fields.Nested(Reward, allow_none=True, load_default=None)
    friend_reward = fields.Nested(Reward, allow_none=True, load_default=None)
    tiers = Few(fields.Nested(Tier), most=20, load_default=list)
    minimum_order_amount = Minor(least=0, load_default=0)


class ProgramChange(Strict):
    """What can be changed of a program. Terms that differ become a new version."""

    name = Text(most=120)
    currency: CurrencyCode = Currency()
    other_currencies = fields.Dict(
        keys=Currency(), values=fields.Nested(InCurrency), validate=validate.Length(max=MOST_CURRENCIES)
    )
    destination_url = Destination()
    allowed_hosts = Few(fields.String(validate=validate.Regexp(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")), most=50)
    advocate_reward = fields.Nested(Reward, allow_none=True)
    friend_reward = fields.Nested(Reward, allow_none=True)
    tiers = Few(fields.Nested(Tier), most=20)
    minimum_order_amount = Minor(least=0)
    attribution_window_days = Whole(least=1, most=LONGEST_DAYS)
    hold_days = Whole(least=0, most=LONGEST_DAYS)
    new_customers_only = Flag()
    rewarded_orders = Whole(least=1, allow_none=True)
    max_rewards_per_advocate = Whole(least=1, allow_none=True)
    reward_expiry_days = Whole(least=1, most=LONGEST_DAYS, allow_none=True)
    landing = fields.String(validate=validate.OneOf(get_args(Landing)))
    status = fields.String(validate=validate.OneOf(get_args(ProgramStatus)))
    metadata = Metadata(allow_none=True)


class NewProgram(ProgramChange):
    """A program as a merchant asks for it."""

    name = Text(most=120, required=True)
    currency: CurrencyCode = Currency(required=True)
    destination_url = Destination(required=True)


class ProgramOut(NewProgram):
    """A program with the terms in force."""

    program_id = fields.UUID(required=True)
    currency = CurrencyCode(required=True)
    other_currencies = fields.Dict(keys=CurrencyCode(), values=fields.Nested(InCurrency), required=True)
    terms_version = Whole(least=1, required=True)
    warnings = fields.List(fields.Nested(WarningOut), required=True)
    created_at = Moment(required=True)


class Version(Strict):
    """One version of a program's terms. `key_id` is that of the API key by which it was set, null for a command's."""

    terms_version = Whole(least=1, required=True)
    terms = fields.Dict(required=True)
    key_id = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)


class Versions(Strict):
    """All versions of a program's terms, newest first."""

    data = fields.List(fields.Nested(Version), required=True)


@resource.writes("POST", "/programs", ProgramOut, body=NewProgram, scopes=ADMIN, statuses=(201,))
def create_program(call: Call, body: ProgramFields) -> Answer:
    """Create a program"""
    program, terms = programs.create(call.session, call.merchant_id, body, key_id=call.key_id, now=call.now)
    return Answer(_render(program, terms), 201)


@resource.reads("/programs", page_of(ProgramOut, "ProgramPage"), scopes=ADMIN, query=PeriodQuery)
def list_programs(call: Call, query: Page) -> Answer:
    """List programs"""
    rows = storage.page(call.session, call.merchant_id, query)
    return page(rows, query, lambda row: _render(*row), lambda row: row[0].program_id)


@resource.reads("/programs/<uuid:program_id>", ProgramOut, scopes=ADMIN)
def get_program(call: Call, program_id: UUID) -> Answer:
    """Read a program"""
    return Answer(_render(*programs.get(call.session, call.merchant_id, program_id)))


@resource.writes("PATCH", "/programs/<uuid:program_id>", ProgramOut, body=ProgramChange, scopes=ADMIN)
def change_program(call: Call, body: ProgramFields, program_id: UUID) -> Answer:
    """Change a program"""
    by = call.key_id
    return Answer(_render(*programs.change(call.session, call.merchant_id, program_id, body, key_id=by, now=call.now)))


@resource.reads("/programs/<uuid:program_id>/versions", Versions, scopes=ADMIN)
def list_program_versions(call: Call, program_id: UUID) -> Answer:
    """List the versions of a program's terms"""
    programs.get(call.session, call.merchant_id, program_id)
    versions = storage.versions(call.session, call.merchant_id, program_id)
    return Answer({"data": [_render_version(version) for version in versions]})


def describe_rewards(schemas: dict[str, Any]) -> None:
    """Say in the contract that a reward is fixed or a percentage, each with its own fields alone."""
    reward = schemas["Reward"]
    kinds = []
    for kind, fitting in REWARD_FIELDS.items():
        names = [*fitting.needed, *fitting.optional, "as"]
        properties = {"type": {"type": "string", "enum": [kind]}} | {name: reward["properties"][name] for name in names}
        kinds.append(
            {
                "type": "object",
                "required": ["type", *fitting.needed],
                "properties": properties,
                "additionalProperties": False,
            }
        )
    schemas["Reward"] = {
        "description": "What one side earns: a fixed amount in minor units, or a percentage",
        "oneOf": kinds,
    }


def _render(program: Program, version: ProgramTerms) -> dict[str, Any]:
    return {
        "program_id": str(program.program_id),
        "name": program.name,
        "destination_url": program.destination_url,
        "allowed_hosts": program.allowed_hosts,
        "landing": program.landing,
        "status": program.status,
        "metadata": program.shop_metadata or {},
        "terms_version": version.terms_version,
        **complete(version.terms),
        "warnings": warned("doubtful", warnings(complete(version.terms))),
        "created_at": rfc3339(program.created_at),
    }


def _render_version(version: ProgramTerms) -> dict[str, Any]:
    return {
        "terms_version": version.terms_version,
        "terms": complete(version.terms),
        "key_id": str(version.key_id) if version.key_id else None,
        "created_at": rfc3339(version.created_at),
    }
