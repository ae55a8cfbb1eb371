"""`orchard link-domain`."""

from datetime import UTC, datetime
from uuid import UUID

import click
import dns.resolver

from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.database.engine import Database
from service.links import domains
from service.links.asking import is_shown
from service.links.hosts import record_name, record_value


@click.group("link-domain")
def link_domain() -> None:
    """Hosts of shops' own, under which links are followed."""


@link_domain.command("verify")
@click.option("--program", "program_id", type=click.UUID, required=True, help="Whose link domain.")
@click.option("--take-my-word", is_flag=True, help="Do not ask the DNS: the host is the shop's.")
@of_merchant
@with_database
def verify(database: Database, program_id: UUID, merchant_id: UUID | None, take_my_word: bool) -> None:
    """Ask the DNS whether a program's link domain is the shop's, as the worker does by itself."""
    with database.reading() as session:
        one = only_merchant(session, merchant_id)
        domain = domains.get(session, one, program_id)
    if not take_my_word and not is_shown(domain, dns.resolver.get_default_resolver()):
        wanted = f"{record_name(domain.host)} TXT {record_value(domain.secret)}"
        raise Fault(f"The DNS does not say (yet): {wanted}")
    database.write(lambda session: domains.confirm(session, one, program_id, now=datetime.now(UTC)))
    click.echo(f"{domain.host} is the shop's.")


@link_domain.command("remove")
@click.option("--program", "program_id", type=click.UUID, required=True, help="Whose link domain.")
@of_merchant
@with_database
def remove(database: Database, program_id: UUID, merchant_id: UUID | None) -> None:
    """Let go of a program's link domain: its addresses lead nowhere from then on, and those of the service go on."""
    database.write(lambda session: domains.forget(session, only_merchant(session, merchant_id), program_id))
    click.echo("Removed.")
