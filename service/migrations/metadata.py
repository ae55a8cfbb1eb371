"""Every table that there is, for Alembic."""

from service.database.tables import Base
from service.ledger.books import metadata as of_ledger

ALL = [Base.metadata, of_ledger]
