"""Accounts: created by the operator, shown to their keys."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field

from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import NotFoundError
from services.labeling.store.accounts import account_of_id
from services.labeling.use_cases.accounts import create_account
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, generate, hash_of, requires, requires_operator

router = Router(tags=["accounts"])


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("is not an IANA time zone, such as Europe/Brussels")
    return name


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_trimmed)]


class AccountBody(RequestBody):
    """A new account."""

    name: Name
    time_zone: Annotated[
        str,
        Field(max_length=100, description="IANA name; the account's days are its days."),
        AfterValidator(_time_zone),
    ] = "UTC"


class AccountAnswer(BaseModel):
    """An account."""

    account_id: int
    name: str
    time_zone: str
    created_at: datetime


class NewAccount(BaseModel):
    """A new account, with a key that has all scopes; its text is not shown again."""

    account_id: int
    name: str
    time_zone: str
    api_key: str


@router.post("/v1/accounts", status_code=201, summary="Create an account", dependencies=[requires_operator()])
async def make_account(service: Service, body: AccountBody) -> NewAccount:
    """Create an account and a key with all scopes for it. Needs the operator's key."""
    key = generate()
    account_id, position = await create_account(service.database, body.name, body.time_zone, hash_of(key))
    await service.published(position)
    return NewAccount(account_id=account_id, name=body.name, time_zone=body.time_zone, api_key=key)


@router.get("/v1/account", summary="The key's account")
async def show_account(service: Service, caller: Annotated[Caller, requires("read")]) -> AccountAnswer:
    """The account that the key belongs to."""
    async with service.database.pool.acquire() as connection:
        account = await account_of_id(connection, caller.account_id)
    if account is None:
        raise NotFoundError("account")
    return AccountAnswer(**account._asdict())
