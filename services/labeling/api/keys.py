"""API keys of an account."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.labeling.api.accounts import Name
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.accounts import ApiKey, account_name
from services.labeling.domain.errors import InvalidError
from services.labeling.store.accounts import keys_of_account
from services.labeling.use_cases.keys import create_key, revoke_key
from shared.events.labeling import Scope
from shared.http.bodies import RequestBody
from shared.http.keys import OPERATOR, Caller, generate, hash_of, requires_admin
from shared.http.pages import Page, PageRequest, page_request

router = Router(prefix="/v1/keys", tags=["keys"])


class KeyBody(RequestBody):
    """A new key."""

    name: Annotated[Name, Field(examples=["Web shop"])]
    scopes: Annotated[
        list[Scope],
        Field(
            min_length=1,
            max_length=5,
            description="The scopes of the key; `self` acts on behalf of contacts.",
            examples=[["read", "write"]],
        ),
    ]


class KeyAnswer(BaseModel):
    """A key, without its text."""

    id: Annotated[UUID, Field(description="The id of the key.", examples=["0190c1b0-5f60-7a7b-8c9d-0e1f2a3b4c5d"])]
    name: Annotated[str, Field(description="What the key is for.", examples=["Web shop"])]
    scopes: list[Scope]
    revoked: bool
    created_at: datetime
    revoked_at: Annotated[datetime | None, Field(description="When it was revoked.", examples=[None])]


class NewKey(KeyAnswer):
    """A new key with its text, which is not shown again."""

    key: Annotated[str, Field(description="The text of the key; it is not shown again.", examples=["pk_…"])]


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
async def make_key(
    service: Service, caller: Annotated[Caller, requires_admin()], body: KeyBody, response: Response
) -> NewKey:
    """Create a key for the caller's account; with the operator's key, one of scope `pipeline` for all accounts.

    The answer is not stored: repeating the request with the same `Idempotency-Key` is 409.
    """
    scopes = sorted(set(body.scopes))
    if (caller == OPERATOR) != (scopes == ["pipeline"]):
        detail = "the operator can create only keys of scope pipeline, and an account only keys of the other scopes"
        raise InvalidError(detail, "/scopes")
    text = generate()
    account_id = None if caller == OPERATOR else caller.account_id
    key, position = await create_key(service.database, account_id, account_name(body.name), scopes, hash_of(text))
    await service.published(position)
    response.headers["Cache-Control"] = "no-store"
    return NewKey.model_validate({**_answer(key), "key": text})


@router.get("", summary="List keys")
async def list_keys(
    service: Service, caller: Annotated[Caller, requires_admin()], page: Annotated[PageRequest, page_request()]
) -> Page[KeyAnswer]:
    """List the account's keys (with the operator's key: those of pipelines), oldest first, revoked ones too."""
    (after,) = page.key(UUID) or (None,)
    account_id = None if caller == OPERATOR else caller.account_id
    async with service.database.pool.acquire() as connection:
        keys, total = await keys_of_account(connection, account_id, after, page.fetch)
    return Page[KeyAnswer].of(
        keys,
        page,
        key=lambda key: [key.id],
        item=lambda key: KeyAnswer.model_validate(_answer(key)),
        total=total,
    )


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", response_class=Response)
async def revoke(service: Service, caller: Annotated[Caller, requires_admin()], key_id: UUID) -> None:
    """Revoke a key: it stops working everywhere within a second."""
    account_id = None if caller == OPERATOR else caller.account_id
    _, position = await revoke_key(service.database, account_id, key_id)
    await service.published(position)
