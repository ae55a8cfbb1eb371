"""Programs: sets of terms, versioned, under which referrals are rewarded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from service.database.writing import write_now
from service.errors import Unknown, refuse_faults
from service.ids import new_id
from service.merchants import currencies as merchant_currencies
from service.programs import tables as storage
from service.programs.soundness import refuse_amounts_of_another_currency, refuse_contradictions
from service.programs.states import Landing, ProgramStatus
from service.programs.tables import Program, ProgramTerms
from service.programs.terms import (
    DEFAULTS,
    TERMS_FIELDS,
    CurrencyDocument,
    RewardDocument,
    TierDocument,
    complete,
)

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class ProgramFields(TypedDict, total=False):
    """What a merchant says of a program, as the contract has it: a field that is missing is not said."""

    name: str
    currency: str
    other_currencies: dict[str, CurrencyDocument]
    destination_url: str
    allowed_hosts: list[str]
    advocate_reward: RewardDocument | None
    friend_reward: RewardDocument | None
    tiers: list[TierDocument]
    minimum_order_amount: int
    attribution_window_days: int
    hold_days: int
    new_customers_only: bool
    rewarded_orders: int | None
    max_rewards_per_advocate: int | None
    reward_expiry_days: int | None
    landing: Landing
    status: ProgramStatus
    metadata: dict[str, str] | None


def create(
    session: Session, merchant_id: UUID, fields: ProgramFields, *, key_id: UUID | None = None, now: datetime
) -> tuple[Program, ProgramTerms]:
    """A new program with the first version of its terms. fields: the contract's, defaults left out.

    key_id: of the API key by which somebody does so; None where a command does.
    Raises BadValues for terms that contradict each other and for a destination that links may not lead to.
    """
    terms = {name: fields.get(name, DEFAULTS.get(name)) for name in TERMS_FIELDS}
    refuse_contradictions(terms)
    refuse_bad_destination(fields["destination_url"])
    program = Program(
        merchant_id=merchant_id,
        program_id=new_id(),
        name=fields["name"],
        destination_url=fields["destination_url"],
        allowed_hosts=fields.get("allowed_hosts", []),
        landing=fields.get("landing", "redirect"),
        status=fields.get("status", "active"),
        terms_version=1,
        created_at=now,
        shop_metadata=fields.get("metadata"),
    )
    write_now(session, program)
    return program, _add_version(session, program, terms, key_id=key_id, now=now)


def get(session: Session, merchant_id: UUID, program_id: UUID, *, lock: bool = False) -> tuple[Program, ProgramTerms]:
    """The merchant's program with the terms in force. Raises Unknown."""
    program = storage.get(session, merchant_id, program_id, lock=lock)
    if program is None:
        raise Unknown("program", program_id)
    return program, storage.terms(session, merchant_id, program_id, program.terms_version)


def change(
    session: Session,
    merchant_id: UUID,
    program_id: UUID,
    fields: ProgramFields,
    *,
    key_id: UUID | None = None,
    now: datetime,
) -> tuple[Program, ProgramTerms]:
    """Change a program. Terms that differ become a new version; rewards keep the one that earned them.

    key_id: as in `create`.
    Raises Unknown and, changing nothing, BadValues as `create` does.
    """
    program, in_force = get(session, merchant_id, program_id, lock=True)
    before = complete(in_force.terms)
    terms = {**before, **{name: value for name, value in fields.items() if name in TERMS_FIELDS}}
    refuse_amounts_of_another_currency(before, fields)
    refuse_contradictions(terms)
    if "destination_url" in fields:
        refuse_bad_destination(fields["destination_url"])
    for name in ("name", "destination_url", "allowed_hosts", "landing", "status"):
        if name in fields:
            setattr(program, name, fields[name])
    if "metadata" in fields:
        program.shop_metadata = fields["metadata"]
    if terms != before:
        program.terms_version += 1
        in_force = _add_version(session, program, terms, key_id=key_id, now=now)
    return program, in_force


def refuse_bad_destination(url: str, *, allowed_hosts: frozenset[str] | None = None) -> None:
    """Raise BadValues unless friends may be sent to this URL.

    allowed_hosts: the only hosts that it may name, or None for any.
    """
    refuse_faults({"destination_url": fault_of_destination(url, allowed_hosts=allowed_hosts)})


def hosts_of(destination_url: str, allowed_hosts: Sequence[str]) -> frozenset[str]:
    """The hosts that a link of a program may lead to that has this destination and allows these hosts."""
    own = urlsplit(destination_url).hostname
    return frozenset({*allowed_hosts, *([own] if own else [])})


def fault_of_destination(url: str, *, allowed_hosts: frozenset[str] | None = None) -> str | None:
    """For an address that people may be sent to. allowed_hosts: the only hosts that it may name, or None for any."""
    if any(character <= " " or character in '\x7f\\"<>' for character in url):
        return "It must not hold blanks, quotation marks, brackets, backslashes or control characters."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "It is not a URL."
    if parts.username is not None or parts.password is not None:
        return "It must not carry credentials."
    if not host or parts.scheme not in ("https", "http"):
        return "It must be an https URL."
    if parts.scheme == "http" and host not in LOCAL_HOSTS:
        return "It must be https; http is for localhost alone."
    if allowed_hosts is not None and host not in allowed_hosts:
        return "Its host is neither the program's own nor among its allowed_hosts."
    return None


def _add_version(
    session: Session, program: Program, terms: dict[str, Any], *, key_id: UUID | None, now: datetime
) -> ProgramTerms:
    version = ProgramTerms(
        merchant_id=program.merchant_id,
        program_id=program.program_id,
        terms_version=program.terms_version,
        terms=terms,
        key_id=key_id,
        created_at=now,
    )
    session.add(version)
    merchant_currencies.keep(session, program.merchant_id, [terms["currency"], *terms["other_currencies"]])
    return version
