"""Suppressed addresses: no contact with such an address is sent messages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.labeling.api.routing import Router
from services.labeling.api.service import Labeling, Service
from services.labeling.domain.addresses import email_address
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.suppressions import Suppression, suppressions_of_account
from services.labeling.use_cases import suppressions
from shared.events.parts import Origin
from shared.http.batches import BatchError, none_taken
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem

router = Router(prefix="/v1/suppressions", tags=["suppressions"])
MOST_ADDRESSES = 10_000

Emails = Annotated[
    list[Annotated[str, Field(max_length=320)]],
    Field(min_length=1, max_length=MOST_ADDRESSES, description="E-mail addresses."),
]


class SuppressionsBody(RequestBody):
    """Addresses to suppress."""

    emails: Annotated[Emails, Field(examples=[["anna@example.com"]])]
    reason: Annotated[
        str | None, Field(max_length=200, description="Why; no personal data.", examples=["complaint"])
    ] = None


class SuppressionLookupBody(RequestBody):
    """Addresses to look up."""

    emails: Annotated[Emails, Field(examples=[["anna@example.com"]])]


class SuppressedAnswer(BaseModel):
    """The result of a list of addresses."""

    added: Annotated[int, Field(description="Addresses that are suppressed from now on.", examples=[1])]
    known: Annotated[int, Field(description="Addresses that were suppressed already.", examples=[0])]
    errors: Annotated[list[BatchError], Field(description="Texts that are not e-mail addresses.", examples=[[]])]


class SuppressionAnswer(BaseModel):
    """A suppressed address. The address itself is not stored."""

    id: Annotated[UUID, Field(description="The id of the suppression.")]
    reason: Annotated[str | None, Field(description="Why.", examples=["complaint"])]
    origin: Annotated[dict[str, Any], Field(description="Who suppressed it.", examples=[{"kind": "api"}])]
    created_at: Annotated[datetime, Field(description="Since when.")]

    @classmethod
    def of(cls, suppression: Suppression) -> "SuppressionAnswer":
        """Return the answer for a suppression."""
        return cls(
            id=suppression.id,
            reason=suppression.reason,
            origin=suppression.origin,
            created_at=suppression.created_at,
        )


class SuppressionLookupItem(BaseModel):
    """Whether an address is suppressed."""

    index: Annotated[int, Field(description="Index of the address, from 0.", examples=[0])]
    suppressed: Annotated[bool, Field(description="Whether the address is suppressed.", examples=[True])]
    suppression: Annotated[SuppressionAnswer | None, Field(description="The suppression, if there is one.")]


class SuppressionLookupAnswer(BaseModel):
    """Whether addresses are suppressed, in their order."""

    items: Annotated[list[SuppressionLookupItem], Field(description="One per address.")]


def _keys(service: Labeling) -> SuppressionKeys:
    if service.suppression is None:
        raise Problem(503, "The service has no keys for hashes: set PENCHANT_TRACKING_KEYS.")
    return service.suppression


@router.post("", summary="Suppress up to 10,000 addresses")
async def post_suppressions(
    service: Service, caller: Annotated[Caller, requires("write")], body: SuppressionsBody
) -> SuppressedAnswer:
    """Suppress addresses: contacts that have them are blocked, now and later. Only the contact itself can undo this."""
    keys, errors = _address_keys(body.emails)
    if not keys:
        none_taken(errors, {"added": 0, "known": 0})
    unique = list(dict.fromkeys(keys))
    origin = Origin(kind="api", key_id=caller.key_id)
    added, known = await suppressions.suppress(
        service.database, _keys(service), caller.account_id, unique, body.reason, origin
    )
    return SuppressedAnswer(added=added, known=known, errors=errors)


@router.post("/lookup", summary="Look up whether addresses are suppressed")
async def look_up(
    service: Service, caller: Annotated[Caller, requires("read")], body: SuppressionLookupBody
) -> SuppressionLookupAnswer:
    """Return which addresses are suppressed."""
    keys = [_key(email) for email in body.emails]
    async with service.database.pool.acquire() as connection:
        found = await suppressions.look_up(
            connection, _keys(service), caller.account_id, [key for key in keys if key is not None]
        )
    items = []
    for index, key in enumerate(keys):
        suppression = None if key is None else found.get(key)
        answer = None if suppression is None else SuppressionAnswer.of(suppression)
        items.append(SuppressionLookupItem(index=index, suppressed=suppression is not None, suppression=answer))
    return SuppressionLookupAnswer(items=items)


@router.get("", summary="List suppressions")
async def list_suppressions(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[SuppressionAnswer]:
    """List the account's suppressions, oldest first. The addresses are not stored, and not shown."""
    (after,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        listed, total = await suppressions_of_account(connection, caller.account_id, after, page.fetch)
    return Page[SuppressionAnswer].of(
        listed, page, key=lambda suppression: [suppression.id], item=SuppressionAnswer.of, total=total
    )


@router.delete("/{suppression_id:uuid}", status_code=204, summary="Delete a suppression", response_class=Response)
async def remove_suppression(
    service: Service, caller: Annotated[Caller, requires("admin")], suppression_id: UUID
) -> None:
    """Delete a suppression, for example one added by mistake. Contacts that it has blocked stay blocked."""
    async with service.database.pool.acquire() as connection:
        await suppressions.delete(connection, caller.account_id, suppression_id)


def _key(email: str) -> str | None:
    try:
        return email_address(email).key
    except InvalidError:
        return None


def _address_keys(emails: list[str]) -> tuple[list[str], list[BatchError]]:
    keys: list[str] = []
    errors: list[BatchError] = []
    for index, email in enumerate(emails):
        key = _key(email)
        if key is None:
            detail = "not an e-mail address"
            errors.append(BatchError(index=index, code="invalid", pointer=f"/emails/{index}", detail=detail))
        else:
            keys.append(key)
    return keys, errors
