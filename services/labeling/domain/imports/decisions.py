"""Decides what importing a row by itself would do, given the present contacts."""

from collections.abc import Sequence
from typing import NamedTuple

from services.labeling.domain.contacts import NO_FIELDS, Contact
from services.labeling.domain.imports.changes import applied, overwritten, size_problem
from services.labeling.domain.imports.options import Options
from services.labeling.domain.imports.rows import CellProblem, ParsedRow
from services.labeling.domain.imports.summary import RowOutcome


class Decision(NamedTuple):
    """What importing a row would do, why it is refused, and the members whose values it would replace."""

    outcome: RowOutcome
    problems: Sequence[CellProblem] = ()
    overwrites: Sequence[str] = ()


CREATE, SKIP = Decision("create"), Decision("skipped")


def decide(row: ParsedRow, contacts: Sequence[Contact], options: Options, *, gains: bool) -> Decision:
    """Decide on a row, given the contacts that have its keys, and whether they would gain a label (`gains`)."""
    if row.problems:
        return Decision("error", row.problems)
    if len(contacts) > 1:
        detail = "the e-mail address and the external id belong to two different contacts"
        return _refused("conflict", detail)
    if not contacts:
        return _decide_new(row, options)
    before = contacts[0]
    problem = conflict_of(row, before)
    if problem is not None:
        return Decision("error", (problem,))
    if options.mode == "create":
        return SKIP
    after, members = applied(before, row, options)
    problem = size_problem(before.fields, after.fields)
    if problem is not None:
        return Decision("error", (problem,))
    return Decision("update" if after != before or gains else "unchanged", (), overwritten(before, members))


def _decide_new(row: ParsedRow, options: Options) -> Decision:
    if options.mode == "update":
        return SKIP
    if row.email is None:
        return _refused("no_email", "a new contact needs an e-mail address")
    problem = size_problem(NO_FIELDS, {key: value for key, value in row.fields.items() if value is not None})
    return CREATE if problem is None else Decision("error", (problem,))


def _refused(code: str, detail: str) -> Decision:
    return Decision("error", (CellProblem(None, code, detail),))


def conflict_of(row: ParsedRow, contact: Contact) -> CellProblem | None:
    """Return why a row conflicts with the contact that has one of its keys; None if it does not."""
    if row.external_id is not None and contact.external_id not in (None, row.external_id):
        return CellProblem(None, "conflict", "the contact with this e-mail address has another external id")
    return None
