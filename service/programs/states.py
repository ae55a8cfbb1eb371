"""PURE: what states a program may be in."""

from typing import Literal

ProgramStatus = Literal["active", "paused", "ended"]
Landing = Literal["redirect", "page"]
