"""The size of measurements in bulk."""

import os

SETTING = "PENCHANT_BENCH_CONTACTS"


def contacts(usual: int) -> int:
    """Return how many contacts a measurement in bulk has: `PENCHANT_BENCH_CONTACTS` if it is set, else `usual`.

    The goals are for a million contacts. `make bench` measures fewer, so that it ends within the hour.
    """
    return int(os.environ.get(SETTING, usual))
