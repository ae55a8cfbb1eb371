"""The `orchard` command line."""

import click

from service.commands import books, brands, conversions, demo, digest, domains, exports, merchants, service, statistics


@click.group()
@click.version_option(package_name="orchard-referrals", message="orchard %(version)s")
def main() -> None:
    """Orchard: signed referral links, conversions between friends, rewards in double-entry books."""


for command in (
    service.db,
    merchants.merchant,
    merchants.key,
    brands.brand,
    domains.link_domain,
    books.ledger,
    statistics.stats,
    exports.export,
    digest.digest,
    service.serve,
    service.worker,
    conversions.replay,
    demo.demo,
    service.openapi,
):
    main.add_command(command)
