"""A program's terms are changed: a form, what it would change in words, and then the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from service.dashboard import editing, terms
from service.dashboard.pages.frame import blueprint, formats, looking, must_be_admin, shown, writing
from service.errors import BadValues
from service.programs import programs
from service.programs import tables as storage
from service.programs.api import ProgramChange
from service.programs.soundness import refuse_contradictions
from service.programs.tables import Program, ProgramTerms
from service.programs.terms import complete
from service.web.errors import InvalidValues
from service.web.pages import redirect
from service.web.parsing import parsed

OF_THE_PAGE = {"csrf_token", "step", "terms_version"}
"""Fields of the form that say nothing of the terms."""


@dataclass(frozen=True, slots=True)
class Editing:
    """A program with its terms in force, and those of which the form was made."""

    program: Program
    in_force: Mapping[str, Any]
    begun_with: Mapping[str, Any]

    @property
    def is_overtaken(self) -> bool:
        """Whether somebody changed the terms since the form was made."""
        return self.in_force != self.begun_with


@blueprint.get("/programs/<uuid:program_id>/terms")
def edit_terms(program_id: UUID) -> Response:
    """The terms in force as a form."""
    must_be_admin()
    with looking() as call:
        program, version = programs.get(call.session, call.merchant_id, program_id)
    at = complete(version.terms)
    return _form(Editing(program, at, at), editing.values_of(at), {})


@blueprint.post("/programs/<uuid:program_id>/terms")
def change_terms(program_id: UUID) -> Response:
    """What a form would change, in words; or the change itself, where it was shown and nobody else was faster."""
    must_be_admin()
    with looking() as call:
        found = _found(call.session, call.merchant_id, program_id)
    said = {name: value for name, value in request.form.items() if name not in OF_THE_PAGE}
    values = editing.tidied(said, found.in_force)
    draft = editing.draft_of(values, found.in_force)
    faults = draft.faults or _faults(draft.terms, found, values)
    if faults:
        return _form(found, values, faults, 422)
    if request.form.get("step") == "form":
        return _form(found, values, {})
    if request.form.get("step") != "save" or found.is_overtaken:
        return _preview(found, draft.terms, values)
    if writing(lambda session, merchant_id: _is_saved(session, merchant_id, program_id, draft.terms)):
        return redirect(f"/dashboard/programs/{program_id}")
    with looking() as call:
        return _preview(_found(call.session, call.merchant_id, program_id), draft.terms, values)


def _found(session: Session, merchant_id: UUID, program_id: UUID) -> Editing:
    """The program, and the version of its terms that the form names. Raises Unknown and InvalidValues."""
    program, in_force = programs.get(session, merchant_id, program_id)
    versions = {str(one.terms_version): one for one in storage.versions(session, merchant_id, program_id)}
    begun_with: ProgramTerms | None = versions.get(request.form.get("terms_version", ""))
    if begun_with is None:
        raise InvalidValues({"terms_version": "There is no such version of these terms."})
    return Editing(program, complete(in_force.terms), complete(begun_with.terms))


def _faults(document: dict[str, Any], found: Editing, values: Mapping[str, str]) -> dict[str, str]:
    """What the API would say of these terms, field of the form -> fault."""
    try:
        refuse_contradictions({**found.in_force, **parsed(ProgramChange(), document)})
    except (InvalidValues, BadValues) as refused:
        return editing.by_control(refused.faults, values)
    return {}


def _is_saved(session: Session, merchant_id: UUID, program_id: UUID, document: dict[str, Any]) -> bool:
    """Keep the terms, unless somebody else was faster."""
    program, _ = programs.get(session, merchant_id, program_id, lock=True)
    if str(program.terms_version) != request.form["terms_version"]:
        return False
    programs.change(session, merchant_id, program_id, parsed(ProgramChange(), document), now=datetime.now(UTC))
    return True


def _form(found: Editing, values: Mapping[str, str], faults: Mapping[str, str], code: int = 200) -> Response:
    return shown(
        "terms.html",
        code,
        program=found.program,
        terms_version=request.form.get("terms_version", found.program.terms_version),
        groups=editing.groups(values, found.in_force, faults, formats()),
        fault=faults.get("", ""),
        is_refused=bool(faults),
    )


def _preview(found: Editing, document: dict[str, Any], values: Mapping[str, str]) -> Response:
    """What would change, in words; where somebody else was faster, what they changed first."""
    wanted = {**found.in_force, **parsed(ProgramChange(), document)}
    return shown(
        "preview.html",
        409 if found.is_overtaken else 200,
        program=found.program,
        values=values,
        meanwhile=terms.differences(found.begun_with, found.in_force, formats()),
        is_overtaken=found.is_overtaken,
        changes=terms.differences(found.in_force, wanted, formats()),
        doubts=terms.doubts(wanted, formats()),
    )
