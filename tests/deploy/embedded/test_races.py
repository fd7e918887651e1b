"""Concurrent commands report a clear error and the right exit code, and never a traceback."""

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


class CommandResult(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    output: str


def result_of(process: "subprocess.Popen[str]") -> CommandResult:
    """Wait for the command to end; it must print something other than a traceback."""
    output, _ = process.communicate(timeout=WITHIN_SECONDS)
    assert "Traceback" not in output, output
    assert output.strip(), "the command printed nothing"
    return CommandResult(process.returncode, output)


def test_one_of_two_concurrent_starts_succeeds_and_the_other_is_refused(penchant: Penchant) -> None:
    assert penchant("down").returncode == 0
    both = [result_of(process) for process in [penchant.start("up", "--detach") for _ in range(2)]]
    assert sorted(one.code for one in both) == [0, 1]
    [refused] = [one.output for one in both if one.code == 1]
    assert any(words in refused for words in ("starting or stopping", "started partly", "already runs")), refused
    assert penchant("status").returncode == 0


def test_status_works_while_two_concurrent_commands_stop_the_stack(penchant: Penchant) -> None:
    penchant.ensure_running()
    stops = [penchant.start("down") for _ in range(2)]
    seen: list[CommandResult] = []
    while any(stop.poll() is None for stop in stops):
        seen += [result_of(penchant.start("status")), as_json := result_of(penchant.start("status", "--json"))]
        assert isinstance(json.loads(as_json.output)["running"], bool)
    assert {one.code for one in seen} <= {0, 1, 3}
    assert [result_of(stop) for stop in stops] == [CommandResult(0, "Stopped. The data is kept.\n")] * 2
    last = result_of(penchant.start("status"))
    assert last.code == 3
    assert "Nothing runs" in last.output


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
    down = result_of(penchant.start("down"))
    assert down == CommandResult(0, "Stopped. The data is kept.\n")
    stopped = result_of(up)
    assert stopped.code == 1
    assert "Another command stopped it while it was starting" in stopped.output
    assert not _lock_is_held(penchant)
    assert penchant("status").returncode == 3
