"""API keys of an account."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.labeling.api.accounts import Name
from services.labeling.api.service import Service
from services.labeling.store import QUERIES
from services.labeling.store.accounts import ApiKey, add_key, key_from_row, revoke_key
from shared.events.labeling import Scope
from shared.events.topics import CATALOG_PARTITION
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, generate, hash_of, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(prefix="/v1/keys", tags=["keys"])


class KeyBody(RequestBody):
    """A new key."""

    name: Name
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=4, description="What it may do; `self` acts in a contact's name.")
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
    """A new key with its text, which is shown this once."""

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


@router.post("", status_code=201, summary="Make a key")
async def make_key(service: Service, caller: Annotated[Caller, requires("admin")], body: KeyBody) -> NewKey:
    """Makes a key of the caller's account."""
    text = generate()
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        scopes = sorted(set(body.scopes))
        key = await add_key(work, caller.account_id, body.name, scopes, hash_of(text))
    await service.told(work)
    return NewKey.model_validate({**_answer(key), "key": text})


@router.get("", summary="List keys")
async def list_keys(
    service: Service, caller: Annotated[Caller, requires("admin")], page: Annotated[PageRequest, page_request()]
) -> Page[KeyAnswer]:
    """The account's keys, oldest first, revoked ones too."""
    (after,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        rows = await connection.fetch(QUERIES["keys_of_account"], caller.account_id, after, page.fetch)
        total = await connection.fetchval(QUERIES["count_keys"], caller.account_id)
    return Page[KeyAnswer].of(
        [key_from_row(row) for row in rows],
        page,
        key=lambda key: [key.id],
        item=lambda key: KeyAnswer.model_validate(_answer(key)),
        total=total,
    )


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", response_class=Response)
async def revoke(service: Service, caller: Annotated[Caller, requires("admin")], key_id: UUID) -> None:
    """The key stops working everywhere within a second."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        if await revoke_key(work, caller.account_id, key_id) is None:
            raise Problem(404, "There is no such key.")
    await service.told(work)
