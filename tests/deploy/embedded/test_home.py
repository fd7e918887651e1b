"""The lock on PENCHANT_HOME, and the error when the folder cannot be used."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded import home as home_module
from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.private_file import write_private


def test_a_second_stack_on_the_same_home_is_refused(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.make()
    lock = home.lock()
    assert home.is_locked()
    with pytest.raises(StackError, match="in use"):
        home.lock()
    os.close(lock)
    assert not home.is_locked()


def test_the_lock_is_held_until_every_process_that_inherited_it_has_ended(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.make()
    lock = home.lock()
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE, pass_fds=(lock,)) as child:
        os.close(lock)
        assert home.is_locked()
        assert [process.pid for process in home.processes()] == [child.pid]
        child.kill()
    assert not home.is_locked()


def test_is_locked_does_not_acquire_the_lock(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert not home.is_locked()
    home.make()
    os.close(home.lock())
    assert not home.is_locked()


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "FREE_MEGABYTES", 10**9)
    with pytest.raises(StackError, match=r"disk of .* is full"):
        Home.at(tmp_path / "home").make()


def test_less_free_space_is_required_once_the_stores_have_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "FREE_MEGABYTES", 10**9)
    for store in ("kafka", "postgres"):
        (tmp_path / store / "data").mkdir(parents=True)
    Home.at(tmp_path).make()
    monkeypatch.setattr(home_module, "FREE_MEGABYTES_WITH_DATA", 10**9)
    with pytest.raises(StackError, match=r"disk of .* is full"):
        Home.at(tmp_path).make()


def test_a_file_in_place_of_the_home_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    with pytest.raises(StackError, match="cannot be used"):
        Home.at(tmp_path / "home").make()
    assert (tmp_path / "home").read_text() == "mine"


def test_the_control_socket_path_is_short_and_unique_for_deeply_nested_homes(tmp_path: Path) -> None:
    short, deep = Home.at(Path("/p")), Home.at(tmp_path / ("deep" * 30))
    assert short.control_socket == Path("/p/supervisor/control.sock")
    assert len(str(deep.control_socket)) < 100
    assert deep.control_socket != Home.at(tmp_path / ("deep" * 31)).control_socket


def test_a_private_file_is_replaced_atomically_and_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "half \ud800")
    assert path.read_text() == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
