"""The page for operators: health, records that could not be applied, accounts."""

import asyncio
from typing import get_args

from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.page import NotAllowed, Page, SignedIn
from services.console.api.service_metrics import metrics_of
from services.console.api.zones import TIME_ZONES
from services.console.apis.client import ApiProblem, Json, ServiceName, Unreachable
from services.console.domain.errors import NotFound
from services.console.use_cases.people import admit
from shared.http.routing import Router

router = Router(prefix="/operations", include_in_schema=False)

SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)


@router.get("")
async def operations(page: SignedIn) -> Response:
    """Show the state of the installation."""
    return await _operations(page, Form())


@router.post("/accounts")
async def create_account(page: SignedIn) -> Response:
    """Create an account, and make the operator an administrator of it."""
    api_key = _operator_key(page)
    form = await read_form(page.request)
    api = page.console.platform.with_key(api_key)
    try:
        created = await api.post("labeling", "/v1/accounts", {"name": form["name"], "time_zone": form["time_zone"]})
    except ApiProblem as problem:
        form.refuse(problem)
        return await _operations(page, form, status=422)
    console = page.console
    await admit(
        console.database, console.platform, console.vault, created["api_key"], page.person.person_id, page.person.name
    )
    return page.go(f"/a/{created['account_id']}/", _("The account was created."))


@router.get("/accounts/{account_id}")
async def account(page: SignedIn, account_id: int) -> Response:
    """Show the operator's settings of an account."""
    return await _account(page, account_id, Form())


@router.post("/accounts/{account_id}")
async def change_account(page: SignedIn, account_id: int) -> Response:
    """Change from which domains an account may send, and the domain of its tracked links."""
    api = page.console.platform.with_key(_operator_key(page))
    form = await read_form(page.request)
    domains = [part for part in form["sender_domains"].replace(",", " ").split() if part]
    body: Json = {"sender_domains": domains, "click_domain": form["click_domain"] or None}
    try:
        await api.patch("labeling", f"/v1/accounts/{account_id}", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _account(page, account_id, form, status=422)
    page.request.app.state.accounts.forget(account_id)
    return page.go("/operations", _("Saved."))


@router.post("/replay")
async def replay(page: SignedIn) -> Response:
    """Process the failed records of a service again."""
    api = page.console.platform.with_key(_operator_key(page))
    form = await read_form(page.request)
    service = next((one for one in SERVICES if one == form["service"]), None)
    if service is None:
        return page.go("/operations")
    answer = await api.post(service, f"/v1/{service}-held-records/replay", {})
    return page.go("/operations", _("%(count)s records are processed again.", count=answer["released"]))


async def _operations(page: Page, form: Form, status: int = 200) -> Response:
    api_key = _operator_key(page)
    services = [service for service in SERVICES if page.console.platform.has(service)]
    health = await asyncio.gather(*(_health(page, service) for service in services))
    metrics = await asyncio.gather(*(metrics_of(page, service) for service in services))
    held = await asyncio.gather(
        *(_held_records(page, service, api_key) for service in services if service != "delivery")
    )
    accounts = await _accounts(page, api_key)
    return page.show(
        "operations.html",
        status=status,
        form=form,
        services=list(zip(services, health, metrics, strict=True)),
        held=[one for one in held if one["items"]],
        accounts=accounts,
        time_zones=TIME_ZONES,
    )


async def _account(page: Page, account_id: int, form: Form, status: int = 200) -> Response:
    accounts = await _accounts(page, _operator_key(page))
    account = next((one for one in accounts if one["account_id"] == account_id), None)
    if account is None:
        raise NotFound
    return page.show("operations_account.html", status=status, form=form, found=account)


def _operator_key(page: Page) -> str:
    key = page.console.settings.operator_key
    if not page.person.is_operator or key is None:
        raise NotAllowed
    return key.get_secret_value()


async def _health(page: Page, service: ServiceName) -> Json:
    try:
        answer = await page.console.platform.send(service, "GET", "/health/ready", timeout=5)
    except Unreachable:
        return {"ready": False, "checks": [{"name": service, "ready": False, "reason": _("does not answer")}]}
    body = answer.json()
    return {"ready": answer.status_code == 200, "checks": body.get("checks", [])}


async def _held_records(page: Page, service: ServiceName, api_key: str) -> Json:
    api = page.console.platform.with_key(api_key)
    try:
        answer = await api.get(service, f"/v1/{service}-held-records", limit=20)
    except (ApiProblem, Unreachable):
        answer = {"items": [], "total": 0}
    return {"service": service, **answer}


async def _accounts(page: Page, api_key: str) -> list[Json]:
    try:
        return await page.console.platform.with_key(api_key).all_items("labeling", "/v1/accounts")
    except (ApiProblem, Unreachable):
        return []
