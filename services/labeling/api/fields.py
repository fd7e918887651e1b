"""Fields of contacts."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Response
from pydantic import BaseModel
from pydantic import Field as Described

from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, field_choices, field_key, field_name
from services.labeling.store.fields import fields_of_account
from services.labeling.use_cases.fields import change_field, create_field, delete_field, find_field
from services.labeling.use_cases.uses import uses_of_field
from shared.events.labeling import FieldType
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Force
from shared.uses import InUseError

Checked = TypeVar("Checked")
router = Router(prefix="/v1/fields", tags=["fields"])


class FieldBody(RequestBody):
    """A new field."""

    key: Annotated[
        str,
        Described(
            max_length=50,
            description="Lower-case letters, digits and underscores; it can never be changed.",
            examples=["size"],
        ),
    ]
    name: Annotated[
        str,
        Described(min_length=1, max_length=200, description="The name that people see.", examples=["Size of the dog"]),
    ]
    type: Annotated[FieldType, Described(description="The type of the values.", examples=["choice"])]
    choices: Annotated[
        list[str] | None,
        Described(description="The allowed values of a field of type `choice`.", examples=[["small", "large"]]),
    ] = None


class FieldPatchBody(RequestBody):
    """Changes to a field. Values that are no longer a choice stay until they are set again."""

    name: Annotated[
        str, Described(min_length=1, max_length=200, description="The new name.", examples=["Size of the dog"])
    ] = "unchanged"
    choices: Annotated[list[str] | None, Described(description="The new choices, for a field of type `choice`.")] = None


class FieldAnswer(BaseModel):
    """A field."""

    key: Annotated[str, Described(description="The key, which is fixed.", examples=["size"])]
    name: Annotated[str, Described(description="The name that people see.", examples=["Size of the dog"])]
    type: Annotated[FieldType, Described(description="The type of the values.", examples=["choice"])]
    choices: Annotated[
        list[str],
        Described(
            description="The values of a field of type `choice`; empty for other types.", examples=[["small", "large"]]
        ),
    ]

    @classmethod
    def of(cls, field: Field) -> "FieldAnswer":
        """Return the answer for a field."""
        return cls(key=field.key, name=field.name, type=field.type, choices=list(field.choices))


def _checked(pointer: str, check: Callable[..., Checked], *values: object) -> Checked:
    try:
        return check(*values)
    except InvalidError as error:
        raise InvalidError(error.detail, pointer + error.pointer) from None


@router.post("", status_code=201, summary="Create a field")
async def post_field(
    service: Service, caller: Annotated[Caller, requires("write")], body: FieldBody, response: Response
) -> FieldAnswer:
    """Create a field, for which contacts may have values."""
    field = Field(
        _checked("/key", field_key, body.key),
        _checked("/name", field_name, body.name),
        body.type,
        _checked("/choices", field_choices, body.type, body.choices or []),
    )
    _, position = await create_field(service.database, caller.account_id, field)
    await service.published(position)
    response.headers["Location"] = f"/v1/fields/{field.key}"
    return FieldAnswer.of(field)


@router.get("", summary="List fields")
async def list_fields(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[FieldAnswer]:
    """List the account's fields, by key."""
    (after,) = page.key(str) or (None,)
    async with service.database.pool.acquire() as connection:
        fields, total = await fields_of_account(connection, caller.account_id, after, page.fetch)
    return Page[FieldAnswer].of(fields, page, key=lambda field: [field.key], item=FieldAnswer.of, total=total)


@router.get("/{key}", summary="Show a field")
async def show_field(service: Service, caller: Annotated[Caller, requires("read")], key: str) -> FieldAnswer:
    """Show a field."""
    async with service.database.pool.acquire() as connection:
        return FieldAnswer.of(await find_field(connection, caller.account_id, key))


@router.patch("/{key}", summary="Rename a field, or change its choices")
async def patch_field(
    service: Service, caller: Annotated[Caller, requires("write")], key: str, body: FieldPatchBody
) -> FieldAnswer:
    """Change the name or the choices; key and type are fixed."""
    members = body.model_fields_set
    name = _checked("/name", field_name, body.name) if "name" in members else None
    choices = (body.choices or []) if "choices" in members else None
    field, position = await change_field(service.database, caller.account_id, key, name, choices)
    await service.published(position)
    return FieldAnswer.of(field)


@router.delete("/{key}", status_code=204, summary="Delete a field", response_class=Response)
async def remove_field(
    service: Service, caller: Annotated[Caller, requires("write")], key: str, force: Force = False
) -> Response:
    """Delete a field at once; a job removes its values from the contacts, and the key is free after that.

    409 with `uses` if a segment, campaign, workflow, block or form uses it, unless it is forced.
    """
    if not force:
        async with service.database.pool.acquire() as connection:
            uses = await uses_of_field(connection, service.resources.catalog, caller.account_id, key)
        if uses:
            raise InUseError("field", uses)
    job, position = await delete_field(service.database, caller.account_id, key)
    await service.published(position)
    return Response(status_code=204, headers={"Location": f"/v1/jobs/{job.id}"})
