"""Create, change and delete labels."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.errors import ConflictError, LimitError, NotFoundError, StateError
from services.labeling.domain.labels import NO_NAMES, Label, LabelPatch, Visibility, patched
from services.labeling.domain.limits import MOST_LABELS
from services.labeling.store import labels
from shared.events.labeling import LabelChanged
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.job import Job
from shared.jobs.store import enqueue
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


class WrittenLabel(NamedTuple):
    """A label that was created or changed, and the position of its event."""

    label: Label
    position: int | None


class DeletedLabel(NamedTuple):
    """The job that removes a deleted label from its holders, and the position of the label's event."""

    job: Job
    position: int | None


async def find_label(connection: PoolConnectionProxy, account_id: int, label_id: UUID) -> Label:
    """Return a label of the account. Raises NotFoundError, also for a deleted one."""
    label = await labels.label_of_id(connection, account_id, label_id)
    if label is None or label.state == "deleted":
        raise NotFoundError("label")
    return label


async def create_label(
    database: Database,
    account_id: int,
    name: str,
    description: str,
    visibility: Visibility,
    group: str | None = None,
    names: Mapping[str, str] = NO_NAMES,
    order: int = 0,
) -> WrittenLabel:
    """Create a label. Raises ConflictError if the account has one of this name, LimitError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        label = await add_label(work, account_id, name, description, visibility, group, names, order)
    return WrittenLabel(label, work.position)


async def add_label(
    work: UnitOfWork,
    account_id: int,
    name: str,
    description: str = "",
    visibility: Visibility = "private",
    group: str | None = None,
    names: Mapping[str, str] = NO_NAMES,
    order: int = 0,
) -> Label:
    """Create a label within a unit of work. Raises ConflictError if the account has one of this name, LimitError."""
    _, count = await labels.labels_of_account(work.connection, account_id, None, None, 1)
    if count >= MOST_LABELS:
        raise LimitError("labels", MOST_LABELS)
    label = await labels.insert_label(work.connection, account_id, name, description, visibility, group, names, order)
    if label is None:
        raise _name_conflict()
    append_label(work, label)
    return label


async def change_label(database: Database, account_id: int, label_id: UUID, patch: LabelPatch) -> WrittenLabel:
    """Change a label; its assignments stay.

    Raises NotFoundError, ConflictError if the new name is taken, StateError if the label is being merged.
    """
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        label = await find_label(work.connection, account_id, label_id)
        _require_unmerged(label)
        label = await _change(work, label, patch)
    return WrittenLabel(label, work.position)


async def delete_label(database: Database, account_id: int, label_id: UUID) -> DeletedLabel:
    """Delete a label; a job removes it from its holders. Raises NotFoundError, StateError if it is being merged."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        label = await find_label(work.connection, account_id, label_id)
        _require_unmerged(label)
        await _change(work, label, LabelPatch(state="deleted"))
        job = await enqueue(work.connection, account_id, "label_deletion", str(label.id))
    return DeletedLabel(job, work.position)


def _require_unmerged(label: Label) -> None:
    if label.merged_into is not None:
        raise StateError("The label was merged into another one, or is being merged.")


async def _change(work: UnitOfWork, label: Label, patch: LabelPatch) -> Label:
    changed = patched(label, patch)
    if not await labels.update_label(work.connection, changed, work.now):
        raise _name_conflict()
    append_label(work, changed)
    return changed


def _name_conflict() -> ConflictError:
    return ConflictError("Another label of the account has this name.", "/name", "another label has this name")


def append_label(work: UnitOfWork, label: Label) -> None:
    """Append the event with the new state of a label."""
    work.append(
        LabelChanged(
            occurred_at=work.now,
            account_id=label.account_id,
            label_id=label.id,
            label_name=label.name,
            description=label.description,
            visibility=label.visibility,
            aliases=label.aliases,
            # For other services the label is merged from the start: a reference to it means the other label.
            state="merged" if label.state == "merging" else label.state,
            group=label.group,
            names=dict(label.names) or None,
            order=label.order,
            merged_into=label.merged_into,
        )
    )
