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

MOST_IN_MEMORY = 2_000  # the most recently used things
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
        self._decoders = {model.type(): json.Decoder(model).decode for model in types}
        self._recent: OrderedDict[str, CatalogEvent] = OrderedDict()
        # An empty name means a temporary file. SQLite serialises access by several threads. The only transaction is
        # never committed: no other connection reads the file, and a commit for each thing would cost a third more.
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
        cached = self._recent.get(key)
        if cached is not None:
            self._recent.move_to_end(key)
            return cached
        row = self._file.execute("SELECT type, body FROM things WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._remember(key, self._read(*row))

    def of_account(self, model: type[Thing], account_id: int | None) -> list[Thing]:
        """Return the things of a type, of one account or of all."""
        condition, arguments = ("account_id = ? AND", (account_id,)) if account_id is not None else ("", ())
        rows = self._file.execute(
            f"SELECT type, body FROM things WHERE {condition} type = ?",  # noqa: S608 - fixed text
            (*arguments, model.type()),
        )
        return [self._read(*row) for row in rows]  # type: ignore[misc] # of that type

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that contains a link."""
        row = self._file.execute("SELECT message_id FROM links WHERE link_id = ?", (link_id.bytes,)).fetchone()
        return None if row is None else UUID(bytes=row[0])

    def _read(self, type_name: str, body: bytes) -> CatalogEvent:
        return self._decoders[type_name](zlib.decompress(body))

    def _remember(self, key: str, event: CatalogEvent) -> CatalogEvent:
        self._recent[key] = event
        if len(self._recent) > MOST_IN_MEMORY:
            self._recent.popitem(last=False)
        return event
