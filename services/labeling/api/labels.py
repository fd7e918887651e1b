"""Labels of an account."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Query, Response
from pydantic import BaseModel, Field

from services.labeling.api.models import LabelAnswer
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import (
    LONGEST_DESCRIPTION,
    Label,
    LabelPatch,
    label_group,
    label_name,
    label_names,
)
from services.labeling.store.assignments import Holder, holders_of_label
from services.labeling.store.contact_search import LATEST, MOST_CLICKS, MOST_ID, NEVER, HolderOrder, holders_in_order
from services.labeling.store.labels import labels_of_account
from services.labeling.use_cases.labels import change_label, create_label, delete_label, find_label
from services.labeling.use_cases.merging import merge_label
from services.labeling.use_cases.uses import uses_of_label
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Force
from shared.jobs.routes import JobAnswer
from shared.uses import InUseError

router = Router(prefix="/v1/labels", tags=["labels"])

Name = Annotated[
    str,
    Field(
        min_length=1, max_length=200, description="1 to 100 characters, no comma; unique in the account, ignoring case."
    ),
]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]
Visibility = Annotated[
    Literal["public", "private"], Field(description="`public`: contacts see it and may choose it themselves.")
]


Group = Annotated[
    str | None, Field(max_length=200, description="Heading under which contacts see it on their preference page.")
]
Names = Annotated[
    dict[str, str] | None,
    Field(description="Names for contacts by language (nl, en, fr, de); otherwise `name` is shown."),
]


Order = Annotated[
    int, Field(ge=-1_000_000, le=1_000_000, description="Place within the group; smaller numbers come first.")
]


class LabelBody(RequestBody):
    """A new label."""

    name: Annotated[Name, Field(examples=["Dogs"])]
    description: Annotated[
        Description | None, Field(description="What the label is for.", examples=["Clicked on something about dogs"])
    ] = None
    visibility: Visibility | None = None
    group: Group = None
    names: Names = None
    order: Order = 0


class LabelPatchBody(RequestBody):
    """Changes to a label. A hidden label is no longer offered for new uses, but otherwise works as before."""

    name: Annotated[Name, Field(examples=["Big dogs"])] = "unchanged"
    description: Annotated[Description | None, Field(description="What the label is for; null clears it.")] = None
    visibility: Visibility | None = None
    state: Annotated[
        Literal["active", "hidden"],
        Field(description="A hidden label is no longer offered for new uses.", examples=["active"]),
    ] = "active"
    group: Group = None
    names: Names = None
    order: Order = 0


class HolderAnswer(BaseModel):
    """A contact that holds the label."""

    contact_id: int
    external_id: str | None
    email: str | None
    since: Annotated[
        datetime, Field(description="Since when the contact has held the label.", examples=["2026-02-21T18:40:00Z"])
    ]
    clicks: Annotated[int, Field(description="Human clicks on links with the label.", examples=[4])]
    first_click: datetime | None
    last_click: datetime | None


def _name(text: str) -> str:
    try:
        return label_name(text)
    except InvalidError as error:
        raise InvalidError(error.detail, "/name") from None


@router.post("", status_code=201, summary="Create a label")
async def post_label(
    service: Service, caller: Annotated[Caller, requires("write")], body: LabelBody, response: Response
) -> LabelAnswer:
    """Create a label. When the response arrives, every service accepts the label."""
    label, position = await create_label(
        service.database,
        caller.account_id,
        _name(body.name),
        body.description or "",
        body.visibility or "private",
        label_group(body.group or "") or None,
        label_names(body.names or {}),
        body.order,
    )
    await service.published(position)
    response.headers["Location"] = f"/v1/labels/{label.id}"
    return LabelAnswer.of(label)


@router.get("", summary="List labels")
async def list_labels(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    name: Annotated[str | None, Query(max_length=200, description="Only the label of this name.")] = None,
) -> Page[LabelAnswer]:
    """List the account's labels, oldest first, including hidden ones."""
    (after,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        labels, total = await labels_of_account(connection, caller.account_id, name, after, page.fetch)
    return Page[LabelAnswer].of(labels, page, key=lambda label: [label.id], item=LabelAnswer.of, total=total)


@router.get("/{label_id}", summary="Show a label")
async def show_label(service: Service, caller: Annotated[Caller, requires("read")], label_id: UUID) -> LabelAnswer:
    """Show a label."""
    async with service.database.pool.acquire() as connection:
        return LabelAnswer.of(await find_label(connection, caller.account_id, label_id))


@router.patch("/{label_id}", summary="Rename, describe, show or hide a label")
async def patch_label(
    service: Service, caller: Annotated[Caller, requires("write")], label_id: UUID, body: LabelPatchBody
) -> LabelAnswer:
    """Change a label; its assignments stay. After a change of name, the old name becomes an alias."""
    members = body.model_fields_set
    patch = LabelPatch(
        name=_name(body.name) if "name" in members else None,
        description=(body.description or "") if "description" in members else None,
        visibility=(body.visibility or "private") if "visibility" in members else None,
        state=body.state if "state" in members else None,
        group=label_group(body.group or "") if "group" in members else None,
        names=label_names(body.names or {}) if "names" in members else None,
        order=body.order if "order" in members else None,
    )
    label, position = await change_label(service.database, caller.account_id, label_id, patch)
    await service.published(position)
    return LabelAnswer.of(label)


@router.delete("/{label_id}", status_code=202, summary="Delete a label")
async def remove_label(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    label_id: UUID,
    response: Response,
    force: Force = False,
) -> JobAnswer:
    """Delete a label; a job removes it from all contacts that hold it, with an event for each.

    409 with `uses` if a link, segment, campaign, workflow, block or form uses it, unless it is forced.
    """
    if not force:
        async with service.database.pool.acquire() as connection:
            uses = await uses_of_label(connection, service.resources.catalog, caller.account_id, label_id)
        if uses:
            raise InUseError("label", uses)
    job, position = await delete_label(service.database, caller.account_id, label_id)
    await service.published(position)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)


class MergeBody(RequestBody):
    """The label that another one is merged into."""

    into: Annotated[UUID, Field(description="The id of the label that stays.")]


@router.post("/{label_id}/merge", status_code=202, summary="Merge a label into another one")
async def post_merge(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    label_id: UUID,
    body: MergeBody,
    response: Response,
) -> JobAnswer:
    """Merge a label into another one, which gets its name as an alias; a job moves the assignments.

    Links, imports, segments and workflows that refer to the merged label use the other one from now on. A merge
    cannot be undone.
    """
    job, position = await merge_label(service.database, caller.account_id, label_id, body.into)
    await service.published(position)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)


class UseAnswer(BaseModel):
    """Something that uses the label."""

    kind: Annotated[
        str,
        Field(description="`link`, `segment`, `workflow`, `block`, `campaign` or `form`. Open.", examples=["segment"]),
    ]
    id: Annotated[
        str,
        Field(
            description="The id of the user; for a block, `<message id>/<block>`.",
            examples=["0190c3d0-4455-7666-8777-8899aabbccdd"],
        ),
    ]
    name: Annotated[str, Field(description="Its name.", examples=["Dog lovers"])]


@router.get("/{label_id}/uses", summary="List what uses a label")
async def list_uses(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    label_id: UUID,
    page: Annotated[PageRequest, page_request()],
) -> Page[UseAnswer]:
    """List the links, segments, campaigns, workflows, blocks and forms that use the label."""
    (after,) = page.key(int) or (0,)
    async with service.database.pool.acquire() as connection:
        await find_label(connection, caller.account_id, label_id)
        uses = await uses_of_label(connection, service.resources.catalog, caller.account_id, label_id)
    numbered_uses = list(enumerate(uses, 1))
    return Page[UseAnswer].of(
        numbered_uses[after:][: page.fetch],
        page,
        key=lambda numbered: [numbered[0]],
        item=lambda numbered: UseAnswer(**asdict(numbered[1])),
        total=len(numbered_uses),
    )


@router.get("/{label_id}/contacts", summary="List the contacts that hold a label")
async def list_holders(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    label_id: UUID,
    page: Annotated[PageRequest, page_request()],
    sort: Annotated[
        Literal["contact_id", "clicks", "last_click", "since"],
        Query(description="All orders but `contact_id` are descending."),
    ] = "contact_id",
    at_least: Annotated[int, Query(ge=0, le=1_000_000, description="Only contacts with at least so many clicks.")] = 0,
) -> Page[HolderAnswer]:
    """List the contacts that hold the label, with their clicks."""
    async with service.database.pool.acquire() as connection:
        label = await find_label(connection, caller.account_id, label_id)
        if sort != "contact_id" or at_least:
            order: HolderOrder = "clicks" if sort == "contact_id" else sort
            return await _holders_in_order(connection, label, order, at_least, page)
        (after,) = page.key(int) or (0,)
        holders = await holders_of_label(connection, caller.account_id, label.no, after, page.fetch)
    return Page[HolderAnswer].of(
        holders,
        page,
        key=lambda holder: [holder.contact_id],
        item=lambda holder: HolderAnswer(**holder._asdict()),
    )


async def _holders_in_order(
    connection: PoolConnectionProxy, label: Label, order: HolderOrder, at_least: int, page: PageRequest
) -> Page[HolderAnswer]:
    first = MOST_CLICKS if order == "clicks" else LATEST
    before = page.key(int if order == "clicks" else datetime, int) or (first, MOST_ID)
    holders = await holders_in_order(
        connection, label.account_id, label.no, order, at_least=at_least, before=before, limit=page.fetch
    )
    return Page[HolderAnswer].of(
        holders,
        page,
        key=lambda holder: [_sort_value(holder, order), holder.contact_id],
        item=lambda holder: HolderAnswer(**holder._asdict()),
    )


def _sort_value(holder: Holder, order: HolderOrder) -> int | datetime:
    if order == "clicks":
        return holder.clicks
    return (holder.since if order == "since" else holder.last_click) or NEVER
