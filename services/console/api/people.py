"""Finds contacts by id, or by a typed address or id."""

from collections.abc import Sequence
from urllib.parse import quote

from services.console.apis.client import Api, ApiProblem, Json


async def people_of(api: Api, contact_ids: Sequence[int]) -> dict[int, Json]:
    """Return the existing contacts with these ids."""
    if not contact_ids:
        return {}
    try:
        answer = await api.post("labeling", "/v1/contacts/lookup", {"contact_ids": list(contact_ids)})
        found = answer["items"]
    except ApiProblem as problem:
        if problem.status not in (404, 405):
            raise
        found = await api.each("labeling", [f"/v1/contacts/{contact_id}" for contact_id in contact_ids])
    return {contact["contact_id"]: contact for contact in found if contact is not None}


async def find_contact(api: Api, typed: str) -> Json | None:
    """Return the contact with this address, number or external id."""
    if "@" in typed:
        items: list[Json] = (await api.get("labeling", "/v1/contacts", email=typed))["items"]
        return items[0] if items else None
    if typed.isdecimal() and len(typed) < 11:
        found = await api.find("labeling", f"/v1/contacts/{int(typed)}")
        if found is not None:
            return found
    return await api.find("labeling", f"/v1/contacts/external:{quote(typed, safe='')}")
