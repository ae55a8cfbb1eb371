"""Every table that there is, for Alembic."""

from importlib import import_module
from pkgutil import walk_packages

import service
from service.database.tables import Base
from service.ledger.books import metadata as of_ledger

for module in walk_packages(service.__path__, "service."):
    if "tables" in module.name.split("."):
        import_module(module.name)
import_module("service.customers.known_mailboxes")
import_module("service.links.crowds")
import_module("service.links.domains")
import_module("service.links.visitor_keys")
import_module("service.links.visits")
import_module("service.merchants.retention")
import_module("service.web.answers")

ALL = [Base.metadata, of_ledger]
