"""Limits the requests of an account: each process counts separately, and answers 429 beyond the limit.

This is a token bucket that holds one second's requests and fills at that rate, so an idle account may send a second's
worth of requests at once.
"""

from collections.abc import Callable
from time import monotonic

from shared.http.problems import Problem

MOST_BUCKETS = 10_000  # accounts; beyond this, full buckets are dropped, because they hold no information


class RequestLimit:
    """Allow each account `per_second` requests a second; None allows any number."""

    def __init__(self, per_second: int | None, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._buckets: dict[int, tuple[float, float]] = {}  # tokens, and the time at which they were counted

    def take(self, account_id: int) -> None:
        """Count one request of the account. Raises Problem 429 if it has made too many."""
        if self._per_second is None:
            return
        now = self._clock()
        tokens, since = self._buckets.get(account_id, (float(self._per_second), now))
        tokens = min(float(self._per_second), tokens + (now - since) * self._per_second)
        if tokens < 1:
            self._buckets[account_id] = (tokens, now)
            raise Problem(
                429,
                f"The account makes more than {self._per_second} requests a second. Try again in a second.",
                headers={"Retry-After": "1"},
            )
        self._buckets[account_id] = (tokens - 1, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._forget_full(now)

    def _forget_full(self, now: float) -> None:
        # A bucket is full a second after its last request at the latest.
        self._buckets = {account: bucket for account, bucket in self._buckets.items() if now - bucket[1] < 1}
