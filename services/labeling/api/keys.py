"""API keys of an account."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.labeling.api.accounts import Name
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.accounts import ApiKey
from services.labeling.store.accounts import keys_of_account
from services.labeling.use_cases.accounts import create_key, revoke_key
from shared.events.labeling import AccountScope, Scope
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, generate, hash_of, requires
from shared.http.pages import Page, PageRequest, page_request

router = Router(prefix="/v1/keys", tags=["keys"])


class KeyBody(RequestBody):
    """A new key."""

    name: Name
    scopes: Annotated[
        list[AccountScope],
        Field(min_length=1, max_length=4, description="What it may do; `self` acts in a contact's name."),
    ]


class KeyAnswer(BaseModel):
    """A key, without its text."""

    id: UUID
    name: str
    scopes: list[Scope]
    revoked: bool
    created_at: datetime
    revoked_at: datetime | None


class NewKey(KeyAnswer):
    """A new key with its text, which is not shown again."""

    key: str


def _answer(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "revoked": key.revoked_at is not None,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


@router.post("", status_code=201, summary="Create a key")
async def make_key(service: Service, caller: Annotated[Caller, requires("admin")], body: KeyBody) -> NewKey:
    """Create a key for the caller's account."""
    text = generate()
    key, position = await create_key(
        service.database, caller.account_id, body.name, sorted(set(body.scopes)), hash_of(text)
    )
    await service.published(position)
    return NewKey.model_validate({**_answer(key), "key": text})


@router.get("", summary="List keys")
async def list_keys(
    service: Service, caller: Annotated[Caller, requires("admin")], page: Annotated[PageRequest, page_request()]
) -> Page[KeyAnswer]:
    """The account's keys, oldest first, revoked ones too."""
    (after,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        keys, total = await keys_of_account(connection, caller.account_id, after, page.fetch)
    return Page[KeyAnswer].of(
        keys,
        page,
        key=lambda key: [key.id],
        item=lambda key: KeyAnswer.model_validate(_answer(key)),
        total=total,
    )


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", response_class=Response)
async def revoke(service: Service, caller: Annotated[Caller, requires("admin")], key_id: UUID) -> None:
    """The key stops working everywhere within a second."""
    _, position = await revoke_key(service.database, caller.account_id, key_id)
    await service.published(position)
