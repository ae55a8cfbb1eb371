"""Link domains: a shop's own host for a program's links, once a TXT record or an operator says that it is theirs.

The directory `link_host` names those that were shown to be; nobody else's claim keeps a host from its owner.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, delete, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.tables import Base
from service.database.writing import write_now
from service.errors import ReferralError, Unknown, refuse_faults
from service.links.hosts import HOST, DomainStatus, Owner, fault_of_host
from service.merchants.tables import Merchant
from service.programs import programs

ASKED_FOR = timedelta(days=14)
"""After it was named, a host is asked about for so long."""

ASKED_EVERY = timedelta(minutes=1)
MOST_ASKED = 5
KNOWN_SECONDS = 30.0
MOST_KNOWN = 1_000


class HostTaken(ReferralError):
    """It was shown that this host is somebody else's."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is the link domain of another program.")
        self.host = host


class LinkDomain(Base):
    """The host that one program wants. secret: what its TXT record must say.

    asked_at: when the DNS was asked last. verified_at: when it said so, or an operator.
    """

    __tablename__ = "link_domain"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "program_id"], ["program.merchant_id", "program.program_id"]),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]

    @property
    def status(self) -> DomainStatus:
        """Whether it was shown that the host is the shop's."""
        return "pending" if self.verified_at is None else "verified"


class LinkHost(Base):
    """Whose a host is: a directory, by which a request that names no merchant finds one."""

    __tablename__ = "link_host"

    host: Mapped[str] = mapped_column(String(200), primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id))
    program_id: Mapped[UUID]


def get(session: Session, merchant_id: UUID, program_id: UUID, *, lock: bool = False) -> LinkDomain:
    """The program's link domain. Raises Unknown, for the program too."""
    programs.get(session, merchant_id, program_id)
    found = session.get(LinkDomain, (merchant_id, program_id), with_for_update=lock, populate_existing=lock)
    if found is None:
        raise Unknown("link domain of program", program_id)
    return found


def name(
    session: Session, merchant_id: UUID, program_id: UUID, host: str, *, ours: str | None, now: datetime
) -> LinkDomain:
    """Name the host that a program wants. The same one again changes nothing; another one starts anew.

    Raises Unknown, BadValues, and HostTaken for one that was shown to be another program's.
    """
    refuse_faults({"host": fault_of_host(host, ours=ours)})
    programs.get(session, merchant_id, program_id, lock=True)
    holder = session.get(LinkHost, host)
    if holder is not None and (holder.merchant_id, holder.program_id) != (merchant_id, program_id):
        raise HostTaken(host)
    domain = session.get(LinkDomain, (merchant_id, program_id))
    if domain is not None and domain.host == host:
        return domain
    if domain is not None:
        forget(session, merchant_id, program_id)
    domain = LinkDomain(
        merchant_id=merchant_id,
        program_id=program_id,
        host=host,
        secret=secrets.token_hex(16),
        created_at=now,
        asked_at=None,
        verified_at=None,
    )
    write_now(session, domain)
    return domain


def forget(session: Session, merchant_id: UUID, program_id: UUID) -> None:
    """Let go of a program's link domain: its addresses lead nowhere from then on. Raises Unknown."""
    domain = get(session, merchant_id, program_id, lock=True)
    session.execute(delete(LinkHost).where(LinkHost.merchant_id == merchant_id, LinkHost.program_id == program_id))
    session.delete(domain)
    write_now(session)


def confirm(session: Session, merchant_id: UUID, program_id: UUID, *, now: datetime) -> LinkDomain:
    """Take the host for the shop's, as its record or an operator says. Raises Unknown, and HostTaken."""
    domain = get(session, merchant_id, program_id, lock=True)
    holder = session.get(LinkHost, domain.host)
    if holder is None:
        write_now(session, LinkHost(host=domain.host, merchant_id=merchant_id, program_id=program_id))
    elif (holder.merchant_id, holder.program_id) != (merchant_id, program_id):
        raise HostTaken(domain.host)
    domain.verified_at = domain.verified_at or now
    return domain


def pending(session: Session, *, now: datetime) -> Sequence[LinkDomain]:
    """The next hosts that are to be asked about, of all merchants; noted as asked."""
    is_due = or_(LinkDomain.asked_at.is_(None), LinkDomain.asked_at <= now - ASKED_EVERY)
    query = select(LinkDomain).where(LinkDomain.verified_at.is_(None), LinkDomain.created_at > now - ASKED_FOR, is_due)
    found = session.scalars(query.order_by(LinkDomain.asked_at, LinkDomain.created_at).limit(MOST_ASKED)).all()
    for domain in found:
        domain.asked_at = now
    return found


def bases(session: Session, merchant_id: UUID) -> dict[UUID, str]:
    """program -> the base of its links' addresses, of programs with a host of their own."""
    query = select(LinkDomain.program_id, LinkDomain.host)
    query = query.where(LinkDomain.merchant_id == merchant_id, LinkDomain.verified_at.is_not(None))
    return {program_id: f"https://{host}" for program_id, host in session.execute(query)}


_OWNER = text("SELECT merchant_id, program_id FROM link_host WHERE host = :host").columns(
    LinkHost.merchant_id, LinkHost.program_id
)


class LinkHosts:
    """Whose hosts are, as this process knows for a short while."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, Owner | None]] = {}

    def owner(self, host: str) -> Owner | None:
        """Whose links are followed under this host; None for one that nobody was shown to have.

        While the database is away, what was known last.
        """
        if not HOST.match(host):
            return None
        now = time.monotonic()
        known = self._known.get(host)
        if known is not None and now - known[0] < KNOWN_SECONDS:
            return known[1]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        try:
            with self._database.statements() as connection:
                row = connection.execute(_OWNER, {"host": host}).one_or_none()
        except SQLAlchemyError:
            return known[1] if known else None
        owner = None if row is None else Owner(row.merchant_id, row.program_id)
        self._known[host] = now, owner
        return owner
