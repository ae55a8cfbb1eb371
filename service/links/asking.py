"""Asking the DNS whose a host is. For the worker and for commands: it waits for others, and what it needs is large."""

import dns.exception
import dns.resolver

from service.links.domains import LinkDomain
from service.links.hosts import record_name, record_value

PATIENCE_SECONDS = 3.0


def is_shown(domain: LinkDomain, resolver: dns.resolver.Resolver) -> bool:
    """Whether the host's TXT record says what it must. Asks the network, so never within a transaction."""
    try:
        records = resolver.resolve(record_name(domain.host), "TXT", lifetime=PATIENCE_SECONDS)
    except (dns.exception.DNSException, OSError):
        return False
    wanted = record_value(domain.secret)
    return any("".join(part.decode("ascii", "replace") for part in record.strings) == wanted for record in records)
