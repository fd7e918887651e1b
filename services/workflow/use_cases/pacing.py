"""Limits the long requests that an account has in progress at a time in an API process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.workflow.domain.errors import TooBusy

MOST_CONCURRENT = 2  # requests of an account in this process


class AccountSlots:
    """Limits the number of requests of one kind that an account has in progress in this process."""

    def __init__(self, most: int = MOST_CONCURRENT) -> None:
        self._most = most
        self._taken: Counter[int] = Counter()

    @contextmanager
    def take(self, account_id: int) -> Iterator[None]:
        """Take a slot until the end of the block. Raises TooBusy."""
        if self._taken[account_id] >= self._most:
            raise TooBusy(f"The account has {self._most} such requests in progress. Try again when one has ended.")
        self._taken[account_id] += 1
        try:
            yield
        finally:
            self._taken[account_id] -= 1
            if not self._taken[account_id]:
                del self._taken[account_id]
