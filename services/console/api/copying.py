"""Pages that copy labels, segments, workflows and messages to another account of the person, after a preview."""

from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.page import AccountPage, NotAllowed, OfAccount
from services.console.api.sentences import thing_name
from services.console.apis.client import Api, ApiProblem, Json
from services.console.domain.errors import NotFound
from services.console.domain.roles import may
from services.console.use_cases.copying import THINGS, CopyPlan, Obstacle, Thing, copy, plan_copy
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/copy", include_in_schema=False)


@router.get("")
async def ask(page: OfAccount) -> Response:
    """Ask for the account, and show what would be copied."""
    form = Form()
    form.values.update(page.request.query_params)
    return await _show(page, form)


@router.post("")
async def make(page: OfAccount) -> Response:
    """Create the copy."""
    form = await read_form(page.request)
    targets = await _targets(page)
    target = next((one for one in targets if str(one["account_id"]) == form["to"]), None)
    if target is None:
        raise NotAllowed
    plan = await plan_copy(page.api, target["api"], _thing(form), form["id"])
    if plan.obstacles:
        return await _show(page, form, status=422)
    try:
        copy_id = await copy(target["api"], plan, form["name"])
    except ApiProblem as problem:
        form.refuse(problem)
        return await _show(page, form, status=422)
    notice = _('"%(name)s" is copied to %(account)s. This is the copy.', name=form["name"], account=target["name"])
    return page.go(f"/a/{target['account_id']}/{_thing(form)}s/{copy_id}", notice)


async def _show(page: AccountPage, form: Form, status: int = 200) -> Response:
    thing = _thing(form)
    targets = await _targets(page)
    if len(targets) == 1:
        form.values.setdefault("to", str(targets[0]["account_id"]))
    target = next((one for one in targets if str(one["account_id"]) == form["to"]), None)
    plan: CopyPlan | None = None
    if target is not None:
        plan = await plan_copy(page.api, target["api"], thing, form["id"])
        name = plan.requested.name
        form.values.setdefault("name", f"{name[:95]} (2)" if plan.name_is_taken else name)
    return page.show(
        "copy.html",
        status=status,
        here=f"{thing}s",
        form=form,
        thing=thing,
        targets=targets,
        target=target,
        plan=plan,
        obstacle=_describe_obstacle,
    )


async def _targets(page: AccountPage) -> list[Json]:
    """Return the other accounts in which the person may create things, each with its `api`."""
    targets = []
    for membership in page.others:
        if may(membership.role, "write"):
            key = page.console.vault.decrypt(membership.api_key, membership.account_id)
            api: Api = page.console.platform.with_key(key)
            account = await page.request.app.state.accounts.of(membership.account_id, api)
            targets.append({"account_id": membership.account_id, "name": account["name"], "api": api})
    return targets


def _thing(form: Form) -> Thing:
    thing = next((one for one in THINGS if one == form["kind"]), None)
    if thing is None:
        raise NotFound
    return thing


def _describe_obstacle(obstacle: Obstacle) -> str:
    inside = obstacle.inside
    if obstacle.why == "link":
        return _(
            '"%(name)s" has a condition on one link of a message; use the message or the URL instead.', name=inside
        )
    if obstacle.why == "send":
        return _('"%(name)s" has a condition on one send, which exists only in this account.', name=inside)
    if obstacle.why == "field_type":
        return _(
            '"%(name)s" uses the field "%(field)s", which has another type there.', name=inside, field=obstacle.name
        )
    if obstacle.why == "circle":
        return _('"%(name)s" and "%(other)s" refer to each other.', name=inside, other=obstacle.name)
    return _('"%(name)s" uses a %(kind)s that was deleted.', name=inside, kind=thing_name(obstacle.kind))
