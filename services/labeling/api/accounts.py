"""Accounts: made by the operator, shown to themselves."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field

from services.labeling.api.service import Service
from services.labeling.store import QUERIES
from services.labeling.store.accounts import add_account, add_key
from shared.events.labeling import Scope
from shared.events.topics import CATALOG_PARTITION
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, generate, hash_of, requires, requires_operator
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(tags=["accounts"])
SCOPES: tuple[Scope, ...] = get_args(Scope)


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("is no IANA time zone, such as Europe/Brussels")
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
    """A new account, with a key that may do everything in it; it is shown this once."""

    account_id: int
    name: str
    time_zone: str
    api_key: str


@router.post("/v1/accounts", status_code=201, summary="Make an account", dependencies=[requires_operator()])
async def make_account(service: Service, body: AccountBody) -> NewAccount:
    """Makes an account and an admin key for it. Asks for the operator's key."""
    key = generate()
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        account_id = await add_account(work, body.name, body.time_zone)
        await add_key(work, account_id, "first key", SCOPES, hash_of(key))
    await service.told(work)
    return NewAccount(account_id=account_id, name=body.name, time_zone=body.time_zone, api_key=key)


@router.get("/v1/account", summary="The key's account")
async def show_account(service: Service, caller: Annotated[Caller, requires("read")]) -> AccountAnswer:
    """The account that the key belongs to."""
    row = await service.database.pool.fetchrow(QUERIES["account_of_id"], caller.account_id)
    if row is None:
        raise Problem(404, "There is no such account.")
    return AccountAnswer(**dict(row))
