"""Decides which contact gets which address and external id, for many rows at once.

A directory entry is written before its contact, in a transaction of its own. Its owner is therefore one of

    holder      the contact exists and has the key
    newcomer    the contact does not exist: it is being created, or its creation was interrupted
    nobody      the contact exists without the key: a change that is under way, or was interrupted

Rows with the same key share a newcomer's id; an entry whose owner is `nobody` may be taken. The writer of the contact
checks again, under a lock, that the contact still owns the entries.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal["email", "external"]
Key = tuple[Kind, str]
Mode = Literal["create", "update", "upsert"]
NEW = 1 << 40  # new contacts are numbered from here until their ids are allocated; no contact has such an id
NOBODY = 0  # the contact id of an entry that exists only to be locked
NO_KEYS: Mapping[int, Collection[Key]] = MappingProxyType({})


class DirectoryEntry(NamedTuple):
    """The directory's entry for a key."""

    contact_id: int
    owner: Literal["holder", "newcomer", "nobody"]


class KeyClaim(NamedTuple):
    """The keys that a row claims for its contact. `contact_id` is set for an update only."""

    mode: Mode
    keys: tuple[Key, ...]
    contact_id: int | None = None


class KeyConflict(NamedTuple):
    """The result of a row that is refused, because another contact has `key`."""

    key: Key


class Settlement(NamedTuple):
    """For each row its contact id or conflict; the entries to write; the number of new contacts.

    `handovers` are keys that one contact releases and another takes in the same batch, with both contacts: their
    entries move in the unit of work that writes the contacts.
    """

    rows: list[int | KeyConflict]
    entries: dict[Key, int]
    created: int
    handovers: dict[Key, tuple[int, int]]


class Settling:
    """Decides row by row, in small steps; later rows see the result of earlier ones.

    `held` are the present keys of the contacts that occur in the claims or in the directory.
    """

    def __init__(
        self,
        claims: Sequence[KeyClaim],
        directory: Mapping[Key, DirectoryEntry],
        held: Mapping[int, Collection[Key]] = NO_KEYS,
    ) -> None:
        self.claims = claims
        self.known = dict(directory)
        self.held = held
        self.created = 0
        self.rows: list[int | KeyConflict] = []
        self.free: set[Key] = set()  # released by an earlier row
        self.entries: dict[Key, int] = {}
        self.handovers: dict[Key, tuple[int, int]] = {}

    def steps(self) -> Iterator[None]:
        """Decide on all rows, in short steps, so that the caller can let other tasks run in between."""
        released: dict[Key, int] = {}
        yield from self._find_released(released)
        for claim in self.claims:
            result = self._contact_of(claim, released)
            if result is None:
                result, self.created = NEW + self.created, self.created + 1
            self.rows.append(result)
            if not isinstance(result, KeyConflict):
                self._assign_keys(claim, result)
            yield

    def settlement(self, first_id: int) -> Settlement:
        """Return what was decided; the ids of new contacts begin at `first_id`."""

        def numbered(contact_id: int) -> int:
            return contact_id if contact_id < NEW else contact_id - NEW + first_id

        return Settlement(
            [row if isinstance(row, KeyConflict) else numbered(row) for row in self.rows],
            {key: numbered(contact_id) for key, contact_id in self.entries.items()},
            self.created,
            {key: (numbered(giver), numbered(taker)) for key, (giver, taker) in self.handovers.items()},
        )

    def _find_released(self, released: dict[Key, int]) -> Iterator[None]:
        """Add the keys that rows release to `released`, with the contacts that have them.

        A row that will be refused, because another contact keeps a key that it takes, releases no keys. Rows that take
        its keys may then be refused as well.
        """
        rows: dict[int, tuple[KeyClaim, int, list[Key]]] = {}
        release_counts: Counter[Key] = Counter()
        takers: dict[Key, list[int]] = {}
        for number, claim in enumerate(self.claims):
            contact_id = self._identified(claim)
            if contact_id is not None:
                keys = self._released_by(claim, contact_id)
                rows[number] = claim, contact_id, keys
                release_counts.update(keys)
                released.update(dict.fromkeys(keys, contact_id))
                for key in claim.keys:
                    takers.setdefault(key, []).append(number)
            yield
        unchecked = list(rows)
        while unchecked:
            number = unchecked.pop()
            if number in rows and self._is_blocked(*rows[number][:2], released):
                for key in rows.pop(number)[2]:
                    release_counts[key] -= 1
                    if not release_counts[key]:
                        del released[key]
                        unchecked += takers.get(key, ())
            yield

    def _is_blocked(self, claim: KeyClaim, contact_id: int, released: Mapping[Key, int]) -> bool:
        entries = ((key, self.known.get(key)) for key in claim.keys)
        return any(
            entry is not None and entry.owner == "holder" and entry.contact_id not in (contact_id, released.get(key))
            for key, entry in entries
        )

    def _identified(self, claim: KeyClaim) -> int | None:
        """Return the contact that a row identifies by its id, or else by its external id, or None."""
        if claim.contact_id is not None or claim.mode == "create":
            return claim.contact_id
        entries = (self.known.get(key) for key in claim.keys if key[0] == "external")
        return next((entry.contact_id for entry in entries if entry is not None and entry.owner == "holder"), None)

    def _released_by(self, claim: KeyClaim, contact_id: int) -> list[Key]:
        kinds = {kind for kind, _ in claim.keys}
        return [key for key in self.held.get(contact_id, ()) if key[0] in kinds and key not in claim.keys]

    def _contact_of(self, claim: KeyClaim, released: Mapping[Key, int]) -> int | KeyConflict | None:
        """Return the contact of a row, by external id, then by address; None if it is new."""
        contact_id, newcomer = claim.contact_id, None
        for key in sorted(claim.keys, key=lambda key: key[0] != "external"):
            entry = self.known.get(key)
            if entry is None or entry.owner == "nobody" or key in self.free:
                continue
            if released.get(key) == entry.contact_id and self._is_for_another(claim, entry.contact_id):
                continue
            if entry.owner == "newcomer":
                newcomer = newcomer or entry.contact_id
            elif claim.mode == "create" or (contact_id is not None and contact_id != entry.contact_id):
                return KeyConflict(key)
            else:
                contact_id = entry.contact_id
        return contact_id if contact_id is not None else newcomer

    def _is_for_another(self, claim: KeyClaim, contact_id: int) -> bool:
        """Return whether a row is about another contact than `contact_id`, which releases a key to it."""
        identified = self._identified(claim)
        if identified is not None:
            return identified != contact_id
        return claim.mode == "create" or any(kind == "external" for kind, _ in claim.keys)

    def _assign_keys(self, claim: KeyClaim, contact_id: int) -> None:
        for key in self._released_by(claim, contact_id):
            self.free.add(key)
        for key in claim.keys:
            before = self.known.get(key)
            if before is not None and before.owner == "holder" and before.contact_id != contact_id:
                self.handovers[key] = (before.contact_id, contact_id)
            elif before is None or before.contact_id != contact_id:
                self.entries[key] = contact_id
            self.known[key] = DirectoryEntry(contact_id, "holder")
            self.free.discard(key)
