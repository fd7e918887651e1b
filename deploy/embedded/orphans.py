"""Finds and ends the processes of a stack whose supervisor was killed."""

import signal
import time
from contextlib import suppress

import psutil

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.stack_file import StackFile

KAFKA, POSTGRES = "kafka", "postgres"
END_WITHIN_SECONDS = 60.0


def has_orphans(home: Home) -> bool:
    """Return whether a process that stack.json names holds the lock of `home`."""
    stack_file = StackFile.read(home)
    return stack_file is not None and not {process.pid for process in home.processes()}.isdisjoint(
        stack_file.pids.values()
    )


def end_orphans(home: Home) -> None:
    """End the processes that hold the lock of `home`: first the services, then Kafka, then PostgreSQL, each cleanly.

    Their pids come from stack.json. A pid counts only if its process holds the lock, because pids are reused. Raises
    StackError if a process does not end, or does not belong to the stack.
    """
    stack_file = StackFile.read(home)
    pids = stack_file.pids if stack_file else {}
    deadline = time.monotonic() + END_WITHIN_SECONDS
    services = pids.keys() - {KAFKA, POSTGRES}
    for names, signal_number in ((services, signal.SIGTERM), ({KAFKA}, signal.SIGTERM), ({POSTGRES}, signal.SIGINT)):
        wanted_pids = {pids[name] for name in names if name in pids}
        ending = [process for process in home.processes() if process.pid in wanted_pids]
        for process in ending:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
        psutil.wait_procs(ending, timeout=max(0.0, deadline - time.monotonic()))
    if not home.is_free_within(deadline - time.monotonic()):
        raise StackError(f"{home.path} is still in use by {describe(home)}.")


def describe(home: Home) -> str:
    """Return the names and pids of the processes that hold the lock, without their child processes."""
    holders = home.processes()
    pids = {process.pid for process in holders}
    top_level = []
    for process in holders:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                top_level.append(f"{process.name()} ({process.pid})")
    return ", ".join(top_level) or "a process of another user"
