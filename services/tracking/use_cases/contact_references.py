"""Finds the contact that a report names, and decides whether its clicks are recorded."""

from collections.abc import Collection, Mapping

from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import ReferenceKey
from services.tracking.store.contacts import ContactKey, ContactStatus, contacts_named, contacts_that_matter

CONSENT_DENIED, CONSENT_UNKNOWN = "consent_denied", "consent_unknown"
MOST_MERGES = 10  # longest chain of merged contacts that is followed


async def contacts_of(
    connection: PoolConnectionProxy, references: Collection[ReferenceKey], consent_required: Collection[int] = ()
) -> dict[ReferenceKey, int | str | None]:
    """Return the contact's id for each reference; None if it is unknown, or the reason why its clicks are dropped.

    In the accounts `consent_required`, clicks of contacts whose consent is unknown are dropped.
    """
    named = await contacts_named(connection, references)
    ids = {
        reference: reference.value if reference.kind == "contact" else named.get(reference) for reference in references
    }
    keys = {reference: (reference.account_id, int(value)) for reference, value in ids.items() if value is not None}
    statuses = await contacts_that_matter(connection, set(keys.values()), consent_required)
    merged = await _resolve_merged(connection, statuses, consent_required)
    results: dict[ReferenceKey, int | str | None] = dict.fromkeys(references)
    for reference, key in keys.items():
        final = merged.get(key, key)
        status = statuses.get(final)
        if status is None:
            results[reference] = final[1]
        elif status.state is not None:
            results[reference] = drop_reason(status)
    return results


async def _resolve_merged(
    connection: PoolConnectionProxy, statuses: dict[ContactKey, ContactStatus], consent_required: Collection[int]
) -> dict[ContactKey, ContactKey]:
    """Resolve merged contacts; add the statuses of the resulting contacts to `statuses`."""
    final = {key: _merge_target(key, statuses) for key, status in statuses.items() if status.merged_into is not None}
    for _ in range(MOST_MERGES):
        unread = set(final.values()) - statuses.keys()
        statuses |= await contacts_that_matter(connection, unread, consent_required)
        next_final = {key: _merge_target(target, statuses) for key, target in final.items()}
        if next_final == final:
            break
        final = next_final
    return final


def _merge_target(key: ContactKey, statuses: Mapping[ContactKey, ContactStatus]) -> ContactKey:
    status = statuses.get(key)
    return key if status is None or status.merged_into is None else (key[0], status.merged_into)


def drop_reason(status: ContactStatus) -> str:
    """Return why the clicks of a contact with that status are dropped."""
    if status.state == "erased":
        return "erased"
    if status.tracked:
        return "merged"
    return CONSENT_DENIED if status.consent == "denied" else CONSENT_UNKNOWN
