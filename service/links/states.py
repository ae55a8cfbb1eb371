"""PURE: what states a link may be in, and what a friend who follows it would meet."""

from datetime import datetime
from typing import Literal

from service.programs.states import ProgramStatus

LinkStatus = Literal["active", "revoked"]
"""What its owner says of a link."""

LinkState = Literal["active", "paused", "revoked", "expired", "ended"]
"""What a friend would meet now."""


def state_of(
    status: LinkStatus, program_status: ProgramStatus, expires_at: datetime | None, *, now: datetime
) -> LinkState:
    """What a friend who follows the link now would meet."""
    if status == "revoked":
        return "revoked"
    if program_status == "ended":
        return "ended"
    if expires_at is not None and expires_at <= now:
        return "expired"
    return program_status
