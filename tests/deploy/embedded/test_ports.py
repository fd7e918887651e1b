"""Choosing the ports of a stack."""

import socket
from pathlib import Path

import pytest

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.ports import choose_ports, free_port


def test_a_taken_port_is_replaced_and_reported(tmp_path: Path) -> None:
    messages: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        chosen = choose_ports(Home.at(tmp_path), {"kafka": port}, (), messages.append)
    assert chosen["kafka"] != port
    assert messages[0].startswith(f"Port {port} is taken by ")


def test_a_taken_port_is_an_error_if_the_user_set_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} is taken.*PENCHANT_KAFKA_PORT is set to it"):
            choose_ports(Home.at(tmp_path), {"kafka": port}, {"kafka"}, lambda _: None)


def test_tracking_keeps_the_port_of_sent_links_or_fails(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    kept = choose_ports(home, {"tracking": free_port()}, (), lambda _: None)["tracking"]
    with socket.create_server(("127.0.0.1", kept)), pytest.raises(StackError, match="set PENCHANT_TRACKING_PORT"):
        choose_ports(home, {"tracking": kept}, (), lambda _: None)
    assert choose_ports(home, {"tracking": free_port()}, (), lambda _: None) == {"tracking": kept}


def test_tracking_may_use_another_port_at_the_first_start(tmp_path: Path) -> None:
    messages: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = choose_ports(Home.at(tmp_path), {"tracking": taken.getsockname()[1]}, (), messages.append)
        assert chosen["tracking"] != taken.getsockname()[1]
    assert "tracking uses" in messages[0]


def test_the_next_start_reuses_the_ports_of_the_last_one(tmp_path: Path) -> None:
    home, messages = Home.at(tmp_path), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = {"kafka": taken.getsockname()[1], "tracking": free_port()}
        first = choose_ports(home, wanted, (), messages.append)
    assert choose_ports(home, wanted, (), messages.append) == first
    assert len(messages) == 1


def test_a_port_set_by_the_user_overrides_the_last_one(tmp_path: Path) -> None:
    home, messages = Home.at(tmp_path), list[str]()
    choose_ports(home, {"kafka": free_port()}, (), messages.append)
    asked = free_port()
    assert choose_ports(home, {"kafka": asked}, {"kafka"}, messages.append) == {"kafka": asked}


def test_port_zero_selects_a_free_port_without_a_message(tmp_path: Path) -> None:
    messages: list[str] = []
    assert choose_ports(Home.at(tmp_path), {"kafka": 0}, {"kafka"}, messages.append)["kafka"] > 0
    assert messages == []


def test_two_servers_never_get_the_same_port(tmp_path: Path) -> None:
    port = free_port()
    chosen = choose_ports(Home.at(tmp_path), {"kafka": port, "tracking": port}, (), lambda _: None)
    assert chosen["kafka"] == port
    assert chosen["tracking"] != port


def test_a_damaged_ports_file_is_ignored(tmp_path: Path) -> None:
    home, port = Home.at(tmp_path), free_port()
    home.ports_file.write_text('{"kafka": "neither')
    assert choose_ports(home, {"kafka": port}, (), lambda _: None) == {"kafka": port}
