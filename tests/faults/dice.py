"""Random numbers that differ in each test run and can be reproduced."""

import os
import random

SEED = "PENCHANT_TEST_SEED"


def new_dice() -> random.Random:
    """Return a generator with the seed PENCHANT_TEST_SEED, or with a new one; print the seed to reproduce a failure."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))
    print(f"{SEED}={seed}")  # noqa: T201 - pytest shows it if the test fails
    return random.Random(seed)
