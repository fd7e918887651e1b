"""A client that clicks at a low rate while servers stop and start."""

import threading
from types import TracebackType
from typing import Self

import httpx

EVERY = 0.2  # seconds
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
}


class Clicker:
    """Requests a tracked link repeatedly inside the `with` block.

    A request that is answered with a redirect is a click that must be counted once. Any other request is not a click,
    and the client tries again.
    """

    def __init__(self, link: str) -> None:
        self._link = link
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._click, name="clicker")
        self.answered = 0
        self.failed = 0

    @property
    def requests(self) -> int:
        """The number of requests, successful or not."""
        return self.answered + self.failed

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _click(self) -> None:
        with httpx.Client(follow_redirects=False, timeout=30, headers=BROWSER) as client:
            while not self._stop.wait(EVERY):
                try:
                    answer = client.get(self._link)
                except httpx.TransportError:
                    self.failed += 1
                    continue
                if answer.status_code == 302:
                    self.answered += 1
                else:
                    self.failed += 1
