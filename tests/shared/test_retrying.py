"""Temporary failures are retried; any other exception is raised."""

from time import monotonic

import pytest

from shared import retrying
from shared.retrying import FIRST_PAUSE, LONGEST_PAUSE, SPREAD, Pauses, repeat, until_it_works


@pytest.mark.asyncio
async def test_retries_until_the_call_succeeds() -> None:
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
async def test_a_permanent_error_is_raised_at_once() -> None:
    async def attempt() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await until_it_works("a server", attempt, lambda error: isinstance(error, ConnectionError))


@pytest.mark.asyncio
async def test_a_task_is_repeated_until_it_raises_a_permanent_error() -> None:
    began: list[float] = []
    errors = [None, ConnectionError("away"), None, ValueError("wrong")]

    async def task() -> None:
        began.append(monotonic())
        if (error := errors[len(began) - 1]) is not None:
            raise error

    with pytest.raises(ValueError, match="wrong"):
        await repeat(0.05, "a task", task, lambda error: isinstance(error, ConnectionError))
    assert len(began) == len(errors)
    assert began[1] - began[0] >= 0.05
    assert began[3] - began[1] >= 0.05


def test_pauses_double_up_to_the_maximum() -> None:
    pauses = Pauses()
    taken = [pauses.after_failure() for _ in range(20)]
    assert FIRST_PAUSE <= taken[0] <= FIRST_PAUSE + SPREAD
    for number, pause in enumerate(taken):
        assert min(LONGEST_PAUSE, FIRST_PAUSE * 2**number) <= pause <= LONGEST_PAUSE
    assert taken[-1] == LONGEST_PAUSE


def test_pauses_are_randomised() -> None:
    assert len({Pauses().after_failure() for _ in range(20)}) > 1


def test_a_success_resets_the_pauses() -> None:
    pauses = Pauses()
    for _ in range(20):
        pauses.after_failure()
    pauses.reset()
    assert pauses.after_failure() <= FIRST_PAUSE + SPREAD


@pytest.mark.asyncio
async def test_a_long_attempt_without_failure_resets_the_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that loses Kafka once a day must not wait longer each day."""
    now = 0.0
    resets = []
    monkeypatch.setattr(retrying, "monotonic", lambda: now)
    monkeypatch.setattr(Pauses, "reset", lambda pauses: resets.append(pauses))
    lasted = [retrying.RESET_AFTER + 1, retrying.RESET_AFTER - 1]

    async def attempt() -> str:
        nonlocal now
        if not lasted:
            return "done"
        now += lasted.pop(0)
        raise ConnectionError("away")

    await until_it_works("a relay", attempt, lambda error: isinstance(error, ConnectionError))
    assert len(resets) == 1
