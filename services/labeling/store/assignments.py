"""Assignments of labels, and the number of clicks of each contact."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from pydantic import TypeAdapter

from services.labeling.domain.assignments import NO_SUPPORTS, Assignment, Pair, Support
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

_SUPPORTS = TypeAdapter(dict[str, Support])
_COLUMNS = (
    "label_no",
    "contact_id",
    "since",
    "click_supports",
    "supports",
    "clicks",
    "first_click",
    "last_click",
    "withdrawn_by_self",
    "removed_at",
)
_PARAMETERS = (
    "label_nos",
    "contact_ids",
    "since",
    "click_supports",
    "supports",
    "clicks",
    "first_clicks",
    "last_clicks",
    "withdrawn_by_self",
    "removed_at",
)


class LabelOfContact(NamedTuple):
    """A label that a contact holds or held, or for which it clicked."""

    label_no: int
    label_id: UUID
    name: str
    held: bool
    since: datetime | None
    click_supports: int
    supports: Mapping[str, Support]
    clicks: int
    first_click: datetime | None
    last_click: datetime | None


class Holder(NamedTuple):
    """A contact that holds a label."""

    contact_id: int
    external_id: str | None
    email: str | None
    since: datetime
    clicks: int
    first_click: datetime | None
    last_click: datetime | None


async def assignments_of_pairs(connection: PoolConnectionProxy, pairs: Collection[Pair]) -> dict[Pair, Assignment]:
    """Return the stored assignments of `pairs`."""
    stored: dict[Pair, Assignment] = {}
    if not pairs:
        return stored
    label_nos, contact_ids = zip(*pairs, strict=True)
    rows = await QUERIES["assignments_of_pairs"].fetch(connection, label_nos=label_nos, contact_ids=contact_ids)
    for label_no, contact_id, since, click_supports, supports, *interest in rows:
        stored[label_no, contact_id] = Assignment(
            since is not None, since, click_supports, decode_supports(supports), *interest
        )
    return stored


async def labels_given_back(connection: PoolConnectionProxy, pairs: Collection[Pair]) -> dict[Pair, tuple[UUID, ...]]:
    """Return, by pair, the labels that were merged into the label of the pair.

    A contact that gets the label back no longer refuses these either.
    """
    label_nos, contact_ids = zip(*pairs, strict=True)
    rows = await QUERIES["labels_given_back"].fetch(connection, label_nos=label_nos, contact_ids=contact_ids)
    return {(row["label_no"], row["contact_id"]): tuple(row["label_ids"]) for row in rows}


async def write_assignments(
    connection: PoolConnectionProxy,
    before: Mapping[Pair, Assignment],
    after: Mapping[Pair, Assignment],
    touched: Collection[Pair],
) -> None:
    """Write the states in `after` of those `touched` pairs that differ from the stored ones (`before`)."""
    new: list[tuple[object, ...]] = []
    confirmed: list[tuple[object, ...]] = []
    changed: list[tuple[object, ...]] = []
    for pair in touched:
        state, stored = after[pair], before.get(pair)
        if stored is None:
            new.append(_row(pair, state))
        elif _only_clicked(stored, state):
            confirmed.append((*pair, state.clicks - stored.clicks, state.last_click))
        elif state != stored:
            changed.append(_row(pair, state))
    if new:
        await connection.copy_records_to_table("assignments", records=new, columns=_COLUMNS)
    if confirmed:
        label_nos, contact_ids, clicks, last_clicks = zip(*confirmed, strict=True)
        await QUERIES["confirm_assignments"].execute(
            connection, label_nos=label_nos, contact_ids=contact_ids, clicks=clicks, last_clicks=last_clicks
        )
    if changed:
        parameters = dict(zip(_PARAMETERS, zip(*changed, strict=True), strict=True))
        await QUERIES["update_assignments"].execute(connection, **parameters)


def _row(pair: Pair, state: Assignment) -> tuple[object, ...]:
    _, since, click_supports, supports, clicks, first_click, last_click, withdrawn, removed_at = state
    stored = _SUPPORTS.dump_json(dict(supports)).decode() if supports else None
    return (*pair, since, click_supports, stored, clicks, first_click, last_click, withdrawn, removed_at)


def _only_clicked(before: Assignment, after: Assignment) -> bool:
    """Return whether only supporting clicks were added to a held label."""
    return (
        before.since is not None
        and before.since is after.since
        and before.first_click is after.first_click
        and before.supports is after.supports
        and after.clicks > before.clicks
        and after.click_supports - before.click_supports == after.clicks - before.clicks
    )


def decode_supports(stored: str | None) -> Mapping[str, Support]:
    """Parse the column `supports`."""
    return NO_SUPPORTS if stored is None else _SUPPORTS.validate_json(stored)


async def labels_of_contact(connection: PoolConnectionProxy, account_id: int, contact_id: int) -> list[LabelOfContact]:
    """Return the labels that the contact holds or held, or for which it clicked, oldest label first."""
    rows = await QUERIES["labels_of_contact"].fetch(connection, account_id=account_id, contact_id=contact_id)
    return [LabelOfContact(**{**row, "supports": decode_supports(row["supports"])}) for row in rows]


async def holders_of_label(
    connection: PoolConnectionProxy, account_id: int, label_no: int, after: int, limit: int
) -> list[Holder]:
    """Return a page of the contacts that hold the label, by contact id."""
    rows = await QUERIES["holders_of_label"].fetch(
        connection, account_id=account_id, label_no=label_no, after=after, limit=limit
    )
    return [Holder(*row) for row in rows]


async def count_holders(connection: PoolConnectionProxy, label_no: int) -> int:
    """Count the contacts that hold the label."""
    count: int = await QUERIES["count_holders"].fetchval(connection, label_no=label_no)
    return count


async def delete_assignments_of_label(
    connection: PoolConnectionProxy,
    account_id: int,
    label_no: int,
    *,
    partitions: int,
    partition: int,
    after: int,
    limit: int,
) -> list[tuple[int, bool]]:
    """Delete the next assignments of a partition number; return their contact ids, and whether they were held."""
    rows = await QUERIES["delete_assignments_of_label"].fetch(
        connection,
        account_id=account_id,
        label_no=label_no,
        partitions=partitions,
        partition=partition,
        after=after,
        limit=limit,
    )
    return sorted((row["contact_id"], row["held"]) for row in rows)


async def contacts_of_label(
    connection: PoolConnectionProxy,
    account_id: int,
    label_no: int,
    *,
    partitions: int,
    partition: int,
    after: int,
    limit: int,
) -> list[int]:
    """Return the next contacts of a partition number that have an assignment of the label, held or not."""
    rows = await QUERIES["contacts_of_label"].fetch(
        connection,
        account_id=account_id,
        label_no=label_no,
        partitions=partitions,
        partition=partition,
        after=after,
        limit=limit,
    )
    return [row["contact_id"] for row in rows]


async def count_assignments(connection: PoolConnectionProxy, label_no: int) -> int:
    """Count the assignments of a label, held or not."""
    count: int = await QUERIES["count_assignments"].fetchval(connection, label_no=label_no)
    return count


async def delete_pairs(connection: PoolConnectionProxy, label_no: int, contact_ids: Collection[int]) -> None:
    """Delete the assignments of a label to these contacts."""
    await QUERIES["delete_pairs"].execute(connection, label_no=label_no, contact_ids=list(contact_ids))
