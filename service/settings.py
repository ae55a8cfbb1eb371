"""Settings from the environment: read once, frozen, and refused all at once when they are wrong."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "ORCHARD_"
NAMES = tuple(
    PREFIX + name for name in ("DATABASE_URL", "SECRET_KEYS", "BASE_URL", "ENV", "LOG_FORMAT", "TRUSTED_PROXIES")
)
SERVICE_LINK = re.compile(r"ORCHARD_(SERVICE_(HOST|PORT)|PORT)(_\w+)?")
"""What Kubernetes puts into the environment of every container beside a service that is called orchard."""

STATE = Path("var")
SHORTEST_SECRET = 32
LOCAL_BASE_URL = "http://localhost:8000"


class BadSettings(Exception):
    """The environment holds settings that cannot be used. The message is one line that lists every fault."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service is told from outside.

    database_url: as SQLAlchemy takes it; `postgres://` and `postgresql://` mean psycopg 3.
    secret_keys: signing keys, oldest first; the last one signs, all of them verify.
    base_url: the public base of links, without a trailing slash.
    trusted_proxies: how many reverse proxies in front of us set X-Forwarded-For.
    """

    database_url: str
    secret_keys: tuple[str, ...]
    base_url: str
    environment: str
    log_format: str
    trusted_proxies: int

    @property
    def is_production(self) -> bool:
        """Whether real customers are at the other end."""
        return self.environment == "production"


def _database_url(url: str) -> str:
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValidationError("must start with sqlite:///, postgres:// or postgresql://")
    if url == "sqlite:///":
        raise ValidationError("must name a file, such as sqlite:///var/orchard.db: in memory nothing would be kept")
    return url


def _readable_database_url(url: str) -> None:
    try:
        make_url(_database_url(url))
    except (ArgumentError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise
        raise ValidationError("is not a URL of a database") from None  # what it is stays unsaid: it holds a password


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    host, _ = parts.hostname, parts.port  # reading a port that is none raises ValueError
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
        raise ValidationError("must be an http or https URL")
    if parts.query or parts.fragment or parts.username:
        raise ValidationError("must not carry a query, a fragment or credentials")
    return url.rstrip("/")


def _long_enough(keys: list[str]) -> None:
    if any(len(key) < SHORTEST_SECRET for key in keys):
        raise ValidationError(f"each key needs at least {SHORTEST_SECRET} characters")


def _local_secret() -> str:
    """The generated key of this machine, made on first use and kept in `var/`.

    Written whole under another name first, so that nobody ever reads a part of it.
    """
    path = STATE / "secret-key"
    STATE.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=STATE)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    key = path.read_text().strip()
    if len(key) < SHORTEST_SECRET:
        raise BadSettings(f"Bad settings: {path} is too short to be a key; remove it to have a new one made")
    return key


def load() -> Settings:
    """Read the settings from the environment.

    Raises BadSettings, naming every fault at once.
    """
    env = Env(eager=False, prefix=PREFIX)
    environment = env.str("ENV", "local", validate=_one_of("local", "production"))
    database_url = env.str("DATABASE_URL", "sqlite:///var/orchard.db")
    secret_keys: list[str] = env.list("SECRET_KEYS", [], validate=_long_enough) or []
    base_url = env.str("BASE_URL", LOCAL_BASE_URL)
    log_format = env.str("LOG_FORMAT", "json", validate=_one_of("json", "text"))
    trusted_proxies = env.int("TRUSTED_PROXIES", 0, validate=_between(0, 10))
    faults = [*_unknown(), *_collect(env)]
    for name, check, value in (
        ("ORCHARD_DATABASE_URL", _readable_database_url, database_url),
        ("ORCHARD_BASE_URL", _base_url, base_url),
    ):
        try:
            check(str(value))
        except (ValidationError, ValueError) as error:
            faults.append(f"{name}: {error}")
    if environment == "production" and not os.environ.get("ORCHARD_DATABASE_URL"):
        faults.append("ORCHARD_DATABASE_URL: required in production")
    if environment == "production" and not secret_keys:
        faults.append("ORCHARD_SECRET_KEYS: required in production")
    if environment == "production" and not str(base_url).startswith("https://"):
        faults.append("ORCHARD_BASE_URL: must be https in production")
    if faults:
        raise BadSettings("Bad settings: " + "; ".join(faults))
    return Settings(
        database_url=_database_url(str(database_url)),
        secret_keys=tuple(secret_keys or [_local_secret()]),
        base_url=_base_url(str(base_url)),
        environment=str(environment),
        log_format=str(log_format),
        trusted_proxies=int(trusted_proxies or 0),
    )


def _unknown() -> list[str]:
    """Names that begin as ours do and are none: a misspelt setting must not be a default unseen."""
    faults = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in NAMES and not SERVICE_LINK.fullmatch(name):
            near = get_close_matches(name, NAMES, 1)
            faults.append(f"{name}: there is no such setting" + (f", did you mean {near[0]}?" if near else ""))
    return faults


def _collect(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        faults: Any = error.error_messages
        return [f"{name}: {' '.join(messages)}" for name, messages in faults.items()]
    return []


def _one_of(*allowed: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in allowed:
            raise ValidationError(f"must be one of {', '.join(allowed)}")

    return check


def _between(least: int, most: int) -> Callable[[int], None]:
    def check(value: int) -> None:
        if not least <= value <= most:
            raise ValidationError(f"must be between {least} and {most}")

    return check
