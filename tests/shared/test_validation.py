"""Validation errors are described without the names of Python's types."""

from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from shared.validation import describe


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Shop(BaseModel):
    pets: Annotated[tuple[Cat, ...], Field(min_length=1)] = (Cat(kind="cat"),)
    owner: Cat | None = None
    id: UUID | None = None
    guard: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    prices: dict[str, int] = {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a shop", "Input should be an object"),
        ({"owner": "Ann"}, "Input should be an object"),
        ({"prices": []}, "Input should be an object"),
        ({"pets": "cats"}, "Input should be a list"),
        ({"pets": []}, "List should have at least 1 item"),
        ({"id": 5}, "Input should be a UUID"),
        ({"guard": {"kind": "fish"}}, "'kind' should be one of 'cat', 'dog'"),
        ({"guard": {}}, "'kind' is missing"),
        ({"owner": {"kind": "dog"}}, "Input should be 'cat'"),
    ],
)
def test_errors_name_types_of_json(body: object, expected: str) -> None:
    with pytest.raises(ValidationError) as failure:
        TypeAdapter(Shop).validate_python(body)
    (error,) = failure.value.errors(include_url=False)
    assert describe(error) == expected
