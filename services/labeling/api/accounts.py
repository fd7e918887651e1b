"""Accounts: created, changed and deleted by the operator; each shows and changes its own settings."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import Response
from pydantic import AfterValidator, BaseModel, Field

from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.accounts import Account
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.text import tidy
from services.labeling.store.accounts import account_of_id, list_accounts
from services.labeling.use_cases.accounts import change_account, create_account, delete_account
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, generate, hash_of, requires, requires_operator
from shared.http.pages import Page, PageRequest, page_request

router = Router(tags=["accounts"])


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("is not an IANA time zone, such as Europe/Brussels")
    return name


def _visible_name(text: str) -> str:
    name = tidy(text)
    if not name:
        raise ValueError("has no visible characters")
    return name


Name = Annotated[
    str,
    Field(min_length=1, max_length=100, description="1 to 100 visible characters."),
    AfterValidator(_visible_name),
]
TimeZone = Annotated[
    str,
    Field(max_length=100, description="IANA name; the account's days are the days of this zone."),
    AfterValidator(_time_zone),
]
Limits = Annotated[
    dict[str, Annotated[int, Field(ge=0, le=2**31 - 1)]], Field(description="Limits that differ from the defaults.")
]


class BrandBody(RequestBody):
    """How the account presents itself to its contacts."""

    name: Annotated[
        str, Field(max_length=100, description="Shown on pages that contacts see.", examples=["Example Shop"])
    ]
    logo_url: Annotated[str | None, Field(max_length=500, description="An https URL of a picture.")] = None
    colour: Annotated[str | None, Field(max_length=7, description="The colour of buttons, such as #0a7f5a.")] = None
    postal_address: Annotated[str | None, Field(max_length=500, description="Shown at the foot of pages.")] = None


class UtmBody(RequestBody):
    """The parameters that are appended to the targets of tracked links, for web analytics."""

    source: Annotated[
        str,
        Field(max_length=100, description="The value of `utm_source`, such as `newsletter`.", examples=["newsletter"]),
    ]
    medium: Annotated[
        str | None, Field(max_length=100, description="The value of `utm_medium`. Null: it is not appended.")
    ] = "email"
    campaign: Annotated[
        str | None,
        Field(
            max_length=100,
            description="The value of `utm_campaign`. `{send_id}`, `{send_kind}` and `{message_name}` are filled in at "
            "each click; if a click has no send, a value that names it is not appended. Null: it is never appended.",
        ),
    ] = "{send_id}"


class AccountBody(RequestBody):
    """A new account."""

    name: Annotated[Name, Field(examples=["Example Shop"])]
    time_zone: Annotated[TimeZone, Field(examples=["Europe/Amsterdam"])] = "UTC"


class AccountPatchBody(RequestBody):
    """Changes to the caller's account. Null restores a default."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    brand: Annotated[BrandBody | None, Field(description="Null: none.")] = None
    languages: Annotated[
        list[str] | None,
        Field(
            max_length=4,
            description="Languages of the contacts (nl, en, fr, de), the preferred one first.",
            examples=[["nl", "en"]],
        ),
    ] = None
    track_unknown_consent: Annotated[
        bool | None, Field(description="Whether clicks count while a contact's consent to tracking is unknown.")
    ] = None
    utm: Annotated[
        UtmBody | None,
        Field(
            description="UTM parameters that are appended to the targets of tracked links, unless a link is never "
            "tracked or has the parameter already. Null: none."
        ),
    ] = None


class OperatorPatchBody(AccountPatchBody):
    """Changes to an account by the operator."""

    sender_domains: Annotated[
        list[str] | None,
        Field(max_length=100, description="Domains that the account may send from.", examples=[["example.com"]]),
    ] = None
    click_domain: Annotated[str | None, Field(description="The account's own domain for tracked links.")] = None
    limits: Limits | None = None


class AccountAnswer(BaseModel):
    """An account."""

    account_id: Annotated[int, Field(description="The id of the account.")]
    name: Annotated[str, Field(description="Its name.", examples=["Example Shop"])]
    time_zone: Annotated[str, Field(description="IANA name; the account's days are the days of this zone.")]
    state: Annotated[str, Field(description="`active` or `deleted`.", examples=["active"])]
    brand: Annotated[
        BrandBody | None,
        Field(
            description="How it presents itself to its contacts.",
            examples=[{"name": "Example Shop", "logo_url": None, "colour": "#0a7f5a", "postal_address": None}],
        ),
    ]
    languages: Annotated[
        list[str], Field(description="Languages of its contacts, the preferred one first.", examples=[["nl", "en"]])
    ]
    track_unknown_consent: Annotated[
        bool, Field(description="Whether clicks count while consent is unknown.", examples=[True])
    ]
    sender_domains: Annotated[
        list[str], Field(description="Domains that it may send from.", examples=[["example.com"]])
    ]
    click_domain: Annotated[
        str | None, Field(description="Its own domain for tracked links.", examples=["click.example.com"])
    ]
    limits: Annotated[dict[str, int], Field(description="Limits that differ from the defaults.", examples=[{}])]
    utm: Annotated[UtmBody | None, Field(description="UTM parameters that tracked links get.")]
    created_at: Annotated[datetime, Field(description="When it was created.")]

    @classmethod
    def of(cls, account: Account) -> "AccountAnswer":
        """Return the answer for an account."""
        settings = account.settings
        return cls(
            account_id=account.account_id,
            name=account.name,
            time_zone=account.time_zone,
            state=account.state,
            brand=None if settings.brand is None else BrandBody(**settings.brand._asdict()),
            languages=list(settings.languages),
            track_unknown_consent=settings.track_unknown_consent,
            sender_domains=list(settings.sender_domains),
            click_domain=settings.click_domain,
            limits=dict(settings.limits),
            utm=None if settings.utm is None else UtmBody(**settings.utm._asdict()),
            created_at=account.created_at,
        )


class NewAccount(BaseModel):
    """A new account, with a key that has all scopes; its text is not shown again."""

    account_id: Annotated[int, Field(description="The id of the account.")]
    name: Annotated[str, Field(description="Its name.", examples=["Example Shop"])]
    time_zone: Annotated[str, Field(description="IANA name.")]
    api_key: Annotated[str, Field(description="The key's text; only its hash is stored.", examples=["pk_…"])]


@router.post("/v1/accounts", status_code=201, summary="Create an account", dependencies=[requires_operator()])
async def post_account(service: Service, body: AccountBody, response: Response) -> NewAccount:
    """Create an account and a key with all scopes for it. Needs the operator's key.

    The answer is not stored: repeating the request with the same `Idempotency-Key` is 409.
    """
    key = generate()
    account_id, position = await create_account(service.database, body.name, body.time_zone, hash_of(key))
    await service.published(position)
    response.headers["Cache-Control"] = "no-store"
    return NewAccount(account_id=account_id, name=body.name, time_zone=body.time_zone, api_key=key)


@router.get("/v1/accounts", summary="List accounts", dependencies=[requires_operator()])
async def get_accounts(service: Service, page: Annotated[PageRequest, page_request()]) -> Page[AccountAnswer]:
    """List all accounts, oldest first, deleted ones too. Needs the operator's key."""
    (after,) = page.key(int) or (0,)
    async with service.database.pool.acquire() as connection:
        accounts, total = await list_accounts(connection, after, page.fetch)
    return Page[AccountAnswer].of(
        accounts, page, key=lambda account: [account.account_id], item=AccountAnswer.of, total=total
    )


@router.patch("/v1/accounts/{account_id}", summary="Change an account", dependencies=[requires_operator()])
async def patch_account_of_id(service: Service, account_id: int, body: OperatorPatchBody) -> AccountAnswer:
    """Change an account; null restores a default. Needs the operator's key."""
    account, position = await change_account(service.database, account_id, body.model_dump(exclude_unset=True))
    await service.published(position)
    return AccountAnswer.of(account)


@router.delete(
    "/v1/accounts/{account_id}",
    status_code=202,
    summary="Delete an account",
    dependencies=[requires_operator()],
)
async def remove_account(service: Service, account_id: int) -> AccountAnswer:
    """Delete an account: its keys stop working at once, and a job erases its contacts. Needs the operator's key."""
    account, position = await delete_account(service.database, account_id)
    await service.published(position)
    return AccountAnswer.of(account)


@router.get("/v1/account", summary="Show the key's account")
async def show_account(service: Service, caller: Annotated[Caller, requires("read", pipeline=True)]) -> AccountAnswer:
    """Show the account that the key belongs to."""
    async with service.database.pool.acquire() as connection:
        account = await account_of_id(connection, caller.account_id)
    if account is None:
        raise NotFoundError("account")
    return AccountAnswer.of(account)


@router.patch("/v1/account", summary="Change the key's account")
async def patch_account(
    service: Service, caller: Annotated[Caller, requires("admin")], body: AccountPatchBody
) -> AccountAnswer:
    """Change name, time zone, brand, languages, the default for tracking and UTM parameters; null restores defaults."""
    account, position = await change_account(service.database, caller.account_id, body.model_dump(exclude_unset=True))
    await service.published(position)
    return AccountAnswer.of(account)
