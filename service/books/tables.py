"""The chain over what the business keeps besides the books: orders and redemptions, each as it stood."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.database.tables import Base
from service.merchants.tables import Merchant

RecordNoun = Literal["conversion", "redemption"]


class RecordBlock(Base):
    """A sealed stretch of records. hash: of its digests, and of all blocks before."""

    __tablename__ = "record_block"
    __table_args__ = (CheckConstraint("number > 0", name="number"),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_at: Mapped[datetime]


class RecordSeal(Base):
    """What a record was when a block was sealed. A record that changes is sealed anew; the newest seal counts.

    version: which of its fields the digest is of, as `digests` knows them.
    """

    __tablename__ = "record_seal"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "block"], ["record_block.merchant_id", "record_block.number"]),
        CheckConstraint("noun IN ('conversion', 'redemption')", name="noun"),
        Index(None, "merchant_id", "block"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    noun: Mapped[RecordNoun] = mapped_column(String(10))
    version: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
