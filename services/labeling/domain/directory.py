"""Who may have which address and external id: the decision for many rows at once, on what the directory holds.

An entry is made before its contact, in a transaction of its own. So an entry may stand for

    a holder    the contact exists and says itself that it has the key
    a newcomer  there is no such contact: it is being created, or was going to be
    nobody      the contact exists and does not have the key: a change that never came, or is coming

A newcomer's id is shared by whoever comes with the same key; nobody's entry may be taken. Whoever writes the contact
later looks again, under a lock, whether the entries are still its own.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Kind = Literal["email", "external"]
Key = tuple[Kind, str]
Mode = Literal["create", "update", "upsert"]


class Entry(NamedTuple):
    """What the directory says of a key."""

    contact_id: int
    standing: Literal["holder", "newcomer", "nobody"]


class Claim(NamedTuple):
    """A row that wants keys. `contact_id` is given for an update only."""

    mode: Mode
    keys: tuple[Key, ...]
    contact_id: int | None = None


class Conflict(NamedTuple):
    """A row that cannot have the key."""

    key: Key


class Settlement(NamedTuple):
    """Who each row is (a contact id or a conflict), the ids newly given, and the entries to write."""

    rows: list[int | Conflict]
    entries: dict[Key, int]
    created: int


def settle(claims: Sequence[Claim], directory: Mapping[Key, Entry], next_id: int) -> Settlement:
    """Decides row by row; later rows see what earlier ones got. New ids begin at `next_id`."""
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
    """The contact of a row; None if it is a new one. By external id first, then by address."""
    who, newcomer = claim.contact_id, None
    for key in sorted(claim.keys, key=lambda key: key[0] != "external"):
        entry = known.get(key)
        if entry is None or entry.standing == "nobody":
            continue
        if entry.standing == "newcomer":
            newcomer = newcomer or entry.contact_id
        elif claim.mode == "create" or (who is not None and who != entry.contact_id):
            return Conflict(key)
        else:
            who = entry.contact_id
    return who if who is not None else newcomer
