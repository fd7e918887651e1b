"""Labels of an account."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from services.labeling.api.models import JobAnswer, LabelAnswer
from services.labeling.api.service import Service, label_named
from services.labeling.domain.labels import LONGEST_DESCRIPTION, label_name, name_key
from services.labeling.domain.problems import InvalidError
from services.labeling.store import QUERIES
from services.labeling.store.jobs import add_job
from services.labeling.store.labels import LabelPatch, add_label, change_label, label_from_row
from shared.events.topics import CATALOG_PARTITION
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router

router = Router(prefix="/v1/labels", tags=["labels"])

Name = Annotated[
    str,
    Field(
        min_length=1, max_length=200, description="1 to 100 characters, no comma, unique in the account without case."
    ),
]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]
Visibility = Annotated[
    Literal["public", "private"], Field(description="`public`: contacts see it and may choose it themselves.")
]


class LabelBody(RequestBody):
    """A new label."""

    name: Name
    description: Description | None = None
    visibility: Visibility | None = None


class LabelPatchBody(RequestBody):
    """What changes of a label. A hidden one is not offered any more, and works on."""

    name: Name = "unchanged"
    description: Description | None = None
    visibility: Visibility | None = None
    state: Literal["active", "hidden"] = "active"


class HolderAnswer(BaseModel):
    """A contact that holds the label."""

    contact_id: int
    external_id: str | None
    email: str | None
    since: datetime
    clicks: int
    first_click: datetime | None
    last_click: datetime | None


def _name(text: str) -> str:
    try:
        return label_name(text)
    except InvalidError as problem:
        raise Problem(422, "The name cannot be taken.", errors=[FieldError("/name", problem.detail)]) from None


def _taken() -> Problem:
    detail = "another label has this name"
    return Problem(409, "Another label of the account has this name.", errors=[FieldError("/name", detail)])


@router.post("", status_code=201, summary="Make a label")
async def make_label(
    service: Service, caller: Annotated[Caller, requires("write")], body: LabelBody, response: Response
) -> LabelAnswer:
    """Makes a label. It can be used in every service once this answers."""
    name = _name(body.name)
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        label = await add_label(work, caller.account_id, name, body.description or "", body.visibility or "private")
        if label is None:
            raise _taken()
    await service.told(work)
    response.headers["Location"] = f"/v1/labels/{label.id}"
    return LabelAnswer.of(label)


@router.get("", summary="List labels")
async def list_labels(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    name: Annotated[str | None, Query(max_length=200, description="Only the label of this name.")] = None,
) -> Page[LabelAnswer]:
    """The account's labels, oldest first, hidden ones too."""
    (after,) = page.key(UUID) or (None,)
    key = None if name is None else name_key(name)
    async with service.database.pool.acquire() as connection:
        rows = await connection.fetch(QUERIES["labels_of_account"], caller.account_id, key, after, page.fetch)
        total = await connection.fetchval(QUERIES["count_labels"], caller.account_id, key)
    return Page[LabelAnswer].of(
        [label_from_row(row) for row in rows],
        page,
        key=lambda label: [label.id],
        item=LabelAnswer.of,
        total=total,
    )


@router.get("/{label_id}", summary="Show a label")
async def show_label(service: Service, caller: Annotated[Caller, requires("read")], label_id: UUID) -> LabelAnswer:
    """A label."""
    async with service.database.pool.acquire() as connection:
        return LabelAnswer.of(await label_named(connection, caller.account_id, label_id))


@router.patch("/{label_id}", summary="Rename, describe, show or hide a label")
async def patch_label(
    service: Service, caller: Annotated[Caller, requires("write")], label_id: UUID, body: LabelPatchBody
) -> LabelAnswer:
    """Changes a label; its assignments stay. The old name stays as an alias."""
    said = body.model_fields_set
    patch = LabelPatch(
        name=_name(body.name) if "name" in said else None,
        description=(body.description or "") if "description" in said else None,
        visibility=(body.visibility or "private") if "visibility" in said else None,
        state=body.state if "state" in said else None,
    )
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        label = await label_named(work.connection, caller.account_id, label_id)
        changed = await change_label(work, label, patch)
        if changed is None:
            raise _taken()
    await service.told(work)
    return LabelAnswer.of(changed)


@router.delete("/{label_id}", status_code=202, summary="Delete a label")
async def delete_label(
    service: Service, caller: Annotated[Caller, requires("write")], label_id: UUID, response: Response
) -> JobAnswer:
    """Deletes a label; a job takes it away from all who hold it, and says so for each."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        label = await label_named(work.connection, caller.account_id, label_id)
        await change_label(work, label, LabelPatch(state="deleted"))
        job = await add_job(work.connection, caller.account_id, "label_deletion", str(label.id))
    await service.told(work)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)


@router.get("/{label_id}/contacts", summary="Who holds a label")
async def list_holders(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    label_id: UUID,
    page: Annotated[PageRequest, page_request()],
) -> Page[HolderAnswer]:
    """The contacts that hold the label, by contact id."""
    (after,) = page.key(int) or (0,)
    async with service.database.pool.acquire() as connection:
        label = await label_named(connection, caller.account_id, label_id)
        rows = await connection.fetch(QUERIES["holders_of_label"], caller.account_id, label.no, after, page.fetch)
    return Page[HolderAnswer].of(
        rows,
        page,
        key=lambda row: [row["contact_id"]],
        item=lambda row: HolderAnswer(**dict(row)),
    )
