"""Sends questions to the owners of slices: to this process directly, to other processes over HTTP."""

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
from services.segmentation.domain.answers import MAX_QUERY_SUMS, answer
from services.segmentation.domain.errors import SlicesUnavailable, TooMany
from services.segmentation.domain.preparing import criteria_of, number_of_sums, prepare
from services.segmentation.domain.questions import Question
from services.segmentation.store.owners import Owner, read_owners, read_secret
from services.segmentation.use_cases.slice_memory import SliceMemory
from shared.account_turns import AccountTurns

log = structlog.get_logger()

OWNER_TIMEOUT = 2.0  # seconds to wait for an owner of a slice, and for its answer
MAX_QUESTIONS = 50  # concurrent questions of an account in one process
RETRY_INTERVAL = 0.05  # seconds until the owners are read again, if answers are missing
SECRET_HEADER = "x-penchant-owner-secret"  # noqa: S105 (its name)


class SliceQuestion(BaseModel):
    """A question to an owner of slices, with the slices and the epochs of its ownership."""

    account_id: int
    epochs: dict[int, int]
    question: Question


class SliceAnswers(BaseModel):
    """The answers by partition number, without those of slices that the process does not own in the given epoch."""

    answers: dict[int, Any]


class SliceOwners:
    """Asks the owners of all slices of an account."""

    def __init__(self, pool: Pool, memories: Mapping[int, SliceMemory], partitions: int) -> None:
        self._pool = pool
        self._memories = memories
        self._partitions = partitions
        self._secret: str | None = None
        self._concurrent: Counter[int] = Counter()
        self._turns = AccountTurns()
        self._client = httpx.AsyncClient(timeout=OWNER_TIMEOUT, trust_env=False)

    async def close(self) -> None:
        """Close the connections to other processes."""
        await self._client.aclose()

    async def secret(self) -> str:
        """Return the shared secret of this service's processes."""
        if self._secret is None:
            self._secret = await read_secret(self._pool)
        return self._secret

    async def ask(self, account_id: int, question: Question, partition: int | None = None) -> dict[int, Any]:
        """Return the answers by partition number: of all, or only of `partition`.

        Raises SlicesUnavailable if a slice has no owner for 2 s, TooMany if the account has too many concurrent
        questions.
        """
        if self._concurrent[account_id] >= MAX_QUESTIONS:
            raise TooMany(f"At most {MAX_QUESTIONS} queries of an account are answered at a time.")
        self._concurrent[account_id] += 1
        try:
            return await self._ask(account_id, question, partition)
        finally:
            self._concurrent[account_id] -= 1
            if not self._concurrent[account_id]:
                del self._concurrent[account_id]

    async def _ask(self, account_id: int, question: Question, partition: int | None) -> dict[int, Any]:
        missing = set(range(self._partitions)) if partition is None else {partition}
        answers: dict[int, Any] = {}
        deadline = asyncio.get_running_loop().time() + OWNER_TIMEOUT
        while missing:
            owners = await read_owners(self._pool)
            owners_to_ask = {number: owners[number] for number in missing if number in owners}
            answers |= await self.answer_own(
                account_id, question, {number: owner.epoch for number, owner in owners_to_ask.items()}
            )
            unanswered = {number: owner for number, owner in owners_to_ask.items() if number not in answers}
            if unanswered:
                answers |= await self._ask_others(account_id, question, unanswered, deadline)
            missing -= answers.keys()
            if missing:
                if asyncio.get_running_loop().time() >= deadline:
                    raise SlicesUnavailable(
                        "Some of the contacts are not served by any process at the moment, so this cannot be answered."
                    )
                await asyncio.sleep(RETRY_INTERVAL)
        return answers

    async def answer_own(self, account_id: int, question: Question, epochs: Mapping[int, int]) -> dict[int, Any]:
        """Return the answers of the requested slices that this process owns in the given epochs."""
        answers: dict[int, Any] = {}
        for number, epoch in epochs.items():
            memory = self._memories.get(number)
            # If this process was paused for a while, its slices may be of an earlier epoch, and outdated.
            if memory is not None and memory.ready and memory.epoch == epoch:
                await self._turns.run(account_id, self._answer(account_id, question, number, epoch, answers))
        return answers

    def _answer(
        self, account_id: int, question: Question, number: int, epoch: int, answers: dict[int, Any]
    ) -> Generator[None, None, None]:
        """Answer for a slice, in short steps, unless this process loses the slice meanwhile."""
        memory = self._memories.get(number)
        if memory is not None:
            yield from _prepare(question, memory.slices.get(account_id))
        # The slice may have been dropped in the meantime.
        memory = self._memories.get(number)
        if memory is not None and memory.ready and memory.epoch == epoch:
            answers[number] = answer(question, memory.slices.get(account_id), number, self._partitions, account_id)

    async def _ask_others(
        self, account_id: int, question: Question, owners: Mapping[int, Owner], deadline: float
    ) -> dict[int, Any]:
        by_url: dict[str, dict[int, int]] = {}
        for number, owner in owners.items():
            if number not in self._memories:
                by_url.setdefault(owner.url, {})[number] = owner.epoch
        results = await asyncio.gather(
            *(self._ask_process(account_id, question, url, epochs, deadline) for url, epochs in by_url.items())
        )
        return {number: answer_of_slice for answers in results for number, answer_of_slice in answers.items()}

    async def _ask_process(
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
    """Compute the sums that a question needs, in short steps."""
    if account is None or account.image.query_sums >= MAX_QUERY_SUMS:
        return
    for criterion in criteria_of(question):
        account.image.query_sums += number_of_sums(account.image, criterion)
        yield from prepare(account.image, criterion)
