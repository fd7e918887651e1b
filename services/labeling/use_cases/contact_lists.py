"""Lists of contacts: found by words, filtered, in an order."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from services.labeling.domain.assignments import Assignment
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import Label
from services.labeling.store import contact_search
from services.labeling.store.assignments import assignments_of_pairs
from services.labeling.store.contact_search import Filters, FoundContact
from services.labeling.store.contacts import StoredContact
from services.labeling.store.exports import next_ids
from services.labeling.store.import_rows import ImportOutcome, contacts_of_import
from services.labeling.store.segment_members import members_of

AT_A_TIME = 1_000  # contacts that are looked at for one page
MOST_WORDS = 5

Key = tuple[datetime, int]


class OfImport(NamedTuple):
    """The contacts that an import touched, all or those that it counted with an outcome."""

    import_id: UUID
    outcome: ImportOutcome | None = None


class ContactFilter(NamedTuple):
    """Which contacts are wanted."""

    label: Label | None = None
    segment: UUID | None = None
    subscription: str | None = None
    changed_since: datetime | None = None
    of_import: OfImport | None = None


async def search_contacts(
    connection: PoolConnectionProxy, account_id: int, text: str, after: FoundContact | None, limit: int
) -> list[tuple[FoundContact, StoredContact]]:
    """Return contacts with words that begin with those of `text`, in the order of the words.

    Raises InvalidError for a text without words.
    """
    prefixes = sorted(set(text.lower().split()), key=len, reverse=True)[:MOST_WORDS]
    if not prefixes:
        raise InvalidError("has no word to search for", "/query/search")
    found = await contact_search.search_words(connection, account_id, prefixes, after or FoundContact("", 0), limit)
    stored = await contact_search.stored_contacts(connection, account_id, [one.contact_id for one in found])
    return [(one, stored[one.contact_id]) for one in found if one.contact_id in stored]


async def contacts_by_id(
    connection: PoolConnectionProxy, account_id: int, wanted: ContactFilter, after: int, limit: int
) -> list[StoredContact]:
    """Return the next contacts of a selection, by id."""
    members = await _members(connection, account_id, wanted.segment)

    async def candidates(last: int) -> list[int]:
        if wanted.label is not None:
            return await next_ids(connection, "label", after=last, limit=AT_A_TIME, label_no=wanted.label.no)
        if members is not None:
            first = members.rank(last)
            return list(members[first : first + AT_A_TIME])
        if wanted.of_import is not None:
            return await contacts_of_import(connection, *wanted.of_import, after=last, limit=AT_A_TIME)
        return await contact_search.ids_by_id(connection, account_id, _filters(wanted), last, limit)

    page: list[StoredContact] = []
    while len(page) < limit:
        ids = await candidates(after)
        if not ids:
            break
        after = ids[-1]
        wanted_ids = await _touched(
            connection, wanted.of_import, [one for one in ids if members is None or one in members]
        )
        passing = await contact_search.ids_by_id(
            connection, account_id, _filters(wanted)._replace(only=wanted_ids), 0, limit - len(page)
        )
        stored = await contact_search.stored_contacts(connection, account_id, passing)
        page += [stored[contact_id] for contact_id in passing if contact_id in stored]
    return page


async def contacts_by_change(
    connection: PoolConnectionProxy, account_id: int, wanted: ContactFilter, before: Key | None, limit: int
) -> list[StoredContact]:
    """Return the next contacts of a selection, changed last first."""
    members = await _members(connection, account_id, wanted.segment)
    passes = _holds(connection, wanted.label)
    last = before or (contact_search.LATEST, contact_search.MOST_ID)
    page: list[StoredContact] = []
    while len(page) < limit:
        keys = await contact_search.ids_by_change(connection, account_id, _filters(wanted), last, AT_A_TIME)
        if not keys:
            break
        last = keys[-1]
        ids = [contact_id for _, contact_id in keys if members is None or contact_id in members]
        ids = await _touched(connection, wanted.of_import, ids)
        passing = (await passes(ids))[: limit - len(page)]
        stored = await contact_search.stored_contacts(connection, account_id, passing)
        page += [stored[contact_id] for contact_id in passing if contact_id in stored]
    return page


def _filters(wanted: ContactFilter) -> Filters:
    return Filters(wanted.subscription, wanted.changed_since)


async def _touched(connection: PoolConnectionProxy, of_import: OfImport | None, ids: list[int]) -> list[int]:
    """Return those of the contacts that the import touched, in their order; all if no import is named."""
    if of_import is None or not ids:
        return ids
    touched = {*await contacts_of_import(connection, *of_import, only=ids)}
    return [contact_id for contact_id in ids if contact_id in touched]


async def _members(connection: PoolConnectionProxy, account_id: int, segment: UUID | None) -> BitMap | None:
    if segment is None:
        return None
    return await members_of(connection, account_id, segment) or BitMap()


def _holds(connection: PoolConnectionProxy, label: Label | None) -> Callable[[Sequence[int]], Awaitable[Sequence[int]]]:
    async def holders(contact_ids: Sequence[int]) -> Sequence[int]:
        if label is None:
            return contact_ids
        stored = await assignments_of_pairs(connection, [(label.no, contact_id) for contact_id in contact_ids])
        return [one for one in contact_ids if stored.get((label.no, one), Assignment()).held]

    return holders
