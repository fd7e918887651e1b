"""The previous version keeps working on the current schema, because services are upgraded one by one.

Its code is not run here: a clone without history does not have it. Instead, the text of each new migration is checked:
it may change nothing that statements of the previous version read, write or rely on.
"""

from pathlib import Path

import pytest

from tests.shared.store.additions import changes_of, statements_to_review
from tests.shared.store.previous_version import ROOT, RUNTIME, SERVICES, hashes_of, kept_hashes, migrations_of

FOLDERS = [RUNTIME, *map(migrations_of, SERVICES)]
# Statements that are compatible for a reason that is not visible in their text, by the migration's name.
REVIEWED: dict[str, str] = {
    "labeling-0017-rows-by-outcome.sql": "The indexes that it creates serve the queries of those that it drops.",
    "workflow-0004-step-outcomes.sql": "Its triggers fill only columns that the previous version does not know.",
    "workflow-0005-earlier-step-outcomes.sql": "It fills only columns that the previous version does not know.",
}


def added(folder: str) -> list[Path]:
    """Return the migrations that the previous version does not have, in the order in which they apply."""
    kept = kept_hashes()[folder]
    return [ROOT / folder / name for name in hashes_of(ROOT / folder) if name not in kept]


@pytest.mark.parametrize("folder", FOLDERS)
def test_migrations_of_the_previous_version_are_never_edited(folder: str) -> None:
    current = hashes_of(ROOT / folder)
    kept = kept_hashes()[folder]
    assert kept
    assert {name: current.get(name) for name in kept} == kept


@pytest.mark.parametrize("folder", FOLDERS)
def test_migrations_since_the_previous_version_only_add(folder: str) -> None:
    own_tables: set[str] = set()
    for migration in added(folder):
        if migration.name in REVIEWED:
            continue
        assert migration.suffix == ".sql", f"{migration.name} is code: review it"
        changes = changes_of(migration.read_text(encoding="utf-8"))
        assert changes.strip()
        assert statements_to_review(changes, own_tables) == [], migration.name


@pytest.mark.parametrize(
    "changes",
    [
        "DROP TABLE labels",
        "ALTER TABLE labels DROP COLUMN name",
        "ALTER TABLE labels RENAME COLUMN name TO title",
        "ALTER TABLE labels RENAME TO tags",
        "ALTER TABLE labels ALTER COLUMN name TYPE integer",
        "ALTER TABLE labels ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE labels ALTER COLUMN name DROP DEFAULT",
        "ALTER TABLE labels ADD COLUMN kind text NOT NULL",
        "ALTER TABLE labels ADD COLUMN kind text DEFAULT 'x' UNIQUE",
        "ALTER TABLE labels ADD COLUMN kind text, DROP COLUMN name",
        "ALTER TABLE labels ADD CONSTRAINT named CHECK (name <> '')",
        "ALTER TABLE labels ADD FOREIGN KEY (name) REFERENCES names",
        "CREATE UNIQUE INDEX ON labels (name)",
        "DROP INDEX labels_by_name",
        "CREATE TRIGGER changed AFTER UPDATE ON labels FOR EACH ROW EXECUTE FUNCTION refuse()",
        "DELETE FROM labels",
        "UPDATE labels SET name = ''",
        "CREATE TABLE kinds (kind text); DROP TABLE labels",
    ],
)
def test_a_change_that_may_break_the_previous_version_must_be_reviewed(changes: str) -> None:
    assert len(statements_to_review(changes, set())) == 1


@pytest.mark.parametrize(
    "changes",
    [
        "CREATE TABLE kinds (kind text PRIMARY KEY)",
        "CREATE TABLE kinds (a text); CREATE UNIQUE INDEX ON kinds (a); ALTER TABLE kinds ADD COLUMN b int NOT NULL",
        "ALTER TABLE labels ADD COLUMN kind text",
        "ALTER TABLE labels ADD COLUMN kind text NOT NULL DEFAULT ''",
        "ALTER TABLE labels ADD COLUMN kind text CHECK (kind IN ('a', 'b')), ADD COLUMN place integer",
        "CREATE INDEX labels_by_kind ON labels (kind) INCLUDE (name) WHERE kind <> ''",
        "INSERT INTO kinds VALUES ('a')",
    ],
)
def test_a_change_that_only_adds_is_allowed(changes: str) -> None:
    assert statements_to_review(changes, set()) == []
