"""Fields of contacts."""

from typing import Annotated

from fastapi import Response
from pydantic import BaseModel
from pydantic import Field as Described

from services.labeling.api.service import Service
from services.labeling.domain.fields import Field, field_choices, field_key, field_name
from services.labeling.domain.problems import InvalidError
from services.labeling.store import QUERIES
from services.labeling.store.fields import FieldRow, add_field, change_field, field_from_row, field_of_key
from services.labeling.store.jobs import add_job
from shared.events.labeling import FieldType
from shared.events.topics import CATALOG_PARTITION
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router
from shared.store.unit_of_work import UnitOfWork

router = Router(prefix="/v1/fields", tags=["fields"])


class FieldBody(RequestBody):
    """A new field."""

    key: Annotated[str, Described(max_length=50, description="Small letters, digits, underscores; fixed for ever.")]
    name: Annotated[str, Described(min_length=1, max_length=200)]
    type: FieldType
    choices: Annotated[list[str] | None, Described(description="What a field of type choice may be.")] = None


class FieldPatchBody(RequestBody):
    """What changes of a field. Values that are no choice any more stay until they are set again."""

    name: Annotated[str, Described(min_length=1, max_length=200)] = "unchanged"
    choices: list[str] | None = None


class FieldAnswer(BaseModel):
    """A field."""

    key: str
    name: str
    type: FieldType
    choices: list[str]

    @classmethod
    def of(cls, row: FieldRow) -> "FieldAnswer":
        """A field as stored."""
        return cls(key=row.field.key, name=row.field.name, type=row.field.type, choices=list(row.field.choices))


def _invalid(pointer: str, problem: InvalidError) -> Problem:
    error = FieldError(pointer + problem.pointer, problem.detail)
    return Problem(422, "The field cannot be taken.", errors=[error])


def _name(text: str) -> str:
    try:
        return field_name(text)
    except InvalidError as problem:
        raise _invalid("/name", problem) from None


def _choices(field_type: FieldType, choices: list[str] | None) -> tuple[str, ...]:
    try:
        return field_choices(field_type, choices or [])
    except InvalidError as problem:
        raise _invalid("/choices", problem) from None


async def _named(work: UnitOfWork, account_id: int, key: str) -> FieldRow:
    row = await field_of_key(work.connection, account_id, key)
    if row is None or row.deleted:
        raise _no_field()
    return row


def _no_field() -> Problem:
    return Problem(404, "There is no such field.")


@router.post("", status_code=201, summary="Make a field")
async def make_field(
    service: Service, caller: Annotated[Caller, requires("write")], body: FieldBody, response: Response
) -> FieldAnswer:
    """Makes a field that contacts may have a value of."""
    try:
        key = field_key(body.key)
    except InvalidError as problem:
        raise _invalid("/key", problem) from None
    field = Field(key, _name(body.name), body.type, _choices(body.type, body.choices))
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        row = await add_field(work, caller.account_id, field)
        if row is None:
            detail = "another field has this key, or values of one that was deleted are still being taken away"
            raise Problem(409, "The key is taken.", errors=[FieldError("/key", detail)])
    await service.told(work)
    response.headers["Location"] = f"/v1/fields/{key}"
    return FieldAnswer.of(row)


@router.get("", summary="List fields")
async def list_fields(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[FieldAnswer]:
    """The account's fields, by key."""
    (after,) = page.key(str) or (None,)
    async with service.database.pool.acquire() as connection:
        rows = await connection.fetch(QUERIES["fields_of_account"], caller.account_id, after, page.fetch)
        total = await connection.fetchval(QUERIES["count_fields"], caller.account_id)
    return Page[FieldAnswer].of(
        [field_from_row(row) for row in rows],
        page,
        key=lambda row: [row.field.key],
        item=FieldAnswer.of,
        total=total,
    )


@router.get("/{key}", summary="Show a field")
async def show_field(service: Service, caller: Annotated[Caller, requires("read")], key: str) -> FieldAnswer:
    """A field."""
    async with service.database.pool.acquire() as connection:
        row = await field_of_key(connection, caller.account_id, key)
    if row is None or row.deleted:
        raise _no_field()
    return FieldAnswer.of(row)


@router.patch("/{key}", summary="Rename a field, or change its choices")
async def patch_field(
    service: Service, caller: Annotated[Caller, requires("write")], key: str, body: FieldPatchBody
) -> FieldAnswer:
    """Changes the name or the choices; key and type are fixed."""
    said = body.model_fields_set
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        before = await _named(work, caller.account_id, key)
        name = _name(body.name) if "name" in said else before.field.name
        choices = _choices(before.field.type, body.choices) if "choices" in said else before.field.choices
        row = await change_field(work, before, name, choices)
    await service.told(work)
    return FieldAnswer.of(row)


@router.delete("/{key}", status_code=204, summary="Delete a field", response_class=Response)
async def delete_field(
    service: Service, caller: Annotated[Caller, requires("write")], key: str, response: Response
) -> Response:
    """Deletes a field at once; a job takes its values away from the contacts, and the key is free after that."""
    async with service.database.unit_of_work(CATALOG_PARTITION) as work:
        before = await _named(work, caller.account_id, key)
        await change_field(work, before, before.field.name, before.field.choices, deleted=True)
        job = await add_job(work.connection, caller.account_id, "field_deletion", key)
    await service.told(work)
    return Response(status_code=204, headers={"Location": f"/v1/jobs/{job.id}"})
