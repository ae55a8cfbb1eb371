"""PURE: what states a link may be in."""

from typing import Literal

LinkStatus = Literal["active", "revoked"]
