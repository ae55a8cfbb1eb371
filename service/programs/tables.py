"""Programs and the versions of their terms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, String, and_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, newest
from service.database.tables import Base
from service.merchants.tables import Merchant
from service.programs.sites import origins_of
from service.programs.states import Landing, ProgramStatus


class Program(Base):
    """What people see of a program, where its links lead, and which version of its terms is in force."""

    __tablename__ = "program"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'paused', 'ended')", name="status"),
        CheckConstraint("landing IN ('redirect', 'page')", name="landing"),
        CheckConstraint("terms_version >= 1", name="terms_version"),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    destination_url: Mapped[str] = mapped_column(String(2000))
    allowed_hosts: Mapped[list[Any]]
    landing: Mapped[Landing] = mapped_column(String(8))
    status: Mapped[ProgramStatus] = mapped_column(String(8))
    terms_version: Mapped[int]
    created_at: Mapped[datetime]
    shop_metadata: Mapped[dict[str, str] | None]


class ProgramTerms(Base):
    """One version of a program's terms. Never changed: rewards are pinned to it.

    key_id: of the API key by which they were set; None for what a command set.
    """

    __tablename__ = "program_terms"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "program_id"], ["program.merchant_id", "program.program_id"]),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    terms_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    terms: Mapped[dict[str, Any]]
    key_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


def get(session: Session, merchant_id: UUID, program_id: UUID, *, lock: bool = False) -> Program | None:
    """The merchant's program, or None."""
    return session.get(Program, (merchant_id, program_id), with_for_update=lock, populate_existing=lock)


def ids(session: Session, merchant_id: UUID) -> Sequence[UUID]:
    """All programs of the merchant."""
    return session.scalars(select(Program.program_id).where(Program.merchant_id == merchant_id)).all()


def origins(session: Session, merchant_id: UUID) -> set[str]:
    """The sites of all of the merchant's programs that have not ended."""
    query = select(Program.destination_url, Program.allowed_hosts)
    rows = session.execute(query.where(Program.merchant_id == merchant_id, Program.status != "ended"))
    return {origin for row in rows for origin in origins_of(row.destination_url, row.allowed_hosts)}


def terms(session: Session, merchant_id: UUID, program_id: UUID, version: int) -> ProgramTerms:
    """One version of the terms, which exists."""
    return session.get_one(ProgramTerms, (merchant_id, program_id, version))


def versions(session: Session, merchant_id: UUID, program_id: UUID) -> Sequence[ProgramTerms]:
    """All versions of the terms, newest first."""
    query = select(ProgramTerms).where(ProgramTerms.merchant_id == merchant_id, ProgramTerms.program_id == program_id)
    return session.scalars(query.order_by(ProgramTerms.terms_version.desc())).all()


def page(session: Session, merchant_id: UUID, which: Page) -> Sequence[tuple[Program, ProgramTerms]]:
    """The merchant's programs with their terms in force, newest first."""
    in_force = and_(
        ProgramTerms.merchant_id == Program.merchant_id,
        ProgramTerms.program_id == Program.program_id,
        ProgramTerms.terms_version == Program.terms_version,
    )
    query = select(Program, ProgramTerms).join(ProgramTerms, in_force).where(Program.merchant_id == merchant_id)
    return session.execute(newest(query, Program.program_id, which, at=Program.created_at)).tuples().all()
