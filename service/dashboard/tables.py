"""Who is signed in to the dashboard."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from service.database.tables import Base


class DashboardSession(Base):
    """One browser that is signed in, by one key.

    session_hash: SHA-256 of what the browser's cookie holds. seen_at: when it last asked for a page, to the minute.
    """

    __tablename__ = "dashboard_session"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "key_id"], ["api_key.merchant_id", "api_key.key_id"]),)

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    key_id: Mapped[UUID]
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
