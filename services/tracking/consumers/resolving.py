"""Which contact a report names, and whether its clicks are taken."""

from collections.abc import Collection, Mapping

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ContactReference
from services.tracking.store.contacts import ContactKey, Standing, contacts_named, contacts_that_matter

MOST_MERGES = 10  # a contact merged into one that was merged into …


async def contacts_of(
    connection: PoolConnectionProxy, references: Collection[ContactReference]
) -> dict[ContactReference, int | str | None]:
    """Each reference's contact; None if it is not known, or why its clicks are left out."""
    named = await contacts_named(connection, references)
    ids = {
        reference: reference.value if reference.kind == "contact" else named.get(reference) for reference in references
    }
    found = {reference: (reference.account_id, int(value)) for reference, value in ids.items() if value is not None}
    standings = await contacts_that_matter(connection, set(found.values()))
    merged = await _merged(connection, standings)
    answers: dict[ContactReference, int | str | None] = dict.fromkeys(references)
    for reference, key in found.items():
        final = merged.get(key, key)
        standing = standings.get(final)
        if standing is None:
            answers[reference] = final[1]
        elif standing.state is not None:
            answers[reference] = why_left_out(standing)
    return answers


async def _merged(
    connection: PoolConnectionProxy, standings: dict[ContactKey, Standing]
) -> dict[ContactKey, ContactKey]:
    """What merged contacts have become; adds to `standings` what it learns of those."""
    final = {key: _next(key, standings) for key, at in standings.items() if at.merged_into is not None}
    for _ in range(MOST_MERGES):
        standings |= await contacts_that_matter(connection, set(final.values()) - standings.keys())
        further = {key: _next(target, standings) for key, target in final.items()}
        if further == final:
            break
        final = further
    return final


def _next(key: ContactKey, standings: Mapping[ContactKey, Standing]) -> ContactKey:
    standing = standings.get(key)
    return key if standing is None or standing.merged_into is None else (key[0], standing.merged_into)


def why_left_out(standing: Standing) -> str:
    """Why the clicks of a contact with that standing are left out."""
    if standing.state == "erased":
        return "erased"
    return "merged" if standing.tracked else "consent_denied"
