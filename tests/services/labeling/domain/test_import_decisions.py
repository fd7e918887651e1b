"""The decision about one row of an import, independent of other rows."""

from typing import Any

import pytest

from services.labeling.domain.contacts import Contact
from services.labeling.domain.fields import LARGEST_FIELDS
from services.labeling.domain.imports.decisions import Decision, decide
from services.labeling.domain.imports.options import ImportMode, Options
from services.labeling.domain.imports.rows import CellProblem, ParsedRow

ANN = Contact(email="ann@example.com", email_key="ann@example.com", external_id="1", fields={"city": "Ghent"})
BOB = Contact(email="bob@example.com", email_key="bob@example.com")
INVALID = CellProblem(2, "invalid", "is not an existing date")
TOO_LARGE = {"city": "x" * (LARGEST_FIELDS + 1)}


def row(**values: Any) -> ParsedRow:
    """Return a row about Ann; `values` replace its values."""
    plain: dict[str, Any] = {
        "email": "ann@example.com", "email_key": "ann@example.com", "external_id": None, "fields": {},
        "subscription": None, "language": None, "label_ids": (), "unknown": (), "problems": (),
    }  # fmt: skip
    return ParsedRow(**plain | values)


def decided(read: ParsedRow, *contacts: Contact, mode: ImportMode = "create_and_update", gains: bool = False) -> str:
    return decide(read, contacts, Options(mode=mode), gains=gains).outcome


def code_of(decision: Decision) -> str:
    (problem,) = decision.problems
    return problem.code


def test_a_new_contact_is_created_unless_the_import_only_updates() -> None:
    assert decided(row()) == "create"
    assert decided(row(), mode="update") == "skipped"


def test_a_known_contact_is_updated_if_the_row_changes_something_or_adds_a_label() -> None:
    assert decided(row(fields={"city": "Ghent"}), ANN) == "unchanged"
    assert decided(row(fields={"city": "Ghent"}), ANN, gains=True) == "update"
    assert decided(row(fields={"city": "Bruges"}), ANN) == "update"
    assert decided(row(fields={"city": "Bruges"}), ANN, mode="create") == "skipped"


def test_replaced_values_are_listed() -> None:
    changed = row(fields={"city": "Bruges", "dog": "Rex"}, language="nl")
    assert decide(changed, [ANN], Options(), gains=False) == Decision("update", (), ["fields/city"])


def test_a_row_with_problems_is_refused_with_all_of_them() -> None:
    problems = (INVALID, INVALID._replace(column=3))
    assert decide(row(problems=problems), [ANN], Options(), gains=True) == Decision("error", problems)


@pytest.mark.parametrize(
    ("read", "contacts", "code"),
    [
        (row(external_id="2"), [ANN, BOB], "conflict"),
        (row(external_id="2"), [ANN], "conflict"),
        (row(email=None, email_key=None, external_id="2"), [], "no_email"),
        (row(fields=TOO_LARGE), [], "too_large"),
        (row(fields=TOO_LARGE), [ANN], "too_large"),
    ],
)
def test_a_row_that_cannot_be_imported_is_refused(read: ParsedRow, contacts: list[Contact], code: str) -> None:
    decision = decide(read, contacts, Options(), gains=False)
    assert (decision.outcome, code_of(decision)) == ("error", code)


def test_cells_that_clear_fields_do_not_count_towards_the_size() -> None:
    assert decided(row(fields=dict.fromkeys(map(str, range(LARGEST_FIELDS))))) == "create"
