"""All stored data of a contact, for the contact."""

from typing import Any

from asyncpg.pool import PoolConnectionProxy
from pydantic_core import to_jsonable_python

from services.labeling.domain.errors import NotFoundError
from services.labeling.store.assignments import labels_of_contact
from services.labeling.store.contact_search import LATEST, moments_of, stored_contacts
from services.labeling.store.decisions import StoredDecision, decisions_of_contact
from services.labeling.store.engagements import engagements_of_contact

MOST_ENTRIES = 10_000  # engagements, decisions, and moments of the timeline


async def contact_data(connection: PoolConnectionProxy, account_id: int, contact_id: int) -> dict[str, Any]:
    """Return the contact, its labels with the reasons, engagements with their data, decisions, and the timeline.

    Raises NotFoundError.
    """
    stored = (await stored_contacts(connection, account_id, [contact_id])).get(contact_id)
    if stored is None:
        raise NotFoundError("contact")
    labels = await labels_of_contact(connection, account_id, contact_id)
    engagements = await engagements_of_contact(connection, account_id, contact_id, None, MOST_ENTRIES)
    decisions = await decisions_of_contact(connection, account_id, contact_id, None, MOST_ENTRIES)
    moments = await moments_of(connection, account_id, contact_id, LATEST, MOST_ENTRIES)
    contact = {name: value for name, value in stored.contact._asdict().items() if name != "email_key"}
    data: dict[str, Any] = to_jsonable_python(
        {
            "contact": {
                "contact_id": contact_id,
                **contact,
                "created_at": stored.created_at,
                "changed_at": stored.changed_at,
            },
            "labels": [
                {
                    "name": label.name,
                    "held": label.held,
                    "since": label.since,
                    "clicks": label.clicks,
                    "first_click": label.first_click,
                    "last_click": label.last_click,
                    "supports": [support.origin for support in label.supports.values()],
                }
                for label in labels
            ],
            "engagements": [engagement._asdict() for engagement in engagements],
            "decisions": [_shown_decision(decision) for decision in decisions],
            "timeline": [{"at": moment.at, "kind": moment.kind, **moment.details} for moment in moments],
        }
    )
    return data


def _shown_decision(decision: StoredDecision) -> dict[str, Any]:
    """Return a decision on subscription or consent as the contact's data shows it."""
    return {
        "at": decision.occurred_at,
        "subject": decision.subject,
        "before": decision.before,
        "after": decision.after,
        "origin": decision.origin,
        "wording": decision.wording,
    }
