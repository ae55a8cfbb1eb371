"""One request, as the views see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy.orm import Session

from service.web.wiring import Wiring

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request inside its transaction. key_id: of the API key that it came with, if one did."""

    session: Session
    merchant_id: UUID
    now: datetime
    wiring: Wiring
    key_id: UUID | None = None
    _found: dict[Any, object] = field(default_factory=dict, repr=False, compare=False)

    def once(self, find: Callable[[Session, UUID], Found]) -> Found:
        """What find(session, merchant) says, asked once within this look; for what nothing in it changes."""
        if find not in self._found:
            self._found[find] = find(self.session, self.merchant_id)
        return cast(Found, self._found[find])
