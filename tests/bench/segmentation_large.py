"""10 million contacts and 100 million clicks, in a separate process: `python -m tests.bench.segmentation_large`.

Prints the time of a count (milliseconds) and the memory of the process (bytes), as JSON. Arguments: contacts, clicks.
"""

import asyncio
import json
import sys
from time import perf_counter

from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.bench.segmentation_image import ClickHistory, count, resident_bytes, three_parts

CONTACTS, CLICKS = 10_000_000, 100_000_000
REPETITIONS = 5


async def run(_: Place) -> list[Figure]:
    """Measure in a separate process, so that its memory can be measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.segmentation_large", str(CONTACTS), str(CLICKS),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _errors = await process.communicate()
    found = json.loads(output)
    return [
        Figure("segmentation: count, 10M contacts, 100M clicks", found["count_ms"], "ms", goal=80, better="lower"),
        Figure("segmentation: memory, 10M contacts, 100M clicks", found["bytes"] / 1e9, "GB", goal=6, better="lower"),
    ]


def main() -> None:
    """Build the image, count, and print the result."""
    history = ClickHistory(int(sys.argv[1]), int(sys.argv[2]))
    slices = list(history.slices())
    criterion = three_parts()
    best = float("inf")
    for _ in range(REPETITIONS):
        started = perf_counter()
        count(slices, criterion)
        best = min(best, (perf_counter() - started) * 1000)
    sys.stdout.write(json.dumps({"count_ms": best, "bytes": resident_bytes()}))


if __name__ == "__main__":
    main()
