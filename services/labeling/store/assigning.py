"""Labels given and taken away by request: many pairs, one unit of work per partition number."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.labeling.domain.assignments import AssertLabel, Outcome, RemoveLabel
from services.labeling.store.assignments import Ledger
from services.labeling.store.contacts import contacts_of
from services.labeling.store.labels import Label, labels_of_ids
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one contact and one label."""

    index: int
    contact_id: int
    label: Label
    held: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class Missing:
    """The contact, or the label, is gone."""

    what: str


async def carry_out(database: Database, account_id: int, wishes: Iterable[Wish]) -> dict[int, Outcome | Missing | None]:
    """What came of each wish, by its index; None where nothing changed and nothing was worth remembering."""
    groups: dict[int, list[Wish]] = defaultdict(list)
    for wish in wishes:
        groups[partition_of(account_id, wish.contact_id, database.partitions)].append(wish)
    outcomes: dict[int, Outcome | Missing | None] = {}
    for partition in sorted(groups):
        async with database.unit_of_work(partition) as work:
            part = await _carry_out(work, account_id, groups[partition])
        outcomes.update(part)
    return outcomes


async def _carry_out(work: UnitOfWork, account_id: int, wishes: Sequence[Wish]) -> dict[int, Outcome | Missing | None]:
    # Looked at again under the lock: meanwhile a contact may have been erased, a label deleted.
    there = await contacts_of(work.connection, {(account_id, wish.contact_id) for wish in wishes})
    labels = await labels_of_ids(work.connection, {wish.label.id for wish in wishes})
    ledger = await Ledger.open(work, {(wish.label.no, wish.contact_id) for wish in wishes})
    outcomes: dict[int, Outcome | Missing | None] = {}
    for wish in wishes:
        if (account_id, wish.contact_id) not in there:
            outcomes[wish.index] = Missing("contact")
        elif labels[wish.label.id].state == "deleted":
            outcomes[wish.index] = Missing("label")
        else:
            command = (AssertLabel if wish.held else RemoveLabel)(wish.origin, work.now)
            outcomes[wish.index] = ledger.apply(wish.contact_id, labels[wish.label.id], command)
    await ledger.write()
    return outcomes
