"""What fails in passing is tried again; anything else is raised."""

import pytest

from shared.retrying import until_it_works


@pytest.mark.asyncio
async def test_it_is_tried_until_it_works() -> None:
    answers = [ConnectionError("away"), ConnectionError("away"), None]
    failures: list[str] = []

    async def attempt() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "done"

    found = await until_it_works(
        "a server", attempt, lambda error: isinstance(error, ConnectionError), lambda: failures.append("away")
    )
    assert found == "done"
    assert failures == ["away", "away"]


@pytest.mark.asyncio
async def test_an_error_that_does_not_pass_is_raised_at_once() -> None:
    async def attempt() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await until_it_works("a server", attempt, lambda error: isinstance(error, ConnectionError))
