"""Finds the contact that a report names, and decides whether its clicks are recorded."""

from collections.abc import Collection, Mapping

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ReferenceKey
from services.tracking.store.contacts import ContactKey, ContactStatus, contacts_named, contacts_that_matter

CONSENT_DENIED, CONSENT_UNKNOWN = "consent_denied", "consent_unknown"
MOST_MERGES = 10  # the length of a chain of merged contacts that is followed


async def contacts_of(
    connection: PoolConnectionProxy, references: Collection[ReferenceKey], consent_required: Collection[int] = ()
) -> dict[ReferenceKey, int | str | None]:
    """Return the contact of each reference; None if it is unknown, or the reason why its clicks are dropped.

    In the accounts `consent_required`, clicks of contacts whose consent is unknown are dropped.
    """
    named = await contacts_named(connection, references)
    ids = {
        reference: reference.value if reference.kind == "contact" else named.get(reference) for reference in references
    }
    found = {reference: (reference.account_id, int(value)) for reference, value in ids.items() if value is not None}
    statuses = await contacts_that_matter(connection, set(found.values()), consent_required)
    merged = await _merged(connection, statuses, consent_required)
    answers: dict[ReferenceKey, int | str | None] = dict.fromkeys(references)
    for reference, key in found.items():
        final = merged.get(key, key)
        status = statuses.get(final)
        if status is None:
            answers[reference] = final[1]
        elif status.state is not None:
            answers[reference] = why_left_out(status)
    return answers


async def _merged(
    connection: PoolConnectionProxy, statuses: dict[ContactKey, ContactStatus], consent_required: Collection[int]
) -> dict[ContactKey, ContactKey]:
    """Resolve merged contacts; add the statuses of the resulting contacts to `statuses`."""
    final = {key: _next(key, statuses) for key, at in statuses.items() if at.merged_into is not None}
    for _ in range(MOST_MERGES):
        others = set(final.values()) - statuses.keys()
        statuses |= await contacts_that_matter(connection, others, consent_required)
        further = {key: _next(target, statuses) for key, target in final.items()}
        if further == final:
            break
        final = further
    return final


def _next(key: ContactKey, statuses: Mapping[ContactKey, ContactStatus]) -> ContactKey:
    status = statuses.get(key)
    return key if status is None or status.merged_into is None else (key[0], status.merged_into)


def why_left_out(status: ContactStatus) -> str:
    """Return why the clicks of a contact with that status are dropped."""
    if status.state == "erased":
        return "erased"
    if status.tracked:
        return "merged"
    return CONSENT_DENIED if status.consent == "denied" else CONSENT_UNKNOWN
