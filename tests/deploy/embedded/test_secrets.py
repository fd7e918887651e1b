"""Secrets are generated once."""

import stat
from pathlib import Path

import pytest

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.secrets import Secrets, StackAccount


def test_secrets_are_generated_only_once(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    first = Secrets.kept(home)
    assert Secrets.kept(home) == first
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600


def test_the_account_is_stored_with_the_secrets(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    changed = Secrets.kept(home).with_account(home, StackAccount(account_id=7, api_key="key"))
    assert Secrets.kept(home) == changed


def test_two_homes_share_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = Secrets.kept(Home.at(tmp_path / "one")), Secrets.kept(Home.at(tmp_path / "two"))
    assert one.postgres != two.postgres
    assert one.tracking_keys != two.tracking_keys
    assert not set(one.databases.values()) & set(two.databases.values())


def test_a_damaged_secrets_file_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.secrets_file.write_text("{")
    with pytest.raises(StackError, match="damaged"):
        Secrets.kept(home)
    assert home.secrets_file.read_text() == "{"
