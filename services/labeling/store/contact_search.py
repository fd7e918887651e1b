"""Finds contacts by words and filters, holders of labels, and the timeline of a contact."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.contacts import Contact
from services.labeling.store.assignments import Holder
from services.labeling.store.contacts import StoredContact
from services.labeling.store.history import origin_of
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

HolderOrder = Literal["clicks", "last_click", "since"]
MomentKind = Literal["label", "engagement", "decision", "change"]


class FoundContact(NamedTuple):
    """A contact that was found by a word."""

    word: str
    contact_id: int


class Filters(NamedTuple):
    """Filters of a list of contacts; None means no filter."""

    subscription: str | None = None
    changed_since: datetime | None = None
    only: Sequence[int] | None = None


class Moment(NamedTuple):
    """An event of a contact's timeline. `key` orders events with the same time."""

    at: datetime
    kind: MomentKind
    key: str
    details: dict[str, Any]


async def count_words(connection: PoolConnectionProxy, account_id: int, prefix: str, most: int) -> int:
    """Return how many words of contacts begin with a prefix, at most `most`."""
    count: int = await QUERIES["count_words"].fetchval(connection, account_id=account_id, prefix=prefix, limit=most)
    return count


async def search_words(
    connection: PoolConnectionProxy,
    account_id: int,
    prefix: str,
    others: Sequence[str],
    after: FoundContact,
    limit: int,
) -> list[tuple[FoundContact, bool]]:
    """Return the next words that begin with `prefix`, and whether each counts as a match for its contact.

    A contact is matched by its first word that begins with `prefix`, if it has a word for each of `others`. Fewer than
    `limit` words mean that there are no more.
    """
    after = max(after, FoundContact(prefix, 0))
    rows = await QUERIES["search"].fetch(
        connection,
        account_id=account_id,
        prefix=prefix,
        others=others,
        after_word=after.word,
        after_id=after.contact_id,
        limit=limit,
    )
    return [(FoundContact(row["word"], row["contact_id"]), row["matches"]) for row in rows]


async def ids_by_id(
    connection: PoolConnectionProxy, account_id: int, filters: Filters, after: int, limit: int
) -> list[int]:
    """Return the next contacts that pass the filters, by id."""
    rows = await QUERIES["page_by_id"].fetch(
        connection,
        account_id=account_id,
        after_id=after,
        only=filters.only,
        subscription=filters.subscription,
        changed_since=filters.changed_since,
        limit=limit,
    )
    return [row["contact_id"] for row in rows]


async def ids_by_change(
    connection: PoolConnectionProxy, account_id: int, filters: Filters, before: tuple[datetime, int], limit: int
) -> list[tuple[datetime, int]]:
    """Return the next contacts that pass the filters, most recently changed first, with the time of the change."""
    rows = await QUERIES["page_by_change"].fetch(
        connection,
        account_id=account_id,
        before=before[0],
        before_id=before[1],
        only=filters.only,
        subscription=filters.subscription,
        changed_since=filters.changed_since,
        limit=limit,
    )
    return [(row["changed_at"], row["contact_id"]) for row in rows]


async def stored_contacts(
    connection: PoolConnectionProxy, account_id: int, contact_ids: Collection[int]
) -> dict[int, StoredContact]:
    """Return those of the contacts that exist, by id."""
    rows = await QUERIES["stored_contacts"].fetch(connection, account_id=account_id, contact_ids=list(contact_ids))
    return {row["contact_id"]: _stored(row) for row in rows}


def _stored(row: Record) -> StoredContact:
    contact = Contact(
        external_id=row["external_id"],
        email=row["email"],
        email_key=row["email_key"],
        fields=orjson.loads(row["fields"]),
        subscription=row["subscription"],
        tracking_consent=row["tracking_consent"],
        source=row["source"],
        language=row["language"],
    )
    return StoredContact(row["contact_id"], contact, row["created_at"], row["changed_at"])


async def holders_in_order(
    connection: PoolConnectionProxy,
    account_id: int,
    label_no: int,
    order: HolderOrder,
    *,
    at_least: int,
    before: tuple[Any, int],
    limit: int,
) -> list[Holder]:
    """Return a page of the holders of a label with at least `at_least` clicks, in descending order."""
    rows = await QUERIES[f"holders_by_{order}"].fetch(
        connection,
        account_id=account_id,
        label_no=label_no,
        at_least=at_least,
        before=before[0],
        before_id=before[1],
        limit=limit,
    )
    return [Holder(*row) for row in rows]


async def moments_of(
    connection: PoolConnectionProxy, account_id: int, contact_id: int, before: datetime, limit: int
) -> list[Moment]:
    """Return the last moments of a contact until `before`, newest first, up to `limit` of each kind."""
    page = {"account_id": account_id, "contact_id": contact_id, "before": before, "limit": limit}
    labels = [_label_moment(row) for row in await QUERIES["timeline_of_labels"].fetch(connection, **page)]
    engaged = [_engagement_moment(row) for row in await QUERIES["timeline_of_engagements"].fetch(connection, **page)]
    changes = [_change_moment(row) for row in await QUERIES["timeline_of_changes"].fetch(connection, **page)]
    decisions = [_decision_moment(row) for row in await QUERIES["timeline_of_decisions"].fetch(connection, **page)]
    return sorted([*labels, *engaged, *changes, *decisions], key=lambda moment: (moment.at, moment.key), reverse=True)


def _label_moment(row: Record) -> Moment:
    details = {
        "label_id": str(row["label_id"]),
        "label_name": row["label_name"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "origin": origin_of(row),
    }
    return Moment(row["occurred_at"], "label", f"label:{row['entry']:020}", details)


def _engagement_moment(row: Record) -> Moment:
    details = {
        "kind": row["kind"],
        "ref": row["ref"],
        "message_id": None if row["message_id"] is None else str(row["message_id"]),
        "send": None if row["send"] is None else orjson.loads(row["send"]),
        "attributes": orjson.loads(row["attributes"]),
    }
    return Moment(row["occurred_at"], "engagement", f"engagement:{row['event_id']}", details)


def _decision_moment(row: Record) -> Moment:
    details = {
        "subject": row["subject"],
        "before": row["before"],
        "after": row["after"],
        "origin": orjson.loads(row["origin"]),
        "wording": row["wording"],
    }
    return Moment(row["occurred_at"], "decision", f"decision:{row['entry']:020}", details)


def _change_moment(row: Record) -> Moment:
    state = orjson.loads(row["personal"])
    for name in ("event_id", "occurred_at", "account_id", "contact_id"):
        state.pop(name, None)
    return Moment(row["occurred_at"].astimezone(UTC), "change", f"change:{row['event_id']}", {"contact": state})


MOST_ID = 2**62
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
NEVER = datetime(1, 1, 2, tzinfo=UTC)  # the value for a holder that has not clicked
MOST_CLICKS = 2**31 - 1
