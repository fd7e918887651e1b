"""Measures how long the event loop is blocked, and by which function.

A blocked loop answers no requests: redirects wait, Kafka seems slow, leases expire. Nothing should block it for more
than 50 ms.
"""

import asyncio
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from time import monotonic, thread_time
from types import CodeType, FrameType

import structlog

from shared import metrics

log = structlog.get_logger()

BEAT_EVERY = 0.02  # seconds between heartbeats of the loop
BLOCKED_AFTER = 0.05  # seconds without a heartbeat until the running function is recorded
_ROOT = str(Path(__file__).parents[2])


class LoopWatch:
    """Watches the event loop that runs `run`, from a thread of its own.

    `longest` is the longest time (seconds) for which the loop's thread computed without returning to the loop; time in
    which the machine did not run the process does not count. `longest_delay` is the longest time for which the loop did
    not run, for whatever reason. Both are also metrics, and each block longer than BLOCKED_AFTER is counted by the
    function that was running.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.longest_delay = 0.0
        self._beat_at = monotonic()
        self._thread = 0
        self._stop = threading.Event()
        self._blocking_function = ""
        self._callers: set[CodeType] = set()  # functions that start the loop are in every stack, but do not block it

    async def run(self) -> None:
        """Watch until it is cancelled."""
        self._thread = threading.get_ident()
        self._callers = set(_codes(sys._getframe().f_back))  # noqa: SLF001 - as below
        watcher = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        self._beat_at = monotonic()
        watcher.start()
        try:
            while True:
                computed = thread_time()
                planned = monotonic() + BEAT_EVERY
                await asyncio.sleep(BEAT_EVERY)
                self._beat_at = monotonic()
                self._measure(self._beat_at - planned, thread_time() - computed)
        finally:
            self._stop.set()

    def _measure(self, delay: float, computed: float) -> None:
        blocked = min(delay, computed)
        # Cleared after every delay; otherwise the function would be reported for a later one.
        where, self._blocking_function = self._blocking_function or "unknown", ""
        if delay > self.longest_delay:
            self.longest_delay = delay
            metrics.LONGEST_DELAY.set(delay)
        if blocked > self.longest:
            self.longest = blocked
            metrics.LONGEST_HOLD.set(blocked)
        if blocked > BLOCKED_AFTER:
            metrics.LOOP_HOLDS.labels(where).inc()
            log.warning("the event loop was blocked", milliseconds=round(blocked * 1000), where=where)

    def _watch(self) -> None:
        while not self._stop.wait(BLOCKED_AFTER / 2):
            if monotonic() - self._beat_at > BEAT_EVERY + BLOCKED_AFTER / 2:
                frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the documented way to see a thread
                self._blocking_function = _innermost_function(frame, self._callers) or self._blocking_function


def _codes(frame: FrameType | None) -> Iterator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _innermost_function(frame: FrameType | None, callers: Collection[CodeType]) -> str:
    """Return the innermost of our functions in the stack, as `module:function`; empty if there is none."""
    while frame is not None and frame.f_code not in callers:
        code = frame.f_code
        if code.co_filename.startswith(_ROOT) and "site-packages" not in code.co_filename:
            return f"{frame.f_globals.get('__name__', '')}:{code.co_qualname}"
        frame = frame.f_back
    return ""
