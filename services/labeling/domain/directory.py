"""Decides which contact gets which address and external id, for many rows at once.

A directory entry is written before its contact, in a transaction of its own. Its owner is therefore one of

    holder      the contact exists and has the key
    newcomer    the contact does not exist: it is being created, or its creation was interrupted
    nobody      the contact exists without the key: a change that is under way, or was interrupted

Rows with the same key share a newcomer's id; an entry of nobody may be taken. The writer of the contact checks
again, under a lock, that it still owns the entries.
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
    """A row that claims keys. `contact_id` is given for an update only."""

    mode: Mode
    keys: tuple[Key, ...]
    contact_id: int | None = None


class KeyConflict(NamedTuple):
    """A row that cannot have the key."""

    key: Key


class Settlement(NamedTuple):
    """For each row its contact id or conflict; the number of new ids; the entries to write.

    `handovers` are keys that one contact releases and another takes in the same batch, with both contacts: their
    entries move in the unit of work that writes the contacts.
    """

    rows: list[int | KeyConflict]
    entries: dict[Key, int]
    created: int
    handovers: dict[Key, tuple[int, int]]


class Settling:
    """Decides row by row, in small steps; later rows see the result of earlier ones.

    `held` are the keys that contacts have now, for those that the claims or the directory name.
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
        leaving: dict[Key, int] = {}
        yield from self._find_leaving(leaving)
        for claim in self.claims:
            who = self._who(claim, leaving)
            if who is None:
                who, self.created = NEW + self.created, self.created + 1
            self.rows.append(who)
            if not isinstance(who, KeyConflict):
                self._take(claim, who)
            yield

    def settlement(self, first_id: int) -> Settlement:
        """Return what was decided; the ids of new contacts begin at `first_id`."""

        def numbered(who: int) -> int:
            return who if who < NEW else who - NEW + first_id

        return Settlement(
            [who if isinstance(who, KeyConflict) else numbered(who) for who in self.rows],
            {key: numbered(who) for key, who in self.entries.items()},
            self.created,
            {key: (numbered(giver), numbered(taker)) for key, (giver, taker) in self.handovers.items()},
        )

    def _find_leaving(self, leaving: dict[Key, int]) -> Iterator[None]:
        """Find the keys that rows release, with the contacts that have them.

        A row that will be refused, because another contact keeps a key that it takes, releases no keys. Rows that take
        its keys may then be refused as well.
        """
        rows: dict[int, tuple[KeyClaim, int, list[Key]]] = {}
        givers: Counter[Key] = Counter()
        takers: dict[Key, list[int]] = {}
        for number, claim in enumerate(self.claims):
            who = self._identified(claim)
            if who is not None:
                given_up = self._given_up(claim, who)
                rows[number] = claim, who, given_up
                givers.update(given_up)
                leaving.update(dict.fromkeys(given_up, who))
                for key in claim.keys:
                    takers.setdefault(key, []).append(number)
            yield
        looked_at = list(rows)
        while looked_at:
            number = looked_at.pop()
            if number in rows and self._is_blocked(*rows[number][:2], leaving):
                for key in rows.pop(number)[2]:
                    givers[key] -= 1
                    if not givers[key]:
                        del leaving[key]
                        looked_at += takers.get(key, ())
            yield

    def _is_blocked(self, claim: KeyClaim, who: int, leaving: Mapping[Key, int]) -> bool:
        entries = ((key, self.known.get(key)) for key in claim.keys)
        return any(
            entry is not None and entry.owner == "holder" and entry.contact_id not in (who, leaving.get(key))
            for key, entry in entries
        )

    def _identified(self, claim: KeyClaim) -> int | None:
        """Return the contact that a row names by its id, or else by its external id."""
        if claim.contact_id is not None or claim.mode == "create":
            return claim.contact_id
        entries = (self.known.get(key) for key in claim.keys if key[0] == "external")
        return next((entry.contact_id for entry in entries if entry is not None and entry.owner == "holder"), None)

    def _given_up(self, claim: KeyClaim, who: int) -> list[Key]:
        kinds = {kind for kind, _ in claim.keys}
        return [key for key in self.held.get(who, ()) if key[0] in kinds and key not in claim.keys]

    def _who(self, claim: KeyClaim, leaving: Mapping[Key, int]) -> int | KeyConflict | None:
        """Return the contact of a row, by external id, then by address; None if it is new."""
        who, newcomer = claim.contact_id, None
        for key in sorted(claim.keys, key=lambda key: key[0] != "external"):
            entry = self.known.get(key)
            if entry is None or entry.owner == "nobody" or key in self.free:
                continue
            if leaving.get(key) == entry.contact_id and self._means_another(claim, entry.contact_id):
                continue
            if entry.owner == "newcomer":
                newcomer = newcomer or entry.contact_id
            elif claim.mode == "create" or (who is not None and who != entry.contact_id):
                return KeyConflict(key)
            else:
                who = entry.contact_id
        return who if who is not None else newcomer

    def _means_another(self, claim: KeyClaim, contact_id: int) -> bool:
        """Return whether a row is about another contact than the one that releases a key to it."""
        identified = self._identified(claim)
        if identified is not None:
            return identified != contact_id
        return claim.mode == "create" or any(kind == "external" for kind, _ in claim.keys)

    def _take(self, claim: KeyClaim, who: int) -> None:
        for key in self._given_up(claim, who):
            self.free.add(key)
        for key in claim.keys:
            before = self.known.get(key)
            if before is not None and before.owner == "holder" and before.contact_id != who:
                self.handovers[key] = (before.contact_id, who)
            elif before is None or before.contact_id != who:
                self.entries[key] = who
            self.known[key] = DirectoryEntry(who, "holder")
            self.free.discard(key)
