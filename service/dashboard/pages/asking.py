"""What a page is asked to show, by its address, and how it asks the statistics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app, request
from sqlalchemy import select

from service.dashboard.filters import DAY, Filters
from service.database.lists import Page
from service.formats import Formats
from service.merchants import tables as merchants
from service.programs import programs as catalogue
from service.programs import tables as programs
from service.programs.tables import Program
from service.web.call import Call
from service.web.pages import formats

Numbers = Callable[[Call, str, Mapping[str, str]], dict[str, Any]]
"""numbers(call, question, arguments): what the API answers to that question under /v1/stats."""

MOST_PROGRAMS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked to show, within one look at the database. currency: the merchant's own."""

    call: Call
    filters: Filters
    today: date
    formats: Formats
    zone: ZoneInfo
    currency: str

    def numbers(self, question: str, **more: str) -> dict[str, Any]:
        """What the statistics answer of these days."""
        return self.numbers_of(self.filters.question, question, **more)

    def numbers_of_ever(self, question: str, **more: str) -> dict[str, Any]:
        """The same of all days, or of those that `more` names."""
        named = {name: said for name, said in self.filters.question.items() if name not in ("from", "to")}
        return self.numbers_of(named, question, **more)

    def numbers_of(self, asked: Mapping[str, str], question: str, **more: str) -> dict[str, Any]:
        """What the statistics answer of what is asked."""
        ask: Numbers = current_app.extensions["orchard-numbers"]
        return ask(self.call, question, {**asked, **more})

    @property
    def has_days(self) -> bool:
        """Whether the address names days."""
        return bool(request.args.get("from") or request.args.get("through"))

    def programs(self) -> dict[str, str]:
        """The newest programs' names by their ids, and that of the one which is asked for."""
        rows = programs.page(self.call.session, self.call.merchant_id, Page(MOST_PROGRAMS))
        asked_for = {self.filters.program_id} if self.filters.program_id else set[str]()
        return {str(program.program_id): program.name for program, _ in rows} | self.names_of(asked_for)

    def names_of(self, program_ids: Iterable[str]) -> dict[str, str]:
        """These programs' names by their ids."""
        known = {UUID(name): name for name in program_ids}
        if not known:
            return {}
        query = select(Program.program_id, Program.name).where(Program.merchant_id == self.call.merchant_id)
        found = self.call.session.execute(query.where(Program.program_id.in_(list(known))))
        return {str(program_id): name for program_id, name in found}

    def program_id(self) -> UUID | None:
        """The program, which is the merchant's; None for any. Raises Unknown."""
        if self.filters.program_id is None:
            return None
        program_id = UUID(self.filters.program_id)
        catalogue.get(self.call.session, self.call.merchant_id, program_id)
        return program_id

    def moments(self) -> tuple[datetime, datetime]:
        """When the first day begins, and when the last one ends."""
        first, end = self.filters.first, self.filters.last + DAY
        return datetime.combine(first, time(), self.zone), datetime.combine(end, time(), self.zone)


def asked(call: Call) -> Asked:
    """What the address of this request asks for. Raises InvalidValues."""
    merchant = call.once(merchants.get)
    zone = ZoneInfo(merchant.time_zone)
    today = call.now.astimezone(zone).date()
    return Asked(call, Filters.of(request.args, today=today), today, formats(), zone, merchant.currency)


def zone_of(call: Call) -> ZoneInfo:
    """The zone of the merchant's days, in which moments are shown."""
    return ZoneInfo(call.once(merchants.get).time_zone)
