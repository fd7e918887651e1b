"""Undoes an import: withdraws the labels that it assigned, and restores the values that it changed."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.assignments import Assignment, TakeBack, decide
from services.labeling.domain.contacts import Contact
from services.labeling.domain.imports.changes import taken_back
from services.labeling.domain.labels import Label
from services.labeling.store import import_rows
from services.labeling.store.assignments import assignments_of_pairs, labels_of_contact
from services.labeling.store.contacts import contacts_of
from services.labeling.store.engagements import engagements_of_contact
from services.labeling.store.import_rows import ImportEffect
from services.labeling.store.imports import Import, import_of_id, set_stopped, set_undone
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.contact_changes import load_contacts, record_contacts
from services.labeling.use_cases.erasure import erase_in
from services.labeling.use_cases.import_plans import all_labels
from services.labeling.use_cases.import_run import BUCKETS, partitions_of
from shared.events.parts import Origin
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

UNDO_BATCH_SIZE = 400  # contacts
COUNTS = ("contacts", "labels_removed", "labels_kept", "values_restored", "erased")


class ImportUndo:
    """Undoes an import bucket by bucket. `erase_created` in the specification: erase contacts that it created."""

    kind = "import_undo"

    async def step(self, lease: Lease) -> None:
        """Undo the effects on the next contacts of a bucket, or finish."""
        job = lease.job
        an_import = await import_of_id(lease.database.pool, job.account_id, UUID(job.subject))
        if an_import is None or an_import.state != "undoing":
            raise JobFailed("The import was deleted.")
        bucket = job.cursor.get("bucket", 0)
        async with lease.advance(*partitions_of(bucket, lease.database.partitions)) as advance:
            cursor, connection = advance.cursor, advance.work.connection
            counts = cursor.setdefault("counts", dict.fromkeys(COUNTS, 0))
            effects = await import_rows.effects_after(
                connection, an_import.id, bucket, cursor.get("contact_id", 0), UNDO_BATCH_SIZE
            )
            erase = bool(job.specification.get("erase_created"))
            for name, number in (await _undo(advance.work, an_import, effects, erase=erase)).items():
                counts[name] += number
            advance.done += len(effects)
            if len(effects) == UNDO_BATCH_SIZE:
                cursor["contact_id"] = effects[-1].contact_id
            else:
                cursor.update(bucket=bucket + 1, contact_id=0)
            if cursor.get("bucket") == BUCKETS:
                await set_undone(connection, an_import.id, counts)
                advance.total = advance.done
                advance.finish(**counts)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Record that undoing failed; it can be started again."""
        await set_stopped(work.connection, UUID(job.subject), job.id, job.state, job.failure)


async def preview(database: Database, an_import: Import, *, erase: bool) -> dict[str, int]:
    """Return the counts that undoing an import would have now, without undoing it."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    for bucket in range(BUCKETS):
        after = 0
        while True:
            async with database.pool.acquire() as connection:
                effects = await import_rows.effects_after(connection, an_import.id, bucket, after, UNDO_BATCH_SIZE)
                counts.update(await _preview(connection, an_import, effects, erase=erase))
            await asyncio.sleep(0)
            if len(effects) < UNDO_BATCH_SIZE:
                break
            after = effects[-1].contact_id
    return dict(counts)


async def _preview(
    connection: PoolConnectionProxy, an_import: Import, effects: Sequence[ImportEffect], *, erase: bool
) -> Counter[str]:
    account_id = an_import.account_id
    ids = [effect.contact_id for effect in effects]
    contacts = await contacts_of(connection, {(account_id, contact_id) for contact_id in ids})
    later = await import_rows.later_effects(connection, account_id, an_import.id, ids)
    pairs = {(label_no, effect.contact_id) for effect in effects for label_no in effect.label_nos}
    assignments = await assignments_of_pairs(connection, pairs)
    origin = Origin(kind="import", ref=str(an_import.id))
    counts: Counter[str] = Counter()
    for effect in effects:
        contact = contacts.get((account_id, effect.contact_id))
        if contact is None:
            continue
        counts["contacts"] += 1
        if erase and await _is_unused(connection, an_import, effect, contact, later):
            counts["erased"] += 1
            continue
        counts["values_restored"] += len(taken_back(contact, effect.members, later.get(effect.contact_id, {}))[1])
        for label_no in effect.label_nos:
            state = assignments.get((label_no, effect.contact_id), Assignment())
            outcome = decide(state, TakeBack(origin, Origin(kind="undo"), effect.at))
            counts["labels_removed" if outcome == "removed" else "labels_kept"] += 1
    return counts


async def _undo(work: UnitOfWork, an_import: Import, effects: Sequence[ImportEffect], *, erase: bool) -> Counter[str]:
    account_id, counts = an_import.account_id, Counter[str]()
    ids = [effect.contact_id for effect in effects]
    contacts = await load_contacts(work, {(account_id, contact_id) for contact_id in ids})
    later = await import_rows.later_effects(work.connection, account_id, an_import.id, ids)
    kept: list[ImportEffect] = []
    for effect in effects:
        key = (account_id, effect.contact_id)
        contact = contacts.find(key)
        if contact is None:
            continue
        counts["contacts"] += 1
        if erase and await _is_unused(work.connection, an_import, effect, contact, later):
            await erase_in(work, account_id, effect.contact_id)
            counts["erased"] += 1
            continue
        kept.append(effect)
        after, restored = taken_back(contact, effect.members, later.get(effect.contact_id, {}))
        counts["values_restored"] += len(restored)
        if after != contact:
            contacts.put(key, after, work.now, Origin(kind="undo", ref=str(an_import.id)))
    await record_contacts(work, contacts)
    await _withdraw_labels(work, an_import, kept, counts)
    return counts


async def _withdraw_labels(
    work: UnitOfWork, an_import: Import, effects: Sequence[ImportEffect], counts: Counter[str]
) -> None:
    labels = {label.no: label for label in await all_labels(work.connection, an_import.account_id)}
    pairs: list[tuple[int, Label]] = [
        (effect.contact_id, labels[label_no])
        for effect in effects
        for label_no in effect.label_nos
        if label_no in labels
    ]
    changes = await load_assignments(work, {(label.no, contact_id) for contact_id, label in pairs})
    support = Origin(kind="import", ref=str(an_import.id))
    command = TakeBack(support, Origin(kind="undo", ref=str(an_import.id)), work.now)
    for contact_id, label in pairs:
        outcome = changes.apply(contact_id, label, command)
        counts["labels_removed" if outcome == "removed" else "labels_kept"] += 1
    await record_assignments(work, changes)


async def _is_unused(
    connection: PoolConnectionProxy,
    an_import: Import,
    effect: ImportEffect,
    contact: Contact,
    later: Mapping[int, dict[str, list[Any]]],
) -> bool:
    """Return whether the import created the contact, which has done nothing and was not changed since."""
    if not effect.created or effect.contact_id in later:
        return False
    restorable = taken_back(contact, effect.members, {})[1]
    changed_by_import = [
        member
        for member, (before, after) in effect.members.items()
        if before != after and member not in ("email", "external_id")
    ]
    imported_fields = sum(member.startswith("fields/") for member in effect.members)
    if sorted(changed_by_import) != restorable or len(contact.fields) > imported_fields:
        return False
    if await engagements_of_contact(connection, an_import.account_id, effect.contact_id, None, 1):
        return False
    support = f"import:{an_import.id}"
    labels = await labels_of_contact(connection, an_import.account_id, effect.contact_id)
    return not any(label.clicks or set(label.supports) - {support} for label in labels)
