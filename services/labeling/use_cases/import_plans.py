"""Loads the plan of an import: its row reader, with the account's current fields and labels."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.fields import Field
from services.labeling.domain.imports.options import Options, new_fields, options_from, targets_of
from services.labeling.domain.imports.rows import RowReader
from services.labeling.domain.labels import Label, name_key
from services.labeling.domain.tables.cells import Spelling
from services.labeling.domain.tables.reading import Format
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.imports import Import
from services.labeling.store.labels import labels_of_account


class ImportPlan(NamedTuple):
    """How the rows of an import are read.

    `labels` are by id. `names` has the ids of labels by the keys of their names and aliases.
    """

    format: Format
    options: Options
    reader: RowReader
    fields: dict[str, Field]
    labels: dict[UUID, Label]
    names: dict[str, UUID]


async def load_plan(connection: PoolConnectionProxy, an_import: Import, today: date) -> ImportPlan:
    """Load the plan of an import. Fields that it will create are included. `today` decides the century of years."""
    options = options_from(an_import.options)
    format_ = Format.of(an_import.format)
    fields = (await fields_of_accounts(connection, [an_import.account_id]))[an_import.account_id]
    for field in new_fields(an_import.columns):
        fields.setdefault(field.key, field)
    labels = await all_labels(connection, an_import.account_id)
    names = names_of_labels(labels)
    spelling = Spelling(options.dates, options.decimal, today)
    reader = RowReader(targets_of(an_import.columns), options, fields, names, spelling, format_.width)
    return ImportPlan(format_, options, reader, fields, {label.id: label for label in labels}, names)


async def all_labels(connection: PoolConnectionProxy, account_id: int) -> list[Label]:
    """Return all labels of an account that are not deleted."""
    labels: list[Label] = []
    while True:
        after = labels[-1].id if labels else None
        page, _ = await labels_of_account(connection, account_id, None, after, 1000)
        labels += page
        if len(page) < 1000:
            return labels


def names_of_labels(labels: list[Label]) -> dict[str, UUID]:
    """Return the ids of labels by the keys of their names and aliases; a name comes before an alias."""
    names: dict[str, UUID] = {}
    for label in labels:
        for alias in label.aliases:
            names[name_key(alias)] = label.id
    names.update({name_key(label.name): label.id for label in labels})
    return names
