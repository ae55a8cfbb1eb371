"""Programs: what they say in plain words, how their terms changed, and for an admin: pausing and ending them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from flask import Response, request

from service.dashboard import terms, words
from service.dashboard.pages.asking import MOST_PROGRAMS, zone_of
from service.dashboard.pages.frame import blueprint, looking, shown, writing
from service.dashboard.terms import Difference
from service.database.lists import Page
from service.programs import programs
from service.programs import tables as storage
from service.programs.tables import ProgramTerms
from service.programs.terms import complete
from service.web.errors import InvalidValues
from service.web.pages import formats, redirect


@blueprint.get("/programs")
def list_programs() -> Response:
    """Every program, newest first."""
    with looking() as call:
        rows = storage.page(call.session, call.merchant_id, Page(MOST_PROGRAMS))
        told = [(program, terms.in_words(version.terms, formats())[:2]) for program, version in rows]
        return shown("programs.html", programs=told, meaning=terms.MEANING, states=words.PROGRAMS)


@blueprint.get("/programs/<uuid:program_id>")
def show_program(program_id: UUID) -> Response:
    """One program: its terms, and what each version of them changed."""
    with looking() as call:
        program, in_force = programs.get(call.session, call.merchant_id, program_id)
        versions = storage.versions(call.session, call.merchant_id, program_id)
        return shown(
            "program.html",
            program=program,
            zone=zone_of(call),
            said=terms.in_words(in_force.terms, formats()),
            doubts=terms.doubts(complete(in_force.terms), formats()),
            history=_history(versions),
            meaning=terms.MEANING,
            states=words.PROGRAMS,
            steps=[(to, name) for status, to, name in terms.STATES if status == program.status],
        )


def _history(versions: Sequence[ProgramTerms]) -> list[tuple[ProgramTerms, list[Difference]]]:
    """(version, what it changed of the one before it), the latest first; the first one changed nothing."""
    rows = sorted(versions, key=lambda version: version.terms_version)
    changed = [(later, terms.differences(earlier.terms, later.terms, formats())) for earlier, later in pairwise(rows)]
    return [*changed[::-1], *[(first, []) for first in rows[:1]]]


@blueprint.post("/programs/<uuid:program_id>/status")
def change_status(program_id: UUID) -> Response:
    """Pause a program, end it, or let it go on."""
    status: Any = request.form.get("status", "")
    if status not in terms.MEANING:
        raise InvalidValues({"status": f"There are {', '.join(terms.MEANING)}."})
    now = datetime.now(UTC)
    writing(lambda session, merchant_id: programs.change(session, merchant_id, program_id, {"status": status}, now=now))
    return redirect(f"/dashboard/programs/{program_id}")
