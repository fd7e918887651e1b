"""Lists of contacts: searched, filtered and sorted."""

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

BATCH_SIZE = 1_000  # contacts that are read at once for a page
MOST_READ = 10_000  # contacts that a search reads for one page, at 20 to 50 µs each
MOST_WORDS = 5  # of a search; the longest ones

Key = tuple[datetime, int]


class OfImport(NamedTuple):
    """The contacts that an import touched: all, or those with an outcome."""

    import_id: UUID
    outcome: ImportOutcome | None = None


class ContactFilter(NamedTuple):
    """The filters of a list of contacts."""

    label: Label | None = None
    segment: UUID | None = None
    subscription: str | None = None
    changed_since: datetime | None = None
    of_import: OfImport | None = None


class FoundPage(NamedTuple):
    """Contacts that a search found, and the last one that it read, after which it continues; None at its end."""

    contacts: Sequence[tuple[FoundContact, StoredContact]]
    following: FoundContact | None


async def search_contacts(
    connection: PoolConnectionProxy, account_id: int, text: str, after: FoundContact | None, limit: int
) -> FoundPage:
    """Return up to `limit` contacts with words that begin with those of `text`, in the order of the words.

    If the words are frequent but seldom in the same contact, a bounded number of contacts is read: the page may then be
    short or empty although the search continues. Raises InvalidError for a text without words.
    """
    prefixes = _prefixes(text)
    if not prefixes:
        raise InvalidError("has no word to search for", "/query/search")
    first = await _rarest(connection, account_id, prefixes, after)
    others = [prefix for prefix in prefixes if prefix != first]
    found: list[FoundContact] = []
    last, batch_size, read = after or FoundContact("", 0), limit + 1, 0
    while True:
        words = await contact_search.search_words(connection, account_id, first, others, last, batch_size)
        for word, matches in words:
            if matches and len(found) == limit:
                return await _found_page(connection, account_id, found, found[-1])
            if matches:
                found.append(word)
        if len(words) < batch_size:
            return await _found_page(connection, account_id, found, None)
        last = words[-1][0]
        read += batch_size
        if read > MOST_READ:
            return await _found_page(connection, account_id, found, last)
        batch_size = BATCH_SIZE


async def _found_page(
    connection: PoolConnectionProxy, account_id: int, found: Sequence[FoundContact], following: FoundContact | None
) -> FoundPage:
    stored = await contact_search.stored_contacts(connection, account_id, [match.contact_id for match in found])
    return FoundPage([(match, stored[match.contact_id]) for match in found if match.contact_id in stored], following)


def _prefixes(text: str) -> list[str]:
    """Return the longest words of a text, longest first, without words that are prefixes of others."""
    words = sorted(set(text.lower().split()), key=len, reverse=True)
    prefixes = [
        word for index, word in enumerate(words) if not any(longer.startswith(word) for longer in words[:index])
    ]
    return prefixes[:MOST_WORDS]


async def _rarest(
    connection: PoolConnectionProxy, account_id: int, prefixes: Sequence[str], after: FoundContact | None
) -> str:
    """Return the prefix whose words the search reads: the one with the fewest words, or the previous page's."""
    if after is not None:
        return next((prefix for prefix in prefixes if after.word.startswith(prefix)), prefixes[0])
    if len(prefixes) == 1:
        return prefixes[0]
    counts = {
        prefix: await contact_search.count_words(connection, account_id, prefix, MOST_READ) for prefix in prefixes
    }
    return min(prefixes, key=counts.__getitem__)


async def contacts_by_id(
    connection: PoolConnectionProxy, account_id: int, selection: ContactFilter, after: int, limit: int
) -> list[StoredContact]:
    """Return up to `limit` contacts of a selection with an id higher than `after`, ascending."""
    members = await _members(connection, account_id, selection.segment)

    async def next_candidates(last_id: int) -> list[int]:
        if selection.label is not None:
            return await next_ids(connection, "label", after=last_id, limit=BATCH_SIZE, label_no=selection.label.no)
        if members is not None:
            first = members.rank(last_id)
            return list(members[first : first + BATCH_SIZE])
        if selection.of_import is not None:
            return await contacts_of_import(connection, *selection.of_import, after=last_id, limit=BATCH_SIZE)
        return await contact_search.ids_by_id(connection, account_id, _filters(selection), last_id, limit)

    page: list[StoredContact] = []
    while len(page) < limit:
        ids = await next_candidates(after)
        if not ids:
            break
        after = ids[-1]
        ids = [contact_id for contact_id in ids if members is None or contact_id in members]
        ids = await _touched(connection, selection.of_import, ids)
        passing = await contact_search.ids_by_id(
            connection, account_id, _filters(selection)._replace(only=ids), 0, limit - len(page)
        )
        stored = await contact_search.stored_contacts(connection, account_id, passing)
        page += [stored[contact_id] for contact_id in passing if contact_id in stored]
    return page


async def contacts_by_change(
    connection: PoolConnectionProxy, account_id: int, selection: ContactFilter, before: Key | None, limit: int
) -> list[StoredContact]:
    """Return up to `limit` contacts of a selection that changed before `before`, most recently changed first."""
    members = await _members(connection, account_id, selection.segment)
    holders = _holder_filter(connection, selection.label)
    last = before or (contact_search.LATEST, contact_search.MOST_ID)
    page: list[StoredContact] = []
    while len(page) < limit:
        keys = await contact_search.ids_by_change(connection, account_id, _filters(selection), last, BATCH_SIZE)
        if not keys:
            break
        last = keys[-1]
        ids = [contact_id for _, contact_id in keys if members is None or contact_id in members]
        ids = await _touched(connection, selection.of_import, ids)
        passing = (await holders(ids))[: limit - len(page)]
        stored = await contact_search.stored_contacts(connection, account_id, passing)
        page += [stored[contact_id] for contact_id in passing if contact_id in stored]
    return page


def _filters(selection: ContactFilter) -> Filters:
    return Filters(selection.subscription, selection.changed_since)


async def _touched(connection: PoolConnectionProxy, of_import: OfImport | None, ids: list[int]) -> list[int]:
    """Return those of the contacts that the import touched, in the same order; all of them if it is None."""
    if of_import is None or not ids:
        return ids
    touched = {*await contacts_of_import(connection, *of_import, only=ids)}
    return [contact_id for contact_id in ids if contact_id in touched]


async def _members(connection: PoolConnectionProxy, account_id: int, segment: UUID | None) -> BitMap | None:
    if segment is None:
        return None
    return await members_of(connection, account_id, segment) or BitMap()


def _holder_filter(
    connection: PoolConnectionProxy, label: Label | None
) -> Callable[[Sequence[int]], Awaitable[Sequence[int]]]:
    async def holders(contact_ids: Sequence[int]) -> Sequence[int]:
        if label is None:
            return contact_ids
        stored = await assignments_of_pairs(connection, [(label.no, contact_id) for contact_id in contact_ids])
        return [contact_id for contact_id in contact_ids if stored.get((label.no, contact_id), Assignment()).held]

    return holders
