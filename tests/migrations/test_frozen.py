"""Migrations that have landed are what they were: databases exist that went through them."""

import hashlib
from pathlib import Path

from service.migrations.schema import MIGRATIONS

FROZEN = Path(__file__).parent / "frozen.sha256"
"""As `sha256sum` writes it, so that who adds one runs that in `service/migrations/versions`."""


def test_no_migration_that_has_landed_was_changed() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (MIGRATIONS / "versions").glob("0*.py")
    }
    landed = {name: digest for digest, name in map(str.split, FROZEN.read_text().splitlines())}
    assert {name: found.get(name) for name in landed} == landed
    assert all(name > max(landed) for name in found.keys() - landed.keys())
