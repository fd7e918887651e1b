"""What tracking knows of contacts."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ContactReference
from services.tracking.store import QUERIES

ContactKey = tuple[int, int]  # account, contact


class Standing(NamedTuple):
    """A contact whose clicks are not simply taken. `state` is None if it is not known."""

    state: str | None
    tracked: bool
    merged_into: int | None


class ToldContact(NamedTuple):
    """A contact as labeling told it; a row of `contacts`."""

    account_id: int
    contact_id: int
    state: str
    tracked: bool
    merged_into: int | None
    email_digest: UUID | None
    external_digest: UUID | None
    sequence: int


async def contacts_that_matter(
    connection: PoolConnectionProxy, contacts: Collection[ContactKey]
) -> dict[ContactKey, Standing]:
    """Of `contacts`, those that are unknown, merged, erased or not to be tracked."""
    if not contacts:
        return {}
    rows = await connection.fetch(QUERIES["contacts_that_matter"], *zip(*contacts, strict=True))
    return {
        (row["account_id"], row["contact_id"]): Standing(row["state"], row["tracked"] is not False, row["merged_into"])
        for row in rows
    }


async def contacts_named(
    connection: PoolConnectionProxy, references: Collection[ContactReference]
) -> dict[ContactReference, int]:
    """The ids of the contacts that have these e-mail addresses and external ids, of those that are known."""
    found = {}
    for kind in ("email", "external"):
        named = [(reference.account_id, reference.value) for reference in references if reference.kind == kind]
        if named:
            rows = await connection.fetch(QUERIES[f"contacts_of_{kind}_digests"], *zip(*named, strict=True))
            for row in rows:
                found[ContactReference(kind, row["account_id"], row["digest"])] = row["contact_id"]
    return found


async def write_contacts(connection: PoolConnectionProxy, told: Sequence[ToldContact]) -> None:
    """Writes what was told, each contact once. One that is erased stays erased."""
    if told:
        await connection.execute(QUERIES["write_contacts"], *zip(*told, strict=True))


async def contact_news(connection: PoolConnectionProxy) -> dict[int, int]:
    """How often something was learned of contacts, by partition number."""
    return {row["partition"]: row["batches"] for row in await connection.fetch(QUERIES["contact_news"])}


async def count_contact_news(connection: PoolConnectionProxy, partition: int) -> None:
    """Something was learned of contacts of that partition number; its lock must be held."""
    await connection.execute(QUERIES["count_contact_news"], partition)


async def forget_clicks(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> None:
    """Takes out of the clicks of `contacts` what could lead back to a person."""
    if contacts:
        await connection.execute(QUERIES["forget_clicks"], *zip(*contacts, strict=True))


async def names_of_contacts(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> set[ContactReference]:
    """By which e-mail addresses and external ids reports may name these contacts."""
    rows = await connection.fetch(QUERIES["digests_of_contacts"], *zip(*contacts, strict=True))
    return {ContactReference(row["kind"], row["account_id"], row["digest"]) for row in rows}


async def drop_held_that_name(connection: PoolConnectionProxy, references: Collection[ContactReference]) -> int:
    """Deletes the held reports that name these contacts, whatever they wait for; how many there were."""
    keys = [key for reference in references for key in (reference.waits_for, reference.named_by)]
    done = await connection.execute(QUERIES["drop_held_that_name"], keys)
    return int(done.removeprefix("DELETE "))


async def keys_waited_for(connection: PoolConnectionProxy) -> list[str]:
    """What held clicks wait for: see `ContactReference.waits_for` and `message_key`."""
    return [row["key"] for row in await connection.fetch(QUERIES["keys_waited_for"])]
