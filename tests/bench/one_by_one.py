"""Requests one tracked link repeatedly, in a separate process, so that nothing else delays the measurement.

    python -m tests.bench.one_by_one URL COUNT

Prints a JSON array: the seconds until each answer.
"""

import json
import sys
from http.client import HTTPConnection
from time import perf_counter, sleep
from urllib.parse import urlsplit

PAUSE = 0.01  # seconds
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def main(url: str, count: int) -> list[float]:
    """Return the seconds until each answer, over a persistent connection."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=60)
    took = []
    for _ in range(count):
        began = perf_counter()
        connection.request("GET", parts.path, headers=BROWSER)
        answer = connection.getresponse()
        answer.read()
        took.append(perf_counter() - began)
        if answer.status != 302:
            sys.exit(f"answered {answer.status}")
        sleep(PAUSE)
    return took


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 - the caller reads it
