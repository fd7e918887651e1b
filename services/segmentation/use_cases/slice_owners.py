"""Sends questions to the owners of slices: this process for its own, other processes over HTTP."""

import asyncio
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx
import structlog
from asyncpg.pool import Pool
from pydantic import BaseModel

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.answers import MOST_KEPT, answer
from services.segmentation.domain.errors import SlicesUnavailable, TooMany
from services.segmentation.domain.preparing import criteria_of, prepare, sums_kept
from services.segmentation.domain.questions import Question
from services.segmentation.store.owners import Owner, read_owners, read_secret
from services.segmentation.use_cases.slice_memory import SliceMemory
from shared.account_turns import AccountTurns

log = structlog.get_logger()

PATIENCE = 2.0  # seconds without an owner of a slice after which the answer is 503
MAX_QUESTIONS = 50  # concurrent questions of an account in one process
LOOK_AGAIN = 0.05  # seconds between reads of the owners
SECRET_HEADER = "x-penchant-owner-secret"  # noqa: S105 (its name)


class SliceQuestion(BaseModel):
    """A question to an owner of slices, with the slices and the epochs of its ownership."""

    account_id: int
    epochs: dict[int, int]
    question: Question


class SliceAnswers(BaseModel):
    """The answers of those slices that the process really owns."""

    answers: dict[int, Any]


class SliceOwners:
    """Asks the owners of all slices of an account."""

    def __init__(self, pool: Pool, memories: Mapping[int, SliceMemory], partitions: int) -> None:
        self._pool = pool
        self._memories = memories
        self._partitions = partitions
        self._secret: str | None = None
        self._at_work: Counter[int] = Counter()
        self._turns = AccountTurns()
        self._client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)

    async def close(self) -> None:
        """Close the connections to other processes."""
        await self._client.aclose()

    async def secret(self) -> str:
        """Return the shared secret of this service's processes."""
        if self._secret is None:
            self._secret = await read_secret(self._pool)
        return self._secret

    async def ask(self, account_id: int, question: Question, partition: int | None = None) -> dict[int, Any]:
        """Return the answers by partition number, or of one partition number if it is given.

        Raises SlicesUnavailable if a slice has no owner for 2 s, TooMany if the account has too many concurrent
        questions.
        """
        if self._at_work[account_id] >= MAX_QUESTIONS:
            raise TooMany(f"At most {MAX_QUESTIONS} questions of an account are answered at a time.")
        self._at_work[account_id] += 1
        try:
            return await self._ask(account_id, question, partition)
        finally:
            self._at_work[account_id] -= 1
            if not self._at_work[account_id]:
                del self._at_work[account_id]

    async def _ask(self, account_id: int, question: Question, partition: int | None) -> dict[int, Any]:
        missing = set(range(self._partitions)) if partition is None else {partition}
        found: dict[int, Any] = {}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while missing:
            owners = await read_owners(self._pool)
            asked = {number: owners[number] for number in missing if number in owners}
            found |= await self.own(account_id, question, {number: owner.epoch for number, owner in asked.items()})
            away = {number: owner for number, owner in asked.items() if number not in found}
            if away:
                found |= await self._others(account_id, question, away, deadline)
            missing -= found.keys()
            if missing:
                if asyncio.get_running_loop().time() >= deadline:
                    raise SlicesUnavailable(
                        "No process serves part of the contacts at the moment, so this cannot be answered."
                    )
                await asyncio.sleep(LOOK_AGAIN)
        return found

    async def own(self, account_id: int, question: Question, epochs: Mapping[int, int]) -> dict[int, Any]:
        """Return the answers of the requested slices that this process owns in the given epochs."""
        found: dict[int, Any] = {}
        for number, epoch in epochs.items():
            memory = self._memories.get(number)
            # After this process was stopped for a while, its slices may be of an earlier epoch and outdated.
            if memory is not None and memory.ready and memory.epoch == epoch:
                await self._turns.run(account_id, self._answer(account_id, question, number, epoch, found))
        return found

    def _answer(
        self, account_id: int, question: Question, number: int, epoch: int, found: dict[int, Any]
    ) -> Generator[None, None, None]:
        """Answer for a slice, in short steps, unless this process loses the slice meanwhile."""
        memory = self._memories.get(number)
        if memory is not None:
            yield from _prepare(question, memory.slices.get(account_id))
        # Meanwhile the slice may have been dropped.
        memory = self._memories.get(number)
        if memory is not None and memory.ready and memory.epoch == epoch:
            found[number] = answer(question, memory.slices.get(account_id), number, self._partitions, account_id)

    async def _others(
        self, account_id: int, question: Question, asked: Mapping[int, Owner], deadline: float
    ) -> dict[int, Any]:
        by_url: dict[str, dict[int, int]] = {}
        for number, owner in asked.items():
            if number not in self._memories:
                by_url.setdefault(owner.url, {})[number] = owner.epoch
        results = await asyncio.gather(
            *(self._other(account_id, question, url, epochs, deadline) for url, epochs in by_url.items())
        )
        return {number: one for answers in results for number, one in answers.items()}

    async def _other(
        self, account_id: int, question: Question, url: str, epochs: dict[int, int], deadline: float
    ) -> dict[int, Any]:
        body = SliceQuestion(account_id=account_id, epochs=epochs, question=question)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                try:
                    response = await self._client.post(
                        f"{url}/internal/slices",
                        content=body.model_dump_json(),
                        headers={"content-type": "application/json", SECRET_HEADER: await self.secret()},
                    )
                    response.raise_for_status()
                    return SliceAnswers.model_validate_json(response.content).answers
                except httpx.HTTPError as error:
                    log.debug("an owner of slices does not answer", url=url, error=type(error).__name__)
        return {}


def _prepare(question: Question, account: AccountSlice | None) -> Iterator[None]:
    """Make the sums that a question asks for, in short steps."""
    if account is None or account.image.asked >= MOST_KEPT:
        return
    for criterion in criteria_of(question):
        account.image.asked += sums_kept(account.image, criterion)
        yield from prepare(account.image, criterion)
