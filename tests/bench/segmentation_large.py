"""10 million contacts and 100 million clicks, in a process of their own: `python -m tests.bench.segmentation_large`.

Prints the time of a count (milliseconds) and what the process takes (bytes), as JSON. Arguments: contacts, clicks.
"""

import json
import sys
from time import perf_counter

from tests.bench.segmentation_image import World, count, resident_bytes, three_parts

TIMES = 5


def main() -> None:
    """Builds, counts, prints."""
    world = World(int(sys.argv[1]), int(sys.argv[2]))
    slices = list(world.slices())
    criterion = three_parts()
    best = float("inf")
    for _ in range(TIMES):
        started = perf_counter()
        count(slices, criterion)
        best = min(best, (perf_counter() - started) * 1000)
    sys.stdout.write(json.dumps({"count_ms": best, "bytes": resident_bytes()}))


if __name__ == "__main__":
    main()
