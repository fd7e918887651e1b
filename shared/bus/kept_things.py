"""The large things of the catalogs, on disk, read on demand (docs/decisions/catalogs.md)."""

import sqlite3
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from msgspec import json

from shared.events.codec import body_of
from shared.events.envelope import CatalogEvent
from shared.events.tracking import MessageChanged

Thing = TypeVar("Thing", bound=CatalogEvent)

MOST_IN_MEMORY = 2_000  # things that were asked for last
CACHE_KIBIBYTES = 8_192  # of pages of the file

_SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -{CACHE_KIBIBYTES};
CREATE TABLE things (key TEXT PRIMARY KEY, account_id INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX things_of_account ON things (account_id, type);
CREATE TABLE links (link_id BLOB PRIMARY KEY, message_id BLOB NOT NULL) WITHOUT ROWID;
BEGIN;
"""


class KeptThings:
    """The newest state of each thing of the types that are kept on disk, and the message of every link.

    The file is private to this object and has no name, so it disappears when the process ends, even by a crash.
    """

    def __init__(self, types: Iterable[type[CatalogEvent]]) -> None:
        self._read_as = {model.type(): json.Decoder(model).decode for model in types}
        self._recent: OrderedDict[str, CatalogEvent] = OrderedDict()
        # An empty name means a temporary file. SQLite serialises access by threads. The one transaction is never
        # committed: nobody else reads the file, and a commit for each thing would cost a third more.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.executescript(_SCHEMA)

    def keep(self, event: CatalogEvent) -> None:
        """Write a thing's newest state."""
        body = zlib.compress(body_of(event), level=1)
        self._file.execute(
            "INSERT OR REPLACE INTO things (key, account_id, type, body) VALUES (?, ?, ?, ?)",
            (event.key, event.account_id, event.type(), body),
        )
        if isinstance(event, MessageChanged):
            self._file.executemany(
                "INSERT OR REPLACE INTO links (link_id, message_id) VALUES (?, ?)",
                [(link.id.bytes, event.message_id.bytes) for link in event.links],
            )
        self._recent.pop(event.key, None)

    def forget(self, key: str) -> None:
        """Remove a thing if it exists."""
        self._file.execute("DELETE FROM things WHERE key = ?", (key,))
        self._recent.pop(key, None)

    def find(self, key: str) -> CatalogEvent | None:
        """Return the newest state of a thing; the same object while it stays cached."""
        found = self._recent.get(key)
        if found is not None:
            self._recent.move_to_end(key)
            return found
        row = self._file.execute("SELECT type, body FROM things WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._remember(key, self._read(*row))

    def of_account(self, model: type[Thing], account_id: int | None) -> list[Thing]:
        """Return the things of a type, of one account or of all."""
        which, of = ("account_id = ? AND", (account_id,)) if account_id is not None else ("", ())
        rows = self._file.execute(f"SELECT type, body FROM things WHERE {which} type = ?", (*of, model.type()))  # noqa: S608 - no text of others
        return [self._read(*row) for row in rows]  # type: ignore[misc] # of that type

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that contains a link."""
        row = self._file.execute("SELECT message_id FROM links WHERE link_id = ?", (link_id.bytes,)).fetchone()
        return None if row is None else UUID(bytes=row[0])

    def _read(self, kind: str, body: bytes) -> CatalogEvent:
        return self._read_as[kind](zlib.decompress(body))

    def _remember(self, key: str, event: CatalogEvent) -> CatalogEvent:
        self._recent[key] = event
        if len(self._recent) > MOST_IN_MEMORY:
            self._recent.popitem(last=False)
        return event
