"""What time asks of links: partitions of visits, keys that go with their day, and hosts to be asked about."""

import logging
from datetime import datetime
from functools import partial

import dns.resolver

from service.database.engine import Database
from service.errors import Unknown
from service.links import domains, partitions, visitor_keys
from service.links.asking import is_shown
from service.links.domains import HostTaken

log = logging.getLogger("orchard.links")


def prepare_partitions(database: Database, now: datetime) -> int:
    """Make the partitions of this month and the next ones, where they are missing. Brings nobody up to date: 0."""
    with database.engine.begin() as connection:
        partitions.prepare_partitions(connection, now=now)
    return 0


def ask_for_domains(database: Database, now: datetime) -> int:
    """Ask the DNS about hosts that shops have named, outside of any transaction. Brings nobody up to date: 0."""
    asked = database.write(lambda session: domains.pending(session, now=now))
    for domain in asked:
        if is_shown(domain, dns.resolver.get_default_resolver()):
            confirm = partial(domains.confirm, merchant_id=domain.merchant_id, program_id=domain.program_id, now=now)
            try:
                database.write(confirm)
            except (HostTaken, Unknown) as error:
                log.warning("a link domain is not confirmed: %s", error)
    return 0


def forget_visitor_keys(database: Database, now: datetime) -> int:
    """Throw away the keys of visitors of days that are over. Brings nobody up to date: 0."""
    database.write(lambda session: visitor_keys.forget(session, now=now))
    return 0
