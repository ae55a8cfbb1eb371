"""The `orchard` command line."""

import click

from service.commands import books, merchants, running


@click.group()
@click.version_option(package_name="orchard-referrals", message="orchard %(version)s")
def main() -> None:
    """Orchard: signed referral links, conversions between friends, rewards in double-entry books."""


for command in (
    running.db,
    merchants.merchant,
    merchants.key,
    books.ledger,
    running.serve,
    running.worker,
    running.replay,
    running.demo,
    running.openapi,
):
    main.add_command(command)
