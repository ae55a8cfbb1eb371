"""What an app is wired with, for those who serve its requests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol
from uuid import UUID

from flask import current_app

from service.database.engine import Database
from service.settings import Settings
from service.tokens import TokenSigner


class Caller(Protocol):
    """Who calls, as far as an endpoint looks at them."""

    @property
    def merchant_id(self) -> UUID:
        """The tenant to whom everything in the answer belongs."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The settings, the database and the signer of one app.

    authenticate: from an Authorization header, and the scopes that may do what is asked, to who calls.
    time_zone: from a merchant to the zone of its days.
    """

    settings: Settings
    database: Database
    signer: TokenSigner
    authenticate: Callable[[str, frozenset[str]], Caller]
    time_zone: Callable[[UUID], tzinfo]


def wiring() -> Wiring:
    """What the app of this request was wired with."""
    return current_app.extensions["orchard"]  # type: ignore[no-any-return]
