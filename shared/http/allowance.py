"""Limits how often an action may be done for a key, such as an address. Each process counts separately."""

from time import monotonic

MOST_REMEMBERED = 10_000  # keys; beyond this the least recently used ones are dropped


class Allowance:
    """Allow each key a number of uses at once, refilled over a minute (a token bucket)."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Count one use; return False if there were too many."""
        now = monotonic()
        left, since = self._buckets.pop(key, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        self._buckets[key] = (max(left - 1, 0.0) if left >= 1 else left, now)
        while len(self._buckets) > MOST_REMEMBERED:
            del self._buckets[next(iter(self._buckets))]
        return left >= 1
