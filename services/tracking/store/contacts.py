"""Tracking's projection of contacts, and the held reports that name one."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ReferenceKey
from shared.events.labeling import TrackingConsent
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

HELD_AT_ONCE = 2_000  # held clicks read by one statement

ContactKey = tuple[int, int]  # account, contact


class ContactStatus(NamedTuple):
    """The status of a contact whose clicks need a decision.

    `state` is None if the contact is unknown. `consent` is null in rows that were written before it was stored.
    """

    state: str | None
    tracked: bool
    consent: str | None
    merged_into: int | None


class ContactRow(NamedTuple):
    """A row of `contacts`. `sequence` is that of its event."""

    account_id: int
    contact_id: int
    state: str
    consent: TrackingConsent
    merged_into: int | None
    email_digest: UUID | None
    external_digest: UUID | None
    sequence: int


async def contacts_that_matter(
    connection: PoolConnectionProxy, contacts: Collection[ContactKey], consent_required: Collection[int] = ()
) -> dict[ContactKey, ContactStatus]:
    """Return those of `contacts` that are unknown, merged, erased or must not be tracked.

    In the accounts `consent_required`, contacts are tracked only after they granted consent.
    """
    if not contacts:
        return {}
    rows = await QUERIES["contacts_that_matter"].fetch(
        connection, consent_required=list(consent_required), **_columns(contacts)
    )
    return {
        (row["account_id"], row["contact_id"]): ContactStatus(
            row["state"], row["tracked"], row["consent"], row["merged_into"]
        )
        for row in rows
    }


async def contacts_named(
    connection: PoolConnectionProxy, references: Collection[ReferenceKey]
) -> dict[ReferenceKey, int]:
    """Return the ids of the known contacts that have these e-mail addresses and external ids."""
    found = {}
    for kind in ("email", "external"):
        named = [reference for reference in references if reference.kind == kind]
        if named:
            rows = await QUERIES[f"contacts_of_{kind}_digests"].fetch(
                connection,
                account_ids=[reference.account_id for reference in named],
                digests=[reference.value for reference in named],
            )
            for row in rows:
                found[ReferenceKey(kind, row["account_id"], row["digest"])] = row["contact_id"]
    return found


async def write_contacts(connection: PoolConnectionProxy, contacts: Sequence[ContactRow]) -> None:
    """Write rows, each contact once. A contact that is erased stays erased."""
    if contacts:
        columns = zip(ContactRow._fields, zip(*contacts, strict=True), strict=True)
        await QUERIES["write_contacts"].execute(connection, **dict(columns))


async def contact_news(connection: PoolConnectionProxy) -> dict[int, int]:
    """Return how many batches of changes of contacts were applied, by partition number."""
    return {row["partition"]: row["batches"] for row in await QUERIES["contact_news"].fetch(connection)}


async def count_contact_news(connection: PoolConnectionProxy, partitions: Collection[int]) -> None:
    """Count a batch of changes of contacts for each of these partition numbers; their locks must be held."""
    await QUERIES["count_contact_news"].execute(connection, partitions=list(partitions))


async def names_of_contacts(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> set[ReferenceKey]:
    """Return the e-mail addresses and external ids by which reports may name these contacts."""
    rows = await QUERIES["digests_of_contacts"].fetch(connection, **_columns(contacts))
    return {ReferenceKey(row["kind"], row["account_id"], row["digest"]) for row in rows}


async def drop_held_that_name(connection: PoolConnectionProxy, references: Collection[ReferenceKey]) -> int:
    """Delete held reports that name these contacts, whatever they wait for; return their number."""
    keys = [key for reference in references for key in (reference.waits_for, reference.named_by)]
    return await QUERIES["drop_held_that_name"].execute(connection, keys=keys)


async def does_any_click_wait(connection: PoolConnectionProxy) -> bool:
    """Return whether any click is held."""
    waits: bool = await QUERIES["does_any_click_wait"].fetchval(connection)
    return waits


async def keys_waited_for(connection: PoolConnectionProxy, after: int) -> tuple[set[str], int | None]:
    """Return the keys that the next held clicks wait for, and the last click read; None if there are no more.

    For the keys see `ReferenceKey.waits_for` and `message_key`.
    """
    rows = await QUERIES["keys_waited_for"].fetch(connection, after=after, most=HELD_AT_ONCE)
    return {row["key"] for row in rows if row["key"] is not None}, rows[-1]["id"] if rows else None


def _columns(contacts: Collection[ContactKey]) -> dict[str, list[int]]:
    return {
        "account_ids": [account_id for account_id, _ in contacts],
        "contact_ids": [contact_id for _, contact_id in contacts],
    }
