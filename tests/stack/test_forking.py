"""Forked processes end with the codes, and write the logs, of `python -m`."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.ports import free_port
from tests.stack.forking import ForkServer, fork_server_of
from tests.stack.waiting import wait_until

WITHIN = 60.0  # seconds

forks = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no process file descriptors")


@pytest.fixture
def server() -> Iterator[ForkServer]:
    server = ForkServer("services.workflow")
    yield server
    server.close()


@forks
def test_a_fork_is_a_separate_process(server: ForkServer, tmp_path: Path) -> None:
    unused_port = free_port()
    environment = {
        **os.environ,
        "PENCHANT_KAFKA": f"127.0.0.1:{unused_port}",
        "PENCHANT_WORKFLOW_DATABASE": f"postgresql://somebody@127.0.0.1:{unused_port}/nothing",
        "PENCHANT_WORKFLOW_PORT": str(free_port()),
    }
    waiting = server.fork([], environment, tmp_path / "waiting.log")
    helped = server.fork(["--help"], environment, tmp_path / "helped.log")
    assert helped.wait(WITHIN) == 0
    assert "usage: python -m services.workflow" in (tmp_path / "helped.log").read_text()
    refused = server.fork(["--role", "cook"], environment, tmp_path / "refused.log")
    assert refused.wait(WITHIN) == refused.poll() == 2
    assert len({waiting.pid, helped.pid, refused.pid}) == 3
    assert os.getsid(waiting.pid) == waiting.pid
    assert waiting.poll() is None
    waiting.send_signal(signal.SIGKILL)
    assert waiting.wait(WITHIN) == -signal.SIGKILL


@forks
def test_a_killed_fork_server_raises_an_error_and_is_replaced(tmp_path: Path) -> None:
    killed = fork_server_of("services.delivery")
    assert killed is not None
    os.kill(killed.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="has ended: -9"):
        killed.fork(["--help"], os.environ, tmp_path / "lost.log")
    wait_until(lambda: not killed.running, WITHIN)
    server = fork_server_of("services.delivery")
    assert server is not None
    assert server.fork(["--help"], os.environ, tmp_path / "helped.log").wait(WITHIN) == 0
