"""Random numbers that differ in each run and can be repeated."""

import os
import random

SEED = "PENCHANT_TEST_SEED"


def new_dice() -> random.Random:
    """Return a generator with a new seed, or with PENCHANT_TEST_SEED; the seed is printed, for a test that fails."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))
    print(f"{SEED}={seed}")  # noqa: T201 - pytest shows it with a test that fails
    return random.Random(seed)
