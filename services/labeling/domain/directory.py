"""Decide which contact gets which address and external id, for many rows at once.

A directory entry is written before its contact, in a transaction of its own. Its owner is therefore one of

    holder      the contact exists and has the key
    newcomer    the contact does not exist: it is being created, or its creation was interrupted
    nobody      the contact exists without the key: a change that is under way, or was interrupted

Rows with the same key share a newcomer's id; an entry of nobody may be taken. Whoever writes the contact checks
again, under a lock, that it still owns the entries.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Kind = Literal["email", "external"]
Key = tuple[Kind, str]
Mode = Literal["create", "update", "upsert"]


class Entry(NamedTuple):
    """The directory's entry for a key."""

    contact_id: int
    owner: Literal["holder", "newcomer", "nobody"]


class Claim(NamedTuple):
    """A row that wants keys. `contact_id` is given for an update only."""

    mode: Mode
    keys: tuple[Key, ...]
    contact_id: int | None = None


class Conflict(NamedTuple):
    """A row that cannot have the key."""

    key: Key


class Settlement(NamedTuple):
    """For each row its contact id or conflict; the number of new ids; the entries to write."""

    rows: list[int | Conflict]
    entries: dict[Key, int]
    created: int


def settle(claims: Sequence[Claim], directory: Mapping[Key, Entry], next_id: int) -> Settlement:
    """Decide row by row; later rows see the result of earlier ones. New ids begin at `next_id`."""
    known = dict(directory)
    entries: dict[Key, int] = {}
    rows: list[int | Conflict] = []
    given = next_id
    for claim in claims:
        who = _who(claim, known)
        if who is None:
            who, given = given, given + 1
        rows.append(who)
        if isinstance(who, Conflict):
            continue
        for key in claim.keys:
            before = known.get(key)
            if before is None or before.contact_id != who:
                entries[key] = who
            known[key] = Entry(who, "holder")
    return Settlement(rows, entries, given - next_id)


def _who(claim: Claim, known: Mapping[Key, Entry]) -> int | Conflict | None:
    """Return the contact of a row, by external id, then by address; None if it is new."""
    who, newcomer = claim.contact_id, None
    for key in sorted(claim.keys, key=lambda key: key[0] != "external"):
        entry = known.get(key)
        if entry is None or entry.owner == "nobody":
            continue
        if entry.owner == "newcomer":
            newcomer = newcomer or entry.contact_id
        elif claim.mode == "create" or (who is not None and who != entry.contact_id):
            return Conflict(key)
        else:
            who = entry.contact_id
    return who if who is not None else newcomer
