"""Finds contacts by id, or by an entered address or id."""

from collections.abc import Sequence
from urllib.parse import quote

from services.console.apis.client import Api, ApiProblem, Json


async def contacts_by_id(api: Api, contact_ids: Sequence[int]) -> dict[int, Json]:
    """Return the existing contacts with these ids, by id."""
    if not contact_ids:
        return {}
    try:
        answer = await api.post("labeling", "/v1/contacts/lookup", {"contact_ids": list(contact_ids)})
        contacts = answer["items"]
    except ApiProblem as problem:
        if problem.status not in (404, 405):
            raise
        contacts = await api.each("labeling", [f"/v1/contacts/{contact_id}" for contact_id in contact_ids])
    return {contact["contact_id"]: contact for contact in contacts if contact is not None}


async def find_contact(api: Api, query: str) -> Json | None:
    """Return the contact whose e-mail address, `contact_id` or external id is `query`, or None."""
    if "@" in query:
        items: list[Json] = (await api.get("labeling", "/v1/contacts", email=query))["items"]
        return items[0] if items else None
    if query.isdecimal() and len(query) < 11:
        contact = await api.find("labeling", f"/v1/contacts/{int(query)}")
        if contact is not None:
            return contact
    return await api.find("labeling", f"/v1/contacts/external:{quote(query, safe='')}")
