"""Forms with which people subscribe."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.labeling.api.routing import Router
from services.labeling.api.service import Labeling, Service
from services.labeling.domain.forms import Form, FormDefinition
from services.labeling.store.forms import forms_of_account
from services.labeling.use_cases.forms import create_form, delete_form, find_form, replace_form
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request

router = Router(prefix="/v1/forms", tags=["forms"])


class FormBody(RequestBody):
    """A form."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=200, description="Shown as the heading of the page.", examples=["Newsletter"]),
    ]
    fields: Annotated[
        list[str],
        Field(
            default_factory=list,
            max_length=50,
            description="Keys of the fields that the form asks for.",
            examples=[["city"]],
        ),
    ]
    labels: Annotated[
        list[UUID],
        Field(
            default_factory=list,
            max_length=100,
            description="Ids of the public labels that are offered.",
            examples=[["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"]],
        ),
    ]
    text: Annotated[str | None, Field(max_length=2000, description="Shown above the form.")] = None
    double_opt_in: Annotated[
        bool, Field(description="Whether people must confirm by a mailed link before they are subscribed.")
    ] = True

    def definition(self) -> FormDefinition:
        """Return the form's definition."""
        return FormDefinition(self.name, tuple(self.fields), tuple(self.labels), self.text, self.double_opt_in)


class FormAnswer(BaseModel):
    """A form, with the address of its page."""

    id: Annotated[UUID, Field(description="The id of the form.")]
    name: Annotated[str, Field(description="Shown as the heading of the page.", examples=["Newsletter"])]
    fields: Annotated[list[str], Field(description="Keys of the fields that the form asks for.", examples=[["city"]])]
    labels: Annotated[list[UUID], Field(description="Ids of the public labels that are offered.")]
    text: Annotated[
        str | None, Field(description="Shown above the form.", examples=["A mail a week about what you like."])
    ]
    double_opt_in: Annotated[bool, Field(description="Whether people must confirm by a mailed link.", examples=[True])]
    url: Annotated[
        str,
        Field(
            description="The page; it may be embedded in a frame.",
            examples=["https://click.example.com/f/0190d502-3344-7a5b-8c6d-7e8f90a1b2c3"],
        ),
    ]
    version: Annotated[int, Field(description="Increases with every change.", examples=[1])]
    created_at: Annotated[datetime, Field(description="When it was created.")]
    changed_at: Annotated[datetime, Field(description="When it was last changed.")]

    @classmethod
    def of(cls, service: Labeling, form: Form) -> "FormAnswer":
        """Return the answer for a form."""
        definition = form.definition
        return cls(
            id=form.id,
            name=definition.name,
            fields=list(definition.fields),
            labels=list(definition.labels),
            text=definition.text,
            double_opt_in=definition.double_opt_in,
            url=f"{service.forms_url}/f/{form.id}",
            version=form.version,
            created_at=form.created_at,
            changed_at=form.changed_at,
        )


@router.post("", status_code=201, summary="Create a form")
async def post_form(
    service: Service, caller: Annotated[Caller, requires("write")], body: FormBody, response: Response
) -> FormAnswer:
    """Create a form. Its page is at `url`."""
    form = await create_form(service.database, caller.account_id, body.definition())
    response.headers["Location"] = f"/v1/forms/{form.id}"
    return FormAnswer.of(service, form)


@router.get("", summary="List forms")
async def list_forms(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[FormAnswer]:
    """List the account's forms, oldest first."""
    (after,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        forms, total = await forms_of_account(connection, caller.account_id, after, page.fetch)
    return Page[FormAnswer].of(
        forms, page, key=lambda form: [form.id], item=lambda form: FormAnswer.of(service, form), total=total
    )


@router.get("/{form_id}", summary="Show a form")
async def show_form(service: Service, caller: Annotated[Caller, requires("read")], form_id: UUID) -> FormAnswer:
    """Show a form."""
    async with service.database.pool.acquire() as connection:
        return FormAnswer.of(service, await find_form(connection, caller.account_id, form_id))


@router.put("/{form_id}", summary="Replace a form")
async def put_form(
    service: Service, caller: Annotated[Caller, requires("write")], form_id: UUID, body: FormBody
) -> FormAnswer:
    """Replace the definition of a form."""
    return FormAnswer.of(service, await replace_form(service.database, caller.account_id, form_id, body.definition()))


@router.delete("/{form_id}", status_code=204, summary="Delete a form", response_class=Response)
async def remove_form(service: Service, caller: Annotated[Caller, requires("write")], form_id: UUID) -> None:
    """Delete a form: its page answers 404 from now on."""
    await delete_form(service.database, caller.account_id, form_id)
