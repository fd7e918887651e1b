"""Batches: each item is accepted or refused separately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.http.pointers import FieldError, item_errors
from shared.http.problems import Problem
from shared.yielding import yielding


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that is not valid, with its first fault."""

    error: FieldError


@dataclass(frozen=True, slots=True)
class _Validated:
    """An item that has been validated already: the model, or a RefusedItem."""

    result: object


def _validate_alone(value: object, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 # the item, or RefusedItem
    if isinstance(value, _Validated):
        return value.result
    try:
        return handler(value)
    except ValidationError as error:
        return RefusedItem(item_errors(error.errors(include_url=False, include_context=False), value)[0])


EachForItself = WrapValidator(_validate_alone)


def item_adapter(body: Any) -> TypeAdapter[Any] | None:  # noqa: ANN401 # a type
    """Return the adapter for the items of a body that is a list of items `EachForItself`; None for other bodies."""
    for item in get_args(body):
        if EachForItself in get_args(item)[1:]:
            return TypeAdapter(item)
    return None


async def validate_items(adapter: TypeAdapter[Any], body: object) -> object:
    """Validate the items of a batch one by one, and let other tasks run in between.

    The result is passed to the validation of the whole body, which accepts the validated items unchanged.
    """
    if not isinstance(body, list):
        return body
    return [_Validated(adapter.validate_python(item)) async for item in yielding(body)]


class BatchError(BaseModel):
    """Why an item was refused."""

    index: Annotated[int, Field(description="Index of the item, from 0.", examples=[0])]
    code: Annotated[
        str, Field(description="`invalid`, `not_found`, `unknown_label` or `conflict`.", examples=["invalid"])
    ]
    pointer: Annotated[str, Field(description="JSON pointer into the item.", examples=["/email"])]
    detail: Annotated[str, Field(description="What is wrong.", examples=["is not an e-mail address"])]


def refused(index: int, item: RefusedItem) -> BatchError:
    """Return the entry in `errors` for a refused item; `index` is its place in the batch."""
    return BatchError(index=index, code="invalid", pointer=item.error.pointer, detail=item.error.detail)


def none_taken(errors: Sequence[BatchError], more: Mapping[str, object] | None = None) -> NoReturn:
    """Raise Problem 422: no item of the batch was accepted. `more` are further members of the problem."""
    raise Problem(
        422,
        "No item of the batch was accepted; see errors.",
        more={**(more or {}), "errors": [error.model_dump() for error in errors]},
    )
