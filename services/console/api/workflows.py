"""Workflows: the list, one workflow with its runs, building and trying one."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

from fastapi import Response

from services.console.api import sentences, workflow_sentences
from services.console.api.builder import Builder, Choices, build, load_choices, recent_choices, refuse_criterion
from services.console.api.criterion_sentences import describe
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing, paginate
from services.console.api.names import load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id, find_contact
from services.console.api.refusals import refusal
from services.console.api.workflow_steps import outcome_of, reentry, shown_steps, texts_by_id, while_paused
from services.console.apis.client import ApiProblem, Json
from services.console.domain.criterion_draft import changed
from services.console.domain.criterion_form import empty_draft
from services.console.domain.workflow_buttons import changed_workflow
from services.console.domain.workflow_form import (
    Step,
    WorkflowDraft,
    definition_of,
    new_draft,
    workflow_draft_of,
    workflow_of_form,
)
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}", include_in_schema=False)

_RUN_STATES = ("running", "finished", "exited", "cancelled", "failed", "stopped")
_DAYS_TRIED = 7


@router.get("/workflows")
async def workflows(page: OfAccount) -> Response:
    """List the workflows."""
    filters = filters_of(page.request, "q", "state")
    items, names = await asyncio.gather(
        page.api.items("workflow", "/v1/workflows"), load_names(page.api, "labels", "segments", "messages")
    )
    query = filters["q"].casefold()
    matching = [
        item
        for item in items
        if query in item["name"].casefold() and (not filters["state"] or item["state"] == filters["state"])
    ]
    shown = paginate(page.request, matching, filters)
    rows = [(item, [workflow_sentences.trigger(one, names) for one in item["triggers"]]) for item in shown.items]
    return page.show("workflows.html", here="workflows", block="list", list=shown, rows=rows)


@router.get("/workflows/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new workflow."""
    page.require("write")
    return await _form(page, Form(), new_draft(), None)


@router.post("/workflows/new")
async def create(page: OfAccount) -> Response:
    """Save a new workflow as a draft, or carry out a button of the form."""
    page.require("write")
    return await _save(page, None)


@router.post("/workflows/build")
async def rebuild(page: OfAccount) -> Response:
    """Return the form's triggers and steps after a change, for htmx."""
    form = await read_form(page.request)
    draft = _draft_after_button(form)
    choices = await recent_choices(page)
    values = await _builders(page, draft, choices)
    return page.show("workflow_parts.html", form=form, draft=draft, choices=choices, builders=values)


@router.get("/workflows/{workflow_id}")
async def workflow(page: OfAccount, workflow_id: UUID) -> Response:
    """Show a workflow: its steps with statistics, and its latest runs."""
    filters = filters_of(page.request, "state", "step", "outcome")
    cursor = page.request.query_params.get("cursor")
    workflow, answer, names, counted_steps = await asyncio.gather(
        page.api.get("workflow", f"/v1/workflows/{workflow_id}"),
        page.api.get("workflow", f"/v1/workflows/{workflow_id}/runs", limit=PAGE, cursor=cursor, **filters),
        load_names(page.api, "labels", "segments", "messages"),
        page.api.items("workflow", f"/v1/workflows/{workflow_id}/steps"),
    )
    runs = listing(page.request, answer, filters)
    counts = {one["id"]: one for one in counted_steps}
    return page.show(
        "workflow.html",
        here="workflows",
        block="runs",
        workflow=workflow,
        triggers=[workflow_sentences.trigger(one, names) for one in workflow["triggers"]],
        exits=[workflow_sentences.trigger(one, names) for one in workflow.get("exit_on") or []],
        condition=describe(workflow["condition"], names) if workflow.get("condition") else None,
        steps=list(shown_steps(workflow["steps"], names, counts)),
        step=dict(texts_by_id(workflow["steps"], names)).get(filters["step"], filters["step"]),
        list=runs,
        people=await contacts_by_id(page.api, sorted({run["contact_id"] for run in runs.items})),
        run_states=[(state, sentences.run_state(state)) for state in _RUN_STATES],
        run_state=sentences.run_state,
        outcome_of=outcome_of,
        reentry=reentry,
        while_paused=while_paused,
    )


@router.get("/workflows/{workflow_id}/edit")
async def edit(page: OfAccount, workflow_id: UUID) -> Response:
    """Show the form of a workflow."""
    page.require("write")
    workflow = await page.api.get("workflow", f"/v1/workflows/{workflow_id}")
    return await _form(page, Form(), workflow_draft_of(workflow), workflow)


@router.post("/workflows/{workflow_id}/edit")
async def change(page: OfAccount, workflow_id: UUID) -> Response:
    """Save a new version, or carry out a button of the form."""
    page.require("write")
    return await _save(page, await page.api.get("workflow", f"/v1/workflows/{workflow_id}"))


@router.get("/workflows/{workflow_id}/try")
async def ask_try(page: OfAccount, workflow_id: UUID) -> Response:
    """Show the forms for trials."""
    return await _trial(page, workflow_id, Form(), None)


@router.post("/workflows/{workflow_id}/try")
async def try_workflow(page: OfAccount, workflow_id: UUID) -> Response:
    """Try the workflow on a contact or on the last days, without effects."""
    form = await read_form(page.request)
    body: Json
    if form["contact"]:
        contact = await find_contact(page.api, form["contact"])
        if contact is None:
            form.errors["contact"] = _("There is no such contact.")
            return await _trial(page, workflow_id, form, None, status=422)
        body = {"contact_id": contact["contact_id"]}
    else:
        body = {"days": int(form["days"]) if form["days"].isdecimal() else _DAYS_TRIED}
    try:
        answer = await page.api.post("workflow", f"/v1/workflows/{workflow_id}/try", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _trial(page, workflow_id, form, None, status=422)
    return await _trial(page, workflow_id, form, answer)


@router.get("/workflows/{workflow_id}/activate")
async def ask_activate(page: OfAccount, workflow_id: UUID) -> Response:
    """Show the effect of activating."""
    page.require("write")
    workflow = await page.api.get("workflow", f"/v1/workflows/{workflow_id}")
    return page.show("workflow_activate.html", here="workflows", workflow=workflow)


@router.post("/workflows/{workflow_id}/activate")
async def activate(page: OfAccount, workflow_id: UUID) -> Response:
    """Activate the workflow."""
    page.require("write")
    await page.api.post("workflow", f"/v1/workflows/{workflow_id}/activate")
    return page.go(page.url(f"workflows/{workflow_id}"), _("The workflow is active."))


@router.post("/workflows/{workflow_id}/pause")
async def pause(page: OfAccount, workflow_id: UUID) -> Response:
    """Pause the workflow; its runs wait."""
    page.require("write")
    await page.api.post("workflow", f"/v1/workflows/{workflow_id}/pause")
    return page.go(page.url(f"workflows/{workflow_id}"), _("The workflow is paused. Activate it to resume it."))


@router.get("/workflows/{workflow_id}/delete")
async def ask_delete(page: OfAccount, workflow_id: UUID) -> Response:
    """Show the effect of deleting the workflow."""
    page.require("write")
    workflow = await page.api.get("workflow", f"/v1/workflows/{workflow_id}")
    return page.show("workflow_delete.html", here="workflows", workflow=workflow)


@router.post("/workflows/{workflow_id}/delete")
async def delete(page: OfAccount, workflow_id: UUID) -> Response:
    """Delete the workflow."""
    page.require("write")
    form = await read_form(page.request)
    await page.api.delete("workflow", f"/v1/workflows/{workflow_id}", force="true" if form["force"] == "yes" else None)
    return page.go(page.url("workflows"), _("The workflow is deleted."))


@router.get("/runs/{run_id}")
async def run(page: OfAccount, run_id: UUID) -> Response:
    """Show a run: every step with its time, the values that it read, and its result."""
    run = await page.api.get("workflow", f"/v1/runs/{run_id}")
    path = f"/v1/workflows/{run['workflow_id']}"
    workflow_of_run, versions, contacts, names = await asyncio.gather(
        page.api.find("workflow", path),
        page.api.find("workflow", f"{path}/versions", limit=1000),
        contacts_by_id(page.api, [run["contact_id"]]),
        load_names(page.api, "labels", "segments", "messages"),
    )
    steps_of_version = (
        one["steps"] for one in (versions or {"items": []})["items"] if one["version"] == run["version"]
    )
    steps = dict(texts_by_id(next(steps_of_version, []), names))
    taken = [
        {**one, "text": steps.get(one["id"], one["kind"]), "came": workflow_sentences.result(one)}
        for one in run["steps"]
    ]
    waiting = run["waiting"]
    return page.show(
        "run.html",
        here="workflows",
        run=run,
        workflow=workflow_of_run,
        contact=contacts.get(run["contact_id"]),
        taken=taken,
        waits_at=steps.get(waiting["step_id"]) if waiting else None,
        run_state=sentences.run_state,
    )


@router.post("/runs/{run_id}/cancel")
async def cancel(page: OfAccount, run_id: UUID) -> Response:
    """End a run."""
    page.require("write")
    await page.api.post("workflow", f"/v1/runs/{run_id}/cancel")
    return page.go(page.url(f"runs/{run_id}"), _("The run is cancelled. What it has already done stays."))


@router.post("/runs/{run_id}/retry")
async def retry(page: OfAccount, run_id: UUID) -> Response:
    """Retry a failed run from the step that failed."""
    page.require("write")
    await page.api.post("workflow", f"/v1/runs/{run_id}/retry")
    return page.go(page.url(f"runs/{run_id}"), _("The run continues from the step that failed."))


async def _save(page: AccountPage, workflow: Json | None) -> Response:
    form = await read_form(page.request)
    draft = _draft_after_button(form)
    if form["op"]:
        return await _form(page, form, draft, workflow)
    try:
        if workflow is None:
            saved = await page.api.post("workflow", "/v1/workflows", definition_of(draft))
        else:
            saved = await page.api.put("workflow", f"/v1/workflows/{workflow['id']}", definition_of(draft))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _form(page, form, draft, workflow, problem, status=422)
    notice = _("Saved. Try it, then activate it.") if saved["state"] == "draft" else _("Saved as a new version.")
    return page.go(page.url(f"workflows/{saved['id']}"), notice)


def _draft_after_button(form: Form) -> WorkflowDraft:
    draft = workflow_of_form(form.values)
    owner, _sign, operation = form["op"].partition("|")
    if owner == "w":
        if operation.startswith("add:?:"):
            place = operation.removeprefix("add:?:")
            operation = f"add:{form[f'add.{place}'] or 'send'}:{place}"
        return changed_workflow(draft, operation)
    if owner == "c" and draft.condition is not None:
        draft.condition = changed(draft.condition, operation)
    elif owner.startswith("s."):
        for prefix, step in _steps_with_criteria(draft.steps, "s"):
            if prefix == owner and step.criterion is not None:
                step.criterion = changed(step.criterion, operation)
    return draft


async def _form(
    page: AccountPage,
    form: Form,
    draft: WorkflowDraft,
    workflow: Json | None,
    problem: ApiProblem | None = None,
    status: int = 200,
) -> Response:
    choices = await load_choices(page)
    builders = await _builders(page, draft, choices)
    if problem is not None:
        for builder in builders.values():
            refuse_criterion(builder, problem, "/condition" if builder.prefix == "c" else "/steps")
    return page.show(
        "workflow_form.html",
        status=status,
        here="workflows",
        form=form,
        draft=draft,
        workflow=workflow,
        choices=choices,
        builders=builders,
        faults=_faults(problem),
    )


def _faults(problem: ApiProblem | None) -> list[str]:
    """Return the errors, each once, because several steps can have the same error."""
    faults = [] if problem is None else [refusal(str(one.get("detail", ""))) for one in problem.errors]
    return list(dict.fromkeys(faults))


async def _builders(page: AccountPage, draft: WorkflowDraft, choices: Choices) -> dict[str, Builder]:
    trees = [(prefix, step.criterion or empty_draft()) for prefix, step in _steps_with_criteria(draft.steps, "s")]
    if draft.condition is not None:
        trees.append(("c", draft.condition))
    builders = await asyncio.gather(*(build(page, prefix, tree, choices) for prefix, tree in trees))
    return {builder.prefix: builder for builder in builders}


def _steps_with_criteria(steps: list[Step], prefix: str) -> Iterator[tuple[str, Step]]:
    for index, step in enumerate(steps):
        place = f"{prefix}.{index}"
        if step.criterion is not None:
            yield f"{place}.c", step
        yield from _steps_with_criteria(step.then, f"{place}.then")
        yield from _steps_with_criteria(step.otherwise, f"{place}.else")


async def _trial(page: AccountPage, workflow_id: UUID, form: Form, answer: Json | None, status: int = 200) -> Response:
    workflow, names = await asyncio.gather(
        page.api.get("workflow", f"/v1/workflows/{workflow_id}"), load_names(page.api, "labels", "segments", "messages")
    )
    texts = dict(texts_by_id(workflow["steps"], names))
    return page.show(
        "workflow_try.html",
        status=status,
        here="workflows",
        workflow=workflow,
        form=form,
        answer=answer,
        texts=texts,
        came=workflow_sentences.result,
        run_state=sentences.run_state,
    )
