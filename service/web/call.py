"""One request, as the views see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.web.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request inside its transaction."""

    session: Session
    merchant_id: UUID
    now: datetime
    wiring: Wiring
