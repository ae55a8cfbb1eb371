"""Every table that there is, for Alembic."""

from service.ledger.books import metadata as of_ledger
from service.storage import (  # noqa: F401  (loading them fills Base.metadata)
    adjustments,
    conversions,
    customers,
    idempotency,
    links,
    merchants,
    programs,
    redemptions,
    refunds,
    rewards,
    totals,
    visits,
)
from service.storage.base import Base

ALL = [Base.metadata, of_ledger]
