"""The `orchard` command line."""

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "db": "service.db",
    "customers": "customers.customers",
    "migrate": "customers.migrate",
    "merchant": "merchants.merchant",
    "key": "merchants.key",
    "brand": "brands.brand",
    "link-domain": "domains.link_domain",
    "ledger": "books.ledger",
    "stats": "statistics.stats",
    "export": "exports.export",
    "digest": "digest.digest",
    "serve": "service.serve",
    "worker": "service.worker",
    "health": "health.health",
    "replay": "conversions.replay",
    "demo": "demo.demo",
    "openapi": "service.openapi",
}
"""command -> the file in this folder, and its name there."""


class Commands(click.Group):
    """Commands that are imported when one of them is asked for: most need a small part of the house."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        file, name = COMMANDS[cmd_name].split(".")
        command: click.Command = getattr(import_module(f"service.commands.{file}"), name)
        return command


@click.group(cls=Commands)
@click.version_option(package_name="orchard-referrals", message="orchard %(version)s")
def main() -> None:
    """Orchard: signed referral links, conversions between friends, rewards in double-entry books."""
