"""Models of requests and answers about imports."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.labeling.domain.imports.options import EmptyCells, ImportMode, UnknownLabels
from services.labeling.domain.tables.cells import DateOrder, Decimal
from services.labeling.domain.tables.encodings import Encoding
from services.labeling.store.import_rows import RowError
from services.labeling.store.imports import Import
from services.labeling.use_cases.imports import shown_format
from shared.http.bodies import RequestBody
from shared.jobs.job import Job
from shared.jobs.routes import Progress

StateName = Literal["uploaded", "checking", "checked", "running", "done", "cancelled", "failed", "undoing", "undone"]


class ExistingField(RequestBody):
    """An existing field."""

    field: Annotated[str, Field(max_length=50, description="The key of the field.")]


class NewField(RequestBody):
    """A field that the import creates when it is started."""

    key: Annotated[str, Field(max_length=50, description="Lower-case letters, digits and underscores.")]
    name: Annotated[str, Field(min_length=1, max_length=100, description="The name that people see.")]
    type: Annotated[
        Literal["text", "number", "date", "boolean"],
        Field(description="The type of the values. A field of type `choice` must be created beforehand."),
    ]


class ToNewField(RequestBody):
    """A field that does not exist yet."""

    new_field: Annotated[NewField, Field(description="The field to create.")]


MapsTo = Annotated[
    Literal["email", "external_id", "labels", "subscription", "language"] | ExistingField | ToNewField | None,
    Field(description="The target of the column; null skips it."),
]


class ColumnBody(RequestBody):
    """The mapping of one column."""

    index: Annotated[int, Field(ge=0, description="Which column, from 0.", examples=[0])]
    maps_to: Annotated[MapsTo, Field(examples=["email"])]


class SubscriptionBody(RequestBody):
    """The subscription of new contacts."""

    set: Annotated[
        Literal["subscribed", "unconfirmed"],
        Field(description="Only `subscribed` contacts are sent messages.", examples=["subscribed"]),
    ]
    basis: Annotated[
        str | None,
        Field(
            max_length=500,
            description="The legal basis for writing to them; stored with the import.",
            examples=["Customers of the web shop"],
        ),
    ] = None


class OptionsBody(RequestBody):
    """How the rows are imported. Members that are absent stay unchanged."""

    subscription: Annotated[
        SubscriptionBody | None,
        Field(
            description="Must be chosen before contacts are created.",
            examples=[{"set": "subscribed", "basis": "Customers of the web shop"}],
        ),
    ] = None
    mode: Annotated[ImportMode, Field(description="Which contacts are written.")] = "create_and_update"
    unknown_labels: Annotated[UnknownLabels, Field(description="How to handle unknown label names.")] = "error"
    add_labels: Annotated[
        tuple[UUID, ...], Field(max_length=100, description="Labels that every row's contact gets.")
    ] = ()
    empty_cells: Annotated[EmptyCells, Field(description="Whether an empty cell clears its field.")] = "keep"
    dates: Annotated[DateOrder, Field(description="The format of dates; ISO dates are always accepted.")] = "iso"
    decimal: Annotated[Decimal, Field(description="The decimal separator of numbers.")] = "."


class FormatBody(RequestBody):
    """Corrections of the recognised format."""

    encoding: Annotated[Encoding | None, Field(description="The encoding of the text.")] = None
    delimiter: Annotated[str | None, Field(min_length=1, max_length=1, description="The delimiter of cells.")] = None


class CheckBody(RequestBody):
    """The mapping and the options. Members that are absent stay unchanged."""

    columns: Annotated[
        list[ColumnBody] | None,
        Field(
            max_length=200,
            description="Columns with a new mapping.",
            examples=[[{"index": 0, "maps_to": "email"}, {"index": 1, "maps_to": "labels"}]],
        ),
    ] = None
    options: Annotated[
        OptionsBody | None,
        Field(
            description="Options to change.",
            examples=[{"subscription": {"set": "subscribed", "basis": "Customers of the web shop"}}],
        ),
    ] = None
    format: Annotated[FormatBody | None, Field(description="Only before the first check.")] = None

    @model_validator(mode="after")
    def names_each_column_once(self) -> "CheckBody":
        """Check that no column is named twice."""
        indexes = [column.index for column in self.columns or ()]
        if len(set(indexes)) < len(indexes):
            raise ValueError("a column is named twice")
        return self

    def mapping(self) -> dict[int, Any]:
        """Return the new target of each column in `columns`, by its index."""
        return {
            column.index: column.maps_to.model_dump() if isinstance(column.maps_to, BaseModel) else column.maps_to
            for column in self.columns or ()
        }

    def chosen_options(self) -> dict[str, Any]:
        """Return the options in the request, as JSON values."""
        return {} if self.options is None else self.options.model_dump(mode="json", exclude_unset=True)

    def chosen_format(self) -> dict[str, Any]:
        """Return the members of the format in the request."""
        return {} if self.format is None else self.format.model_dump(exclude_none=True)


class FormatAnswer(BaseModel):
    """How the file is read."""

    kind: Annotated[Literal["csv", "xlsx", "xls", "ods", "ndjson"], Field(description="The type of the file. Open.")]
    encoding: Annotated[str | None, Field(description="Null for spreadsheets.", examples=["utf-8"])]
    delimiter: Annotated[str | None, Field(description="Null unless the file is delimited text.", examples=[";"])]
    header: Annotated[bool, Field(description="Whether the file has a header row.", examples=[True])]


class ColumnAnswer(BaseModel):
    """A column of the table."""

    index: Annotated[int, Field(description="Which column, from 0.", examples=[0])]
    header: Annotated[str | None, Field(description="Its name in the file.", examples=["E-mail"])]
    samples: Annotated[list[str], Field(description="Some of its values.", examples=[["anna@example.com"]])]
    maps_to: Annotated[
        Any, Field(description="The target of the column, as in PUT; null skips it.", examples=["email"])
    ]


class ImportAnswer(BaseModel):
    """An import."""

    id: Annotated[UUID, Field(description="The id of the import, and the `ref` of the origin of its labels.")]
    state: Annotated[StateName, Field(description="The state of the import.", examples=["checked"])]
    filename: Annotated[str, Field(description="The name of the file.", examples=["customers.csv"])]
    size: Annotated[int, Field(description="The size of the file in bytes.", examples=[48211])]
    format: Annotated[FormatAnswer, Field(description="How the file is read.")]
    columns: Annotated[list[ColumnAnswer], Field(description="The columns with their mapping.")]
    options: Annotated[
        dict[str, Any],
        Field(
            description="The options chosen so far, as in PUT.",
            examples=[{"mode": "create_and_update", "unknown_labels": "error", "empty_cells": "keep"}],
        ),
    ]
    summary: Annotated[
        dict[str, Any] | None,
        Field(
            description="The result of the check. `rows` is the sum of `create`, `update` and `unchanged` (contacts), "
            "`duplicates` (rows that repeat a contact of an earlier row), `skipped` and `errors`. `suppressed` counts "
            "imported rows with a suppressed address. Also `unknown_labels`, `reasons` and `overwrites`.",
            examples=[
                {
                    "rows": 948,
                    "create": 900,
                    "update": 40,
                    "unchanged": 4,
                    "duplicates": 2,
                    "skipped": 0,
                    "errors": 2,
                    "suppressed": 1,
                }
            ],
        ),
    ]
    progress: Annotated[
        Progress | None, Field(description="The progress of the check, the run or the undoing; null before the check.")
    ]
    result: Annotated[
        dict[str, int] | None,
        Field(
            description="The result of the run: `created`, `updated`, `unchanged`, `errors`, `skipped`, `merged`.",
            examples=[None],
        ),
    ]
    undone: Annotated[dict[str, int] | None, Field(description="The result of undoing the import.", examples=[None])]
    failure: Annotated[str | None, Field(description="Why the import failed.", examples=[None])]
    job_id: Annotated[UUID | None, Field(description="The current or last job of the import.")]
    created_at: Annotated[datetime, Field(description="When the file was uploaded.")]
    changed_at: Annotated[datetime, Field(description="When the state last changed.")]
    started_at: Annotated[datetime | None, Field(description="When the run started.", examples=[None])]
    finished_at: Annotated[datetime | None, Field(description="When the run was done.", examples=[None])]

    @classmethod
    def of(cls, an_import: Import, job: Job | None) -> "ImportAnswer":
        """Return the answer for an import and its job."""
        return cls(
            id=an_import.id,
            state=an_import.state,
            filename=an_import.filename,
            size=an_import.size,
            format=FormatAnswer(**shown_format(an_import)),
            columns=[ColumnAnswer(**column) for column in an_import.columns],
            options={**OptionsBody().model_dump(mode="json"), **an_import.options},
            summary=an_import.summary,
            progress=None if job is None else Progress.of(job),
            result=an_import.result,
            undone=an_import.undo_result,
            failure=an_import.failure,
            job_id=an_import.job_id,
            created_at=an_import.created_at,
            changed_at=an_import.changed_at,
            started_at=an_import.started_at,
            finished_at=an_import.finished_at,
        )


class ImportErrorAnswer(BaseModel):
    """Why a row is refused."""

    row: Annotated[int, Field(description="The number of the row in the file; the first row is 1.", examples=[17])]
    column: Annotated[
        str | None, Field(description="The name of the column, or its number if it has none.", examples=["E-mail"])
    ]
    code: Annotated[
        str, Field(description="`invalid`, `unknown_label`, `conflict`, `no_contact`, … Open.", examples=["invalid"])
    ]
    detail: Annotated[str, Field(description="A description for people.", examples=["is not an e-mail address"])]

    @classmethod
    def of(cls, error: RowError, headers: dict[int, str | None]) -> "ImportErrorAnswer":
        """Return the answer for an error."""
        column = None if error.column is None else headers.get(error.column) or str(error.column + 1)
        return cls(row=error.number, column=column, code=error.code, detail=error.detail)


class ImportRowAnswer(BaseModel):
    """A row of the file as it was."""

    row: Annotated[int, Field(description="The number of the row in the file; the first row is 1.", examples=[17])]
    cells: Annotated[
        list[str],
        Field(
            description="The cells, in the order of `columns`; a row may be too short or too long.", examples=[["anna"]]
        ),
    ]
    reason: Annotated[
        str | None, Field(description="Why it is refused; null for other rows.", examples=["is not an e-mail address"])
    ]


class UndoPreview(BaseModel):
    """The effect of undoing an import."""

    contacts: Annotated[
        int, Field(description="Contacts that the import touched and that still exist.", examples=[940])
    ]
    labels_removed: Annotated[
        int, Field(description="Labels that have no other support and are removed.", examples=[871])
    ]
    labels_kept: Annotated[int, Field(description="Labels that stay because they have another support.", examples=[12])]
    values_restored: Annotated[
        int, Field(description="Values that were not changed since and are restored.", examples=[40])
    ]
    erased: Annotated[int, Field(description="Contacts that are erased, if requested.", examples=[0])]
