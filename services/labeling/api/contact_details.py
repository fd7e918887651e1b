"""Many contacts by id, and everything that is stored about one."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.labeling.api.models import ContactAnswer
from services.labeling.api.routing import Router
from services.labeling.api.service import Service, contact_in_path
from services.labeling.store.contact_search import LATEST, MomentKind, moments_of, stored_contacts
from services.labeling.use_cases.contact_data import contact_data
from shared.events.envelope import ContactId
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request

DATA = {
    "contact": {
        "contact_id": 1042,
        "external_id": "crm-1042",
        "email": "anna@example.com",
        "fields": {"city": "Ghent"},
        "subscription": "subscribed",
        "tracking_consent": "granted",
        "created_at": "2026-02-20T08:15:00Z",
        "changed_at": "2026-03-02T09:30:00Z",
    },
    "labels": [
        {
            "name": "Dogs",
            "held": True,
            "since": "2026-02-21T18:40:00Z",
            "clicks": 4,
            "first_click": "2026-02-21T18:40:00Z",
            "last_click": "2026-03-01T12:00:00Z",
            "supports": [{"kind": "click", "clicks": 4}],
        }
    ],
    "engagements": [],
    "decisions": [],
    "timeline": [{"at": "2026-02-21T18:40:00Z", "kind": "label", "label_name": "Dogs"}],
}
router = Router(prefix="/v1/contacts", tags=["contacts"])


class ContactLookupBody(RequestBody):
    """The contacts to look up."""

    contact_ids: Annotated[
        list[ContactId], Field(min_length=1, max_length=1000, description="The ids of the contacts.", examples=[[1042]])
    ]


class ContactLookupAnswer(BaseModel):
    """The contacts that exist, in the order of the request."""

    items: Annotated[list[ContactAnswer], Field(description="The contacts.")]
    missing: Annotated[list[int], Field(description="Ids of contacts that do not exist.", examples=[[]])]


class MomentAnswer(BaseModel):
    """Something that happened to a contact."""

    at: Annotated[datetime, Field(description="When it happened.")]
    kind: Annotated[
        MomentKind,
        Field(
            description="The kind of `details`: a label assigned or removed, an engagement, a decision on subscription "
            "or consent to tracking with its origin and wording, the state after a change.",
        ),
    ]
    details: Annotated[
        dict[str, Any],
        Field(
            description="What happened.",
            examples=[{"label_id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "label_name": "Dogs"}],
        ),
    ]


@router.post("/lookup", summary="Show up to 1,000 contacts")
async def look_up(
    service: Service, caller: Annotated[Caller, requires("read")], body: ContactLookupBody
) -> ContactLookupAnswer:
    """Return contacts by their ids."""
    async with service.database.pool.acquire() as connection:
        contacts = await stored_contacts(connection, caller.account_id, body.contact_ids)
    contact_ids = dict.fromkeys(body.contact_ids)  # each once
    return ContactLookupAnswer(
        items=[ContactAnswer.of(contacts[contact_id]) for contact_id in contact_ids if contact_id in contacts],
        missing=[contact_id for contact_id in contact_ids if contact_id not in contacts],
    )


@router.get("/{contact}/timeline", summary="Show a contact's history")
async def show_timeline(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    contact: str,
    page: Annotated[PageRequest, page_request()],
) -> Page[MomentAnswer]:
    """List assigned and removed labels, engagements, decisions and changes, newest first."""
    at, key = page.key(datetime, str) or (LATEST, "~")
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        # Moments at the time of the cursor may have been on the previous page, so more are read than the page has.
        # Over 1,000 moments at one time are not expected.
        moments = await moments_of(connection, caller.account_id, contact_id, at, page.fetch + 1000)
    older = [moment for moment in moments if (moment.at, moment.key) < (at, key)]
    return Page[MomentAnswer].of(
        older[: page.fetch],
        page,
        key=lambda moment: [moment.at, moment.key],
        item=lambda moment: MomentAnswer(at=moment.at, kind=moment.kind, details=moment.details),
    )


@router.get(
    "/{contact}/data",
    summary="Show all data of a contact",
    responses={200: {"content": {"application/json": {"example": DATA}}}},
)
async def show_data(service: Service, caller: Annotated[Caller, requires("read")], contact: str) -> dict[str, Any]:
    """Return everything that is stored about the contact, so that it can be given to the contact."""
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        return await contact_data(connection, caller.account_id, contact_id)
