"""`python -m tests.faults [--for 10m] [NAME …]`: the fault tests until the time is over or one fails."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import pytest

HERE = Path(__file__).parent
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """`90`, `90s`, `10m` or `2h` in seconds."""
    match = re.fullmatch(r"(\d+)([smh]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 90s, 10m or 2h")
    return int(match[1]) * UNITS[match[2]]


def soak(duration: float, names: Sequence[str]) -> int:
    """Runs rounds until `duration` seconds are over; the exit code of the first round that failed, or 0."""
    end, rounds = monotonic() + duration, 0
    while True:
        targets = [str(HERE / f"test_{name}.py") for name in names] or [str(HERE)]
        failed = pytest.main(["-q", "-x", "-m", "fault", "--rootdir", str(HERE.parents[1]), *targets])
        if failed:
            return int(failed)
        rounds += 1
        if monotonic() >= end:
            sys.stdout.write(f"{rounds} rounds, nothing lost and nothing done twice\n")
            return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The fault tests, again and again.")
    parser.add_argument("--for", dest="duration", type=seconds, default=600.0, metavar="10m")
    parser.add_argument("names", nargs="*", help="killed_workers, servers, …; all unless some are named")
    arguments = parser.parse_args()
    sys.exit(soak(arguments.duration, arguments.names))
