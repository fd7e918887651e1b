"""Batches: each item is taken or refused for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.http.pointers import FieldError, item_errors
from shared.http.problems import Problem


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that is not valid, with the first thing that is wrong with it."""

    error: FieldError


def _for_itself(value: object, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 # the item, or RefusedItem
    try:
        return handler(value)
    except ValidationError as problem:
        return RefusedItem(item_errors(problem.errors(include_url=False, include_context=False), value)[0])


EachForItself = WrapValidator(_for_itself)


class BatchError(BaseModel):
    """Why an item was refused."""

    index: Annotated[int, Field(description="Which item, from 0.")]
    code: Annotated[str, Field(description="`invalid`, `not_found`, `unknown_label` or `conflict`.")]
    pointer: Annotated[str, Field(description="JSON pointer into the item.")]
    detail: str


def refused(index: int, item: RefusedItem) -> BatchError:
    """An item that is not valid."""
    return BatchError(index=index, code="invalid", pointer=item.error.pointer, detail=item.error.detail)


def none_taken(errors: Sequence[BatchError], more: Mapping[str, object] | None = None) -> NoReturn:
    """Raises Problem 422: nothing of the batch could be taken."""
    raise Problem(
        422,
        "Nothing of the batch could be taken; see errors.",
        more={**(more or {}), "errors": [error.model_dump() for error in errors]},
    )
