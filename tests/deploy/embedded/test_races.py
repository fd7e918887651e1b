"""Concurrent commands give a clear error and the right exit code, and never a traceback."""

import json
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import pytest

from deploy.embedded.home import Home
from deploy.embedded.supervisor import Supervisor
from tests.deploy.embedded.penchant import Penchant
from tests.stack.waiting import wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

WITHIN_SECONDS = 300.0


class Ended(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    said: str


def ended(process: "subprocess.Popen[str]") -> Ended:
    said, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert "Traceback" not in said, said
    assert said.strip(), "it said nothing"
    return Ended(process.returncode, said)


def test_of_two_starts_one_starts_it_and_the_other_says_so(penchant: Penchant) -> None:
    assert penchant("down").returncode == 0
    both = [ended(process) for process in [penchant.start("up", "--detach") for _ in range(2)]]
    assert sorted(one.code for one in both) == [0, 1]
    [refused] = [one.said for one in both if one.code == 1]
    assert any(words in refused for words in ("starting or stopping", "started partly", "already runs")), refused
    assert penchant("status").returncode == 0


def test_whoever_looks_while_it_stops_is_told_and_two_stops_are_one(penchant: Penchant) -> None:
    penchant.ensure_running()
    stops = [penchant.start("down") for _ in range(2)]
    seen: list[Ended] = []
    while any(stop.poll() is None for stop in stops):
        seen += [ended(penchant.start("status")), as_json := ended(penchant.start("status", "--json"))]
        assert isinstance(json.loads(as_json.said)["running"], bool)
    assert {one.code for one in seen} <= {0, 1, 3}
    assert [ended(stop) for stop in stops] == [Ended(0, "Stopped. The data is kept.\n")] * 2
    last = ended(penchant.start("status"))
    assert last.code == 3
    assert "Nothing runs" in last.said


def _lock_is_held(penchant: Penchant) -> bool:
    return Home.at(penchant.home).is_locked()


def _supervisor_works(penchant: Penchant) -> bool:
    return Supervisor(Home.at(penchant.home)).condition() == "working"


def _services_start(penchant: Penchant) -> bool:
    try:
        return "tracking" in Supervisor(Home.at(penchant.home)).pids()
    except OSError:
        return False


@pytest.mark.parametrize("moment", [_lock_is_held, _supervisor_works, _services_start])
def test_a_start_can_be_stopped_at_any_moment(penchant: Penchant, moment: Callable[[Penchant], bool]) -> None:
    assert penchant("down").returncode == 0
    up = penchant.start("up", "--detach")
    wait_until(lambda: moment(penchant) or up.poll() is not None, WITHIN_SECONDS)
    down = ended(penchant.start("down"))
    assert down == Ended(0, "Stopped. The data is kept.\n")
    stopped = ended(up)
    assert stopped.code == 1
    assert "Another command stopped it while it was starting" in stopped.said
    assert not _lock_is_held(penchant)
    assert penchant("status").returncode == 3
