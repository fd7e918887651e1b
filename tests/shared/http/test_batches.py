"""Batches are validated item by item, with the same result as in one step."""

import asyncio
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter

from shared import yielding
from shared.http.batches import EachForItself, RefusedItem, item_adapter, validate_items
from shared.http.bodies import RequestBody


class Item(RequestBody):
    number: Annotated[int, Field(ge=0)]


Items = Annotated[list[Annotated[Item, EachForItself]], Field(min_length=1, max_length=10_000)]
LARGE = [{"number": number} if number % 1000 else {"number": -1} for number in range(10_000)]


def adapter() -> TypeAdapter[Any]:
    found = item_adapter(list[Annotated[Item, EachForItself]])
    assert found is not None
    return found


@pytest.mark.asyncio
async def test_the_result_equals_that_of_validating_the_whole_batch() -> None:
    whole = TypeAdapter(Items)
    found = whole.validate_python(await validate_items(adapter(), LARGE))
    assert found == whole.validate_python(LARGE)
    assert sum(isinstance(item, RefusedItem) for item in found) == 10


@pytest.mark.asyncio
async def test_other_tasks_run_between_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yielding, "HOLDS_FOR", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await validate_items(adapter(), LARGE)
    counting.cancel()
    assert turns >= len(LARGE)


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [None, {"number": 1}, 17])
async def test_a_body_that_is_not_a_list_is_returned_unchanged(body: object) -> None:
    assert await validate_items(adapter(), body) is body


def test_other_bodies_have_no_item_adapter() -> None:
    assert item_adapter(Item) is None
    assert item_adapter(list[Item]) is None
