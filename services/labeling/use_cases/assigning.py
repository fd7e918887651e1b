"""Assign and remove labels on request: many pairs, in few units of work."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.labeling.domain.assignments import AssertLabel, Outcome, RemoveLabel
from services.labeling.domain.labels import Label
from services.labeling.store.contacts import contacts_of
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from shared.bus.dealing import units_of
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

MOST_IN_UNIT = 2_000  # requests


@dataclass(frozen=True, slots=True)
class AssignmentRequest:
    """One contact and one label, and whether the contact should hold the label."""

    index: int
    contact_id: int
    label: Label
    held: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class Missing:
    """The outcome of a request whose contact or label no longer exists; `kind` says which."""

    kind: str


Result = Outcome | Missing | None


async def assign_labels(
    database: Database, account_id: int, requests: Iterable[AssignmentRequest]
) -> dict[int, Result]:
    """Carry out requests; return the outcome of each by its index, None if it changed nothing."""
    by_partition: dict[int, list[AssignmentRequest]] = defaultdict(list)
    for request in requests:
        by_partition[partition_of(account_id, request.contact_id, database.partitions)].append(request)
    outcomes: dict[int, Result] = {}
    for unit in units_of(by_partition, MOST_IN_UNIT):
        partitions = {partition_of(account_id, request.contact_id, database.partitions) for request in unit}
        async with database.unit_of_work(*sorted(partitions)) as work:
            outcomes_of_unit = await _assign(work, account_id, unit)
        outcomes.update(outcomes_of_unit)
    return outcomes


async def _assign(work: UnitOfWork, account_id: int, requests: Sequence[AssignmentRequest]) -> dict[int, Result]:
    # Read again under the lock: a contact may have been erased, or a label deleted, since the first read.
    contacts = await contacts_of(work.connection, {(account_id, request.contact_id) for request in requests})
    labels = await labels_of_ids(work.connection, {request.label.id for request in requests})
    pairs = {(labels[request.label.id].no, request.contact_id) for request in requests}
    changes = await load_assignments(work, pairs)
    outcomes: dict[int, Result] = {}
    for request in requests:
        label = labels[request.label.id]
        if (account_id, request.contact_id) not in contacts:
            outcomes[request.index] = Missing("contact")
        elif label.state == "deleted":
            outcomes[request.index] = Missing("label")
        else:
            command = (AssertLabel if request.held else RemoveLabel)(request.origin, work.now)
            outcomes[request.index] = changes.apply(request.contact_id, label, command)
    await record_assignments(work, changes)
    return outcomes
