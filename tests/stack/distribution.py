"""Distribution of the tests over the processes of `pytest --numprocesses` (pytest-xdist)."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.embedded import ports

# These begin first, so that no process runs the longest of them while the others have nothing left to do.
LONGEST = ("tests/faults", "tests/browser", "tests/deploy/embedded", "tests/scenarios")


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Runs the tests of a folder in one process, because they share services that take long to start."""

    def _split_scope(self, nodeid: str) -> str:
        return folder_of(nodeid)


def make_scheduling(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return the scheduling of the process that distributes the tests; it keeps the order of `sort_longest_first`."""
    config.option.loadscopereorder = False
    return FolderScheduling(config, log)


def folder_of(nodeid: str) -> str:
    """Return the folder of a test."""
    return nodeid.partition("::")[0].rpartition("/")[0]


def sort_longest_first(items: list[pytest.Item]) -> None:
    """Sort tests so that the folders that take longest come first; the others keep their order."""
    rank = {folder: place for place, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(folder_of(item.nodeid), len(LONGEST)))


def share_ports(worker: int, workers: int) -> None:
    """Let the processes choose different ports, because a free port is bound only some time after it was chosen."""
    ports.NOT_EPHEMERAL = ports.NOT_EPHEMERAL[worker::workers]
