"""Pages that assign or remove a label for many contacts, with a preview, progress, and undo."""

from uuid import UUID

from fastapi import Response

from services.console.api.chosen_people import criterion_in
from services.console.api.criterion_sentences import describe
from services.console.api.forms import Form, read_form
from services.console.api.languages import _, counted
from services.console.api.names import load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}", include_in_schema=False)

_KINDS = ("label", "segment", "import")


@router.get("/give")
async def ask(page: OfAccount) -> Response:
    """Ask for the label."""
    page.require("write")
    form = Form()
    form.values.update(page.request.query_params)
    return await _form(page, form, None)


@router.post("/give")
async def give(page: OfAccount) -> Response:
    """Show a preview, or start the job."""
    page.require("write")
    form = await read_form(page.request)
    if not form["label_id"]:
        form.errors["label_id"] = _("Choose a label.")
        return await _form(page, form, None, status=422)
    try:
        if form["criterion"]:
            return await _make_segment(page, form)
        body = {"of": _source(form), "label_id": form["label_id"], "held": form["held"] != "no"}
        if form["op"] != "go":
            preview = await page.api.post("labeling", "/v1/assignment-jobs", {**body, "dry_run": True})
            return await _form(page, form, preview)
        job = await page.api.post("labeling", "/v1/assignment-jobs", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _form(page, form, None, status=422)
    return page.go(page.url(f"jobs/{job['id']}"))


@router.get("/jobs/{job_id}")
async def job(page: OfAccount, job_id: UUID) -> Response:
    """Show the progress and the result of a job."""
    job = await page.api.get("labeling", f"/v1/jobs/{job_id}")
    at_work = job["state"] in ("queued", "running")
    is_undo = page.request.query_params.get("undo") == "yes"
    return page.show_progress("job.html", here="labels", job=job, title=_title(job), is_undo=is_undo, at_work=at_work)


@router.post("/jobs/{job_id}/cancel")
async def cancel(page: OfAccount, job_id: UUID) -> Response:
    """Stop a job."""
    page.require("write")
    await page.api.post("labeling", f"/v1/jobs/{job_id}/cancel")
    return page.go(page.url(f"jobs/{job_id}"), _("It is stopped. What was done so far stays."))


@router.post("/jobs/{job_id}/undo")
async def undo(page: OfAccount, job_id: UUID) -> Response:
    """Undo the changes of a job."""
    page.require("write")
    undo_job = await page.api.post("labeling", f"/v1/assignment-jobs/{job_id}/undo")
    return page.go(page.url(f"jobs/{undo_job['id']}?undo=yes"), _("It is being undone."))


async def _make_segment(page: AccountPage, form: Form) -> Response:
    """Create a segment from the criterion, and redirect to the form for its members."""
    body = {"name": form["name"], "criterion": criterion_in(form["criterion"])}
    segment = await page.api.post("segmentation", "/v1/segments", body)
    held = "&held=no" if form["held"] == "no" else ""
    path = f"give?segment={segment['id']}&label_id={form['label_id']}{held}"
    return page.go(
        page.url(path), _('The segment "%(name)s" was created. Check what would happen.', name=segment["name"])
    )


async def _form(page: AccountPage, form: Form, preview: Json | None, status: int = 200) -> Response:
    names = await load_names(page.api, "labels", "messages", "segments", "campaigns")
    labels = await page.api.items("labeling", "/v1/labels")
    criterion = criterion_in(form["criterion"]) if form["criterion"] else None
    if form["label"]:
        whom = _('Contacts with the label "%(name)s"', name=names.label(form["label"]))
    elif form["segment"]:
        whom = _('Members of the segment "%(name)s"', name=names.segment(form["segment"]))
    elif form["import"]:
        whom = _("Contacts of an import")
    else:
        whom = describe(criterion, names) if criterion is not None else ""
    return page.show(
        "give.html",
        status=status,
        here="labels",
        form=form,
        whom=whom,
        criterion=criterion,
        kinds=_KINDS,
        labels=[label for label in labels if label["state"] == "active" and label["id"] != form["label"]],
        preview=preview,
    )


def _source(form: Form) -> dict[str, str]:
    return {kind: form[kind] for kind in _KINDS if form[kind]}


def _title(job: Json) -> str:
    total = job["progress"]["total"]
    texts = {
        "assignment": _("A label for many contacts"),
        "label_deletion": _("Deleting a label"),
        "label_merge": _("Merging a label"),
    }
    text = texts.get(job["kind"], _("Background jobs"))
    return text if total is None else f"{text}: {counted('%(num)s contact', '%(num)s contacts', total)}"
