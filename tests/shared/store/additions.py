"""Decide, from the text of a migration alone, whether the previous version still runs on the migrated schema.

A statement is allowed if it cannot affect the statements of the previous version: it creates a table or an index that
does not restrict rows, or adds a column that has a default or may be null. Everything else must be reviewed.
"""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

DIALECT = "postgres"
APPLY, ROLLBACK = "-- migrate: apply", "-- migrate: rollback"


def changes_of(migration: str) -> str:
    """Return the part of a migration that is applied."""
    return migration.partition(APPLY)[2].partition(ROLLBACK)[0]


def statements_to_review(changes: str, own_tables: set[str]) -> list[str]:
    """Return the statements that may break the previous version. Tables that are created are added to `own_tables`."""
    return [
        statement.sql(DIALECT)
        for statement in sqlglot.parse(changes, dialect=DIALECT)
        if statement is not None and not _only_adds(statement, own_tables)
    ]


def _only_adds(statement: exp.Expr, own_tables: set[str]) -> bool:
    table = statement.find(exp.Table)
    name = table.name if table else ""
    match statement:
        case exp.Create(kind="TABLE"):
            own_tables.add(name)
            return True
        case exp.Create(kind="INDEX"):
            return not statement.args.get("unique") or name in own_tables
        case exp.Alter():
            return name in own_tables or all(map(_is_optional, statement.args["actions"]))
        case exp.Insert() | exp.Comment():
            return True
    return False


def _is_optional(action: exp.Expr) -> bool:
    """Return whether an action adds a column that an INSERT may omit."""
    if not isinstance(action, exp.ColumnDef):
        return False
    kinds = set(_kinds(action))
    restricts = {exp.NotNullColumnConstraint, exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint} & kinds
    return not restricts or (restricts == {exp.NotNullColumnConstraint} and exp.DefaultColumnConstraint in kinds)


def _kinds(column: exp.ColumnDef) -> Iterator[type]:
    for constraint in column.args.get("constraints") or ():
        yield type(constraint.kind)
