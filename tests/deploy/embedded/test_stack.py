"""The whole stack, controlled by its commands: starts, restarts after a kill, refused starts, and stops."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.deploy.embedded.penchant import Penchant

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

WITHIN_SECONDS = 150.0  # a broker restarts in 3 s, and ten times slower on a machine that is busy with other tests


@pytest.fixture(scope="module", autouse=True)
def running(penchant: Penchant) -> None:
    """Start the stack before the first test."""
    penchant.ensure_running()


def test_the_stack_file_describes_the_stack_and_is_private(penchant: Penchant) -> None:
    stack = penchant.stack()
    assert stat.S_IMODE((penchant.home / "stack.json").stat().st_mode) == 0o600
    services = {"tracking", "labeling", "segmentation", "workflow", "console", "delivery"}
    assert set(stack["databases"]) == set(stack["urls"]) == services
    assert {"kafka", "postgres", *stack["urls"]} <= set(stack["pids"])
    assert isinstance(stack["account_id"], int)
    assert stack["api_key"]
    assert penchant("status").returncode == 0


@pytest.mark.parametrize("server", ["kafka", "postgres"])
def test_the_data_of_the_servers_is_private(penchant: Penchant, server: str) -> None:
    """Kafka creates its folder readable by all users, but the folder contains e-mail addresses."""
    assert stat.S_IMODE((penchant.home / server / "data").stat().st_mode) == 0o700


def test_a_second_start_is_refused_while_the_stack_runs(penchant: Penchant) -> None:
    before = penchant.stack()
    second = penchant("up")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert penchant.stack() == before


@pytest.mark.parametrize("name", ["labeling", "postgres", "kafka"])
def test_a_killed_process_is_restarted_and_its_new_pid_recorded(penchant: Penchant, name: str) -> None:
    killed = penchant.kill(name)
    _wait(lambda: penchant.stack()["pids"].get(name, killed) != killed)
    _wait(lambda: penchant("status").returncode == 0)


def test_up_is_refused_after_a_killed_supervisor_until_down_cleans_up(penchant: Penchant) -> None:
    before = penchant.stack()
    os.kill(int((penchant.home / "supervisor" / "supervisord.pid").read_text()), signal.SIGKILL)
    refused = penchant("up", "--detach")
    assert refused.returncode == 1
    assert "its supervisor was killed" in refused.stderr
    assert penchant("down").returncode == 0
    assert penchant("status").returncode == 3
    assert penchant.stack()["pids"] == {}
    again = penchant("up", "--detach")
    assert again.returncode == 0, again.stderr
    for kept in ("kafka", "databases", "urls", "account_id", "api_key", "public_url"):
        assert penchant.stack()[kept] == before[kept]


def test_env_exports_the_api_key_and_the_urls(penchant: Penchant) -> None:
    lines = penchant("env").stdout.splitlines()
    assert f"export PENCHANT_API_KEY={penchant.stack()['api_key']}" in lines
    assert f"export PENCHANT_LABELING_URL={penchant.stack()['urls']['labeling']}" in lines


def test_up_is_refused_with_another_number_of_partitions(penchant: Penchant) -> None:
    assert penchant("down").returncode == 0
    refused = penchant("up", "--detach", PENCHANT_PARTITIONS="5")
    assert refused.returncode == 1
    assert "has 4 partitions" in refused.stderr
    assert penchant("status").returncode == 3


def test_up_in_the_foreground_plays_the_demo_once_and_stops_on_ctrl_c(penchant: Penchant) -> None:
    with _in_the_foreground(penchant) as output:
        assert "Who got which label, and why" in output
        assert all(url in output for url in penchant.stack()["urls"].values())
        assert penchant("status").returncode == 0
        accounts = _accounts(penchant)
    assert penchant("status").returncode == 3
    [demo] = [account_id for account_id in accounts if account_id != penchant.stack()["account_id"]]

    with _in_the_foreground(penchant) as output:
        assert "Who got which label, and why" not in output
        assert f"The demo is account {demo}; `penchant demo` plays another one." in output
        assert _accounts(penchant) == accounts


@contextmanager
def _in_the_foreground(penchant: Penchant) -> Iterator[str]:
    """Run `up` until it prints events; yield its output, and stop it by Ctrl-C afterwards."""
    with penchant.start("up") as up:
        assert up.stdout
        lines = []
        for line in up.stdout:
            lines.append(line)
            if "Events follow" in line:
                break
        yield "".join(lines)
        up.send_signal(signal.SIGINT)
        assert "Stopped. The data is kept" in up.stdout.read()
    assert up.returncode == 0


def _accounts(penchant: Penchant) -> list[int]:
    listed = penchant("account", "list", "--json", PENCHANT_OPERATOR_KEY=penchant.stack()["operator_key"])
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line)["account_id"] for line in listed.stdout.splitlines()]


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
