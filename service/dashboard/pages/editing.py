"""A program's terms are changed: a form, what it would change in words, and then the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from service.dashboard import editing, terms
from service.dashboard.editing import Draft
from service.dashboard.form import Form
from service.dashboard.pages.frame import blueprint, looking, must_be_admin, shown, signed_in, writing
from service.errors import BadValues
from service.languages import message
from service.programs import programs
from service.programs import tables as storage
from service.programs.api import ProgramChange
from service.programs.soundness import refuse_contradictions
from service.programs.tables import Program, ProgramTerms
from service.programs.terms import complete
from service.web.errors import InvalidValues
from service.web.pages import formats, redirect
from service.web.parsing import parsed

OF_THE_PAGE = {"csrf_token", "step", "terms_version", "currency"}
"""Fields of the form that say nothing of the terms."""

ANOTHER_CURRENCY = message(
    "Somebody else gave the program another currency meanwhile, so nothing of yours was kept. These are its terms now."
)


@dataclass(frozen=True, slots=True)
class Editing:
    """A program with its terms in force, and those of which the form was made, with their version."""

    program: Program
    in_force: Mapping[str, Any]
    begun_with: Mapping[str, Any]
    version: int

    @property
    def is_overtaken(self) -> bool:
        """Whether somebody changed the terms since the form was made."""
        return self.version != self.program.terms_version


@blueprint.get("/programs/<uuid:program_id>/terms")
def edit_terms(program_id: UUID) -> Response:
    """The terms in force as a form."""
    must_be_admin()
    with looking() as call:
        program, version = programs.get(call.session, call.merchant_id, program_id)
    return _afresh(program, complete(version.terms))


@blueprint.post("/programs/<uuid:program_id>/terms")
def change_terms(program_id: UUID) -> Response:
    """What a form would change, in words; or the change itself, where it was shown and nobody else was faster."""
    must_be_admin()
    found = _found(program_id)
    if request.form.get("currency") != found.in_force["currency"]:
        return _afresh(found.program, found.in_force, notice=formats().say(ANOTHER_CURRENCY))
    values, draft = _read(found)
    faults = draft.faults or _faults(draft, found, values)
    step = request.form.get("step")
    if faults or step == "form":
        return _form(found, values, faults)
    if step != "save" or found.is_overtaken:
        return _preview(found, draft, values)
    if writing(lambda session, merchant_id: _is_saved(session, merchant_id, found, draft)):
        return redirect(f"/dashboard/programs/{program_id}")
    found = _found(program_id)
    values, draft = _read(found)
    return _preview(found, draft, values)


def _found(program_id: UUID) -> Editing:
    """The program, and the version of its terms that the form names. Raises Unknown and InvalidValues."""
    with looking() as call:
        program, in_force = programs.get(call.session, call.merchant_id, program_id)
        versions = {str(one.terms_version): one for one in storage.versions(call.session, call.merchant_id, program_id)}
    begun_with: ProgramTerms | None = versions.get(request.form.get("terms_version", ""))
    if begun_with is None:
        raise InvalidValues({"terms_version": message("There is no such version of these terms.")})
    return Editing(program, complete(in_force.terms), complete(begun_with.terms), begun_with.terms_version)


def _read(found: Editing) -> tuple[dict[str, str], Draft]:
    """What the form holds, and what it says."""
    said = {name: value for name, value in request.form.items() if name not in OF_THE_PAGE}
    values = editing.tidied(said, found.in_force)
    return values, editing.draft_of(values, found.in_force, formats())


def _faults(draft: Draft, found: Editing, values: Mapping[str, str]) -> dict[str, str]:
    """What the API would say of these terms, field of the form -> fault."""
    try:
        refuse_contradictions(_wanted(draft, found))
    except (InvalidValues, BadValues) as refused:
        return editing.by_field(refused.faults, values)
    return {}


def _wanted(draft: Draft, found: Editing) -> dict[str, Any]:
    """The terms as they would be. Raises InvalidValues."""
    return {**found.in_force, **parsed(ProgramChange(), draft.changes(found.in_force))}


def _is_saved(session: Session, merchant_id: UUID, found: Editing, draft: Draft) -> bool:
    """Keep the terms, unless somebody else was faster."""
    program, _ = programs.get(session, merchant_id, found.program.program_id, lock=True)
    if program.terms_version != found.version:
        return False
    changes = parsed(ProgramChange(), draft.changes(found.in_force))
    by, now = signed_in().key_id, datetime.now(UTC)
    programs.change(session, merchant_id, program.program_id, changes, key_id=by, now=now)
    return True


def _afresh(program: Program, in_force: Mapping[str, Any], notice: str = "") -> Response:
    """The form with the terms in force."""
    found = Editing(program, in_force, in_force, program.terms_version)
    return _form(found, editing.values_of(in_force), {}, notice)


def _form(found: Editing, values: Mapping[str, str], faults: Mapping[str, str], notice: str = "") -> Response:
    return shown(
        "terms.html",
        422 if faults else 409 if notice else 200,
        program=found.program,
        terms_version=found.version,
        currency=found.in_force["currency"],
        groups=Form(values, faults, formats()).groups(found.in_force),
        fault=faults.get("", ""),
        is_refused=bool(faults),
        notice=notice,
    )


def _preview(found: Editing, draft: Draft, values: Mapping[str, str]) -> Response:
    """What would change, in words; where somebody else was faster, what they changed first."""
    wanted = _wanted(draft, found)
    return shown(
        "preview.html",
        409 if found.is_overtaken else 200,
        program=found.program,
        currency=found.in_force["currency"],
        values=values,
        meanwhile=terms.differences(found.begun_with, found.in_force, formats()),
        is_overtaken=found.is_overtaken,
        changes=terms.differences(found.in_force, wanted, formats()),
        doubts=terms.doubts(wanted, formats()),
    )
