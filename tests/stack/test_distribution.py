"""The tests of a folder run in one process, and processes choose different ports."""

import pytest

from deploy.embedded import ports
from tests.stack.distribution import LONGEST, folder_of, share_ports
from tests.stack.processes import ROOT


def test_tests_of_a_folder_belong_together() -> None:
    assert folder_of("tests/shared/bus/test_lane.py::test_order[a::b/c.py]") == "tests/shared/bus"


def test_the_longest_folders_exist() -> None:
    assert [folder for folder in LONGEST if not list((ROOT / folder).glob("test_*.py"))] == []


def test_processes_share_all_ports_and_have_none_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    every = ports.NOT_EPHEMERAL
    shares = []
    for worker in range(3):
        monkeypatch.setattr(ports, "NOT_EPHEMERAL", every)
        share_ports(worker, 3)
        shares.append(ports.NOT_EPHEMERAL)
    assert sorted(port for share in shares for port in share) == list(every)
