"""Assigns and removes labels, and shows who holds a label and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Response
from pydantic import BaseModel, Field, model_validator
from pydantic_core import to_jsonable_python

from services.labeling.api.models import OriginBody
from services.labeling.api.routing import Router
from services.labeling.api.service import Service, contact_in_path
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.labels import Label
from services.labeling.domain.names import ContactName
from services.labeling.store import assignments
from services.labeling.store.assignments import labels_of_contact
from services.labeling.store.directory import find_contacts
from services.labeling.store.history import StoredEntry, history_of_assignment
from services.labeling.store.labels import label_of_id, labels_of_ids, labels_of_names
from services.labeling.use_cases.assigning import AssignmentRequest, Missing, assign_labels
from services.labeling.use_cases.labels import find_label
from shared.events.codec import rfc3339
from shared.events.envelope import ContactId
from shared.events.parts import Origin
from shared.http.batches import BatchError, EachForItself, RefusedItem, none_taken, refused
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem

router = Router(tags=["assignments"])
MOST_ASSIGNMENTS = 10_000


class AssignmentBody(RequestBody):
    """The origin of an assignment or removal; `api` unless given."""

    origin: Annotated[
        OriginBody | None,
        Field(description="What assigns or removes the label.", examples=[{"kind": "manual", "ref": "Spring fair"}]),
    ] = None


class AssignmentItem(RequestBody):
    """One contact and one label. Without `origin`, it is `api`."""

    contact_id: Annotated[ContactId | None, Field(examples=[1042])] = None
    external_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    label_id: UUID | None = None
    label: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Name or alias.", examples=["Dogs"])
    ] = None
    held: Annotated[bool, Field(description="True assigns the label, false removes it.", examples=[True])]
    origin: Annotated[OriginBody | None, Field(description="What assigns or removes the label.")] = None

    @model_validator(mode="after")
    def names_one_of_each(self) -> "AssignmentItem":
        """Require exactly one name of the contact and one of the label."""
        if (self.contact_id is None) == (self.external_id is None):
            raise ValueError("specify exactly one of contact_id and external_id")
        if (self.label_id is None) == (self.label is None):
            raise ValueError("specify exactly one of label_id and label")
        return self


class AssignmentsAnswer(BaseModel):
    """The result of a batch.

    `refused` counts labels that the contact itself had removed: a program cannot assign them again.
    """

    assigned: Annotated[int, Field(description="Items whose contact got the label.", examples=[1])]
    removed: Annotated[int, Field(description="Items whose contact lost the label.", examples=[0])]
    unchanged: Annotated[int, Field(description="Items that changed nothing.", examples=[0])]
    refused: Annotated[int, Field(description="Items whose contact had removed the label itself.", examples=[0])]
    errors: Annotated[list[BatchError], Field(description="Items that are not valid.")]


class ClickSupport(BaseModel):
    """The support by clicks."""

    kind: Annotated[Literal["click"], Field(description="Always `click`.")] = "click"
    clicks: Annotated[int, Field(description="Human clicks on links with the label.", examples=[4])]


class LabelOfContact(BaseModel):
    """A label that the contact holds, held, or clicked for. `since` is null if the contact does not hold it."""

    label_id: UUID
    label_name: str
    held: Annotated[bool, Field(description="Whether the contact holds the label now.", examples=[True])]
    since: Annotated[
        datetime | None,
        Field(
            description="Since when the contact has held it; null if it does not.", examples=["2026-02-21T18:40:00Z"]
        ),
    ]
    supports: Annotated[
        list[dict[str, Any]],
        Field(
            description="The supports of the assignment; all clicks are one support, with their number.",
            examples=[[{"kind": "click", "clicks": 4}]],
        ),
    ]
    clicks: Annotated[int, Field(description="Human clicks on links with the label.", examples=[4])]
    first_click: datetime | None
    last_click: datetime | None


class HistoryEntry(BaseModel):
    """One assertion, removal or refused attempt."""

    outcome: Annotated[
        Literal["assigned", "confirmed", "removed", "withdrawn", "declined", "refused"],
        Field(
            description="`confirmed`: it was held already. `withdrawn`: one support fewer. `declined`: the "
            "contact refused it beforehand. `refused`: see `reason`.",
            examples=["assigned"],
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it was refused; null if it was not.", examples=[None])]
    origin: Annotated[
        dict[str, Any],
        Field(
            description="What assigned or removed the label, with its reference.",
            examples=[{"kind": "click", "click_id": "0190d500-0c1c-7d2e-8f3a-4b5c6d7e8f90"}],
        ),
    ]
    occurred_at: datetime
    recorded_at: datetime
    caused_by: Annotated[UUID | None, Field(description="The event that led to this: a click, a command.")]
    event_id: Annotated[UUID | None, Field(description="The LabelAssigned or LabelRemoved that was published.")]


Items = Annotated[list[Annotated[AssignmentItem, EachForItself]], Field(min_length=1, max_length=MOST_ASSIGNMENTS)]


def _origin(caller: Caller, body: OriginBody | None) -> Origin:
    kind, ref = ("api", None) if body is None else (body.kind, body.ref)
    key_id = caller.key_id if kind in ("manual", "api") else None
    return Origin(kind=kind, ref=ref, key_id=key_id)


def _check_scope(caller: Caller, origin: OriginBody | None) -> None:
    scope: Literal["self", "write"] = "self" if origin is not None and origin.kind == "self" else "write"
    if not caller.may(scope):
        raise Problem(
            403,
            f"The key lacks the scope {scope}.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


async def _set(
    service: Service, caller: Caller, contact: str, label_id: UUID, body: AssignmentBody | None, *, held: bool
) -> None:
    origin = None if body is None else body.origin
    _check_scope(caller, origin)
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        label = await find_label(connection, caller.account_id, label_id)
    request = AssignmentRequest(0, contact_id, label, held, _origin(caller, origin))
    outcome = (await assign_labels(service.database, caller.account_id, [request]))[0]
    if isinstance(outcome, Missing):
        raise NotFoundError(outcome.kind)


@router.put(
    "/v1/contacts/{contact}/labels/{label_id}", status_code=204, summary="Assign a label", response_class=Response
)
async def give_label(
    service: Service,
    caller: Annotated[Caller, requires()],
    contact: str,
    label_id: UUID,
    body: AssignmentBody | None = None,
) -> None:
    """Assign the label to the contact; 204 also if the contact held it.

    Origin `self` needs the scope `self`, any other `write`. Only the contact or a person can assign a label again that
    the contact itself removed: attempts of other origins are recorded as refused, and change nothing.
    """
    await _set(service, caller, contact, label_id, body, held=True)


@router.delete(
    "/v1/contacts/{contact}/labels/{label_id}", status_code=204, summary="Remove a label", response_class=Response
)
async def take_label(
    service: Service,
    caller: Annotated[Caller, requires()],
    contact: str,
    label_id: UUID,
    body: AssignmentBody | None = None,
) -> None:
    """Remove the label, whatever its supports; 204 also if the contact did not hold it."""
    await _set(service, caller, contact, label_id, body, held=False)


@router.post("/v1/assignments", summary="Assign and remove up to 10,000 labels")
async def write_assignments(service: Service, caller: Annotated[Caller, requires()], body: Items) -> AssignmentsAnswer:
    """Assign and remove labels, each item by itself."""
    for item in body:
        if isinstance(item, AssignmentItem):
            _check_scope(caller, item.origin)
    errors: list[BatchError] = []
    async with service.database.pool.acquire() as connection:
        requests = await _requests(connection, caller, body, errors)
    outcomes = await assign_labels(service.database, caller.account_id, requests)
    counts: Counter[str] = Counter()
    for index, outcome in outcomes.items():
        if isinstance(outcome, Missing):
            errors.append(_not_found(index, body[index], outcome.kind))
        else:
            counts[outcome if outcome in ("assigned", "removed", "refused") else "unchanged"] += 1
    errors.sort(key=lambda error: error.index)
    if not counts:
        none_taken(errors, dict.fromkeys(("assigned", "removed", "unchanged", "refused"), 0))
    return AssignmentsAnswer(
        assigned=counts["assigned"],
        removed=counts["removed"],
        unchanged=counts["unchanged"],
        refused=counts["refused"],
        errors=errors,
    )


async def _requests(
    connection: PoolConnectionProxy,
    caller: Caller,
    items: Iterable[AssignmentItem | RefusedItem],
    errors: list[BatchError],
) -> list[AssignmentRequest]:
    valid = {index: item for index, item in enumerate(items) if isinstance(item, AssignmentItem)}
    errors += [refused(index, item) for index, item in enumerate(items) if isinstance(item, RefusedItem)]
    account_id = caller.account_id
    by_id = await labels_of_ids(connection, {item.label_id for item in valid.values() if item.label_id is not None})
    by_name = await labels_of_names(connection, account_id, {item.label for item in valid.values() if item.label})
    contact_ids = await find_contacts(connection, {_name(account_id, item) for item in valid.values()})
    requests = []
    for index, item in valid.items():
        label = _label(item, account_id, by_id, by_name)
        contact_id = contact_ids.get(_name(account_id, item))
        if label is None or contact_id is None:
            errors.append(_not_found(index, item, "contact" if contact_id is None else "label"))
        else:
            requests.append(AssignmentRequest(index, contact_id, label, item.held, _origin(caller, item.origin)))
    return requests


def _name(account_id: int, item: AssignmentItem) -> ContactName:
    if item.contact_id is not None:
        return ContactName(account_id, "id", str(item.contact_id))
    return ContactName(account_id, "external", (item.external_id or "").strip())


def _label(
    item: AssignmentItem, account_id: int, by_id: Mapping[UUID, Label], by_name: Mapping[str, Label]
) -> Label | None:
    label = by_name.get(item.label or "") if item.label_id is None else by_id.get(item.label_id)
    return label if label is not None and label.account_id == account_id and label.state != "deleted" else None


def _not_found(index: int, item: AssignmentItem | RefusedItem, kind: str) -> BatchError:
    by_contact_id = isinstance(item, AssignmentItem) and item.contact_id is not None
    by_label_id = isinstance(item, AssignmentItem) and item.label_id is not None
    pointer = ("/contact_id" if by_contact_id else "/external_id") if kind == "contact" else "/label"
    if kind == "label" and by_label_id:
        pointer = "/label_id"
    return BatchError(index=index, code="not_found", pointer=pointer, detail=f"the account has no such {kind}")


@router.get("/v1/contacts/{contact}/labels", summary="List a contact's labels")
async def list_labels(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    contact: str,
    page: Annotated[PageRequest, page_request()],
) -> Page[LabelOfContact]:
    """Return the labels that the contact holds (`held`), held, or clicked for."""
    (after,) = page.key(int) or (0,)
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        labels = await labels_of_contact(connection, caller.account_id, contact_id)
    return Page[LabelOfContact].of(
        [label for label in labels if label.label_no > after][: page.fetch],
        page,
        key=lambda label: [label.label_no],
        item=_label_of_contact,
        total=len(labels),
    )


def _label_of_contact(label: assignments.LabelOfContact) -> LabelOfContact:
    supports: list[dict[str, Any]] = []
    if label.click_supports:
        supports.append(ClickSupport(clicks=label.click_supports).model_dump())
    supports += [
        {**to_jsonable_python(support.origin), "at": rfc3339(support.at)}
        for support in sorted(label.supports.values(), key=lambda support: support.at)
    ]
    return LabelOfContact(
        label_id=label.label_id,
        label_name=label.name,
        held=label.held,
        since=label.since,
        supports=supports,
        clicks=label.clicks,
        first_click=label.first_click,
        last_click=label.last_click,
    )


@router.get("/v1/contacts/{contact}/labels/{label_id}/history", summary="Show why a contact has a label")
async def show_history(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    contact: str,
    label_id: UUID,
    page: Annotated[PageRequest, page_request()],
) -> Page[HistoryEntry]:
    """Return every assertion, removal and refused attempt, oldest first."""
    (after,) = page.key(int) or (0,)
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        label = await label_of_id(connection, caller.account_id, label_id)
        if label is None:
            raise NotFoundError("label")
        entries = await history_of_assignment(connection, label.no, contact_id, after, page.fetch)
    return Page[HistoryEntry].of(entries, page, key=lambda entry: [entry.entry], item=_history_entry)


def _history_entry(entry: StoredEntry) -> HistoryEntry:
    return HistoryEntry(
        outcome=entry.outcome,
        reason=entry.reason,
        origin=entry.origin,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        caused_by=entry.cause,
        event_id=entry.event_id,
    )
