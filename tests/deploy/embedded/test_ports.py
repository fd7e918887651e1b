"""Which ports a stack takes."""

import socket
from pathlib import Path

import pytest

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.ports import choose_ports, free_port


def test_a_port_that_is_taken_is_replaced_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        chosen = choose_ports(Home.at(tmp_path), {"kafka": port}, (), said.append)
    assert chosen["kafka"] != port
    assert said[0].startswith(f"Port {port} is taken by ")


def test_a_port_that_the_user_asks_for_and_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} is taken.*PENCHANT_KAFKA_PORT is set to it"):
            choose_ports(Home.at(tmp_path), {"kafka": port}, {"kafka"}, lambda _: None)


def test_tracking_does_not_move_away_from_the_port_that_sent_links_lead_to(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    kept = choose_ports(home, {"tracking": free_port()}, (), lambda _: None)["tracking"]
    with socket.create_server(("127.0.0.1", kept)), pytest.raises(StackError, match="set PENCHANT_TRACKING_PORT"):
        choose_ports(home, {"tracking": kept}, (), lambda _: None)
    assert choose_ports(home, {"tracking": free_port()}, (), lambda _: None) == {"tracking": kept}


def test_at_the_first_start_no_links_were_sent_and_tracking_may_move(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = choose_ports(Home.at(tmp_path), {"tracking": taken.getsockname()[1]}, (), said.append)
        assert chosen["tracking"] != taken.getsockname()[1]
    assert "tracking uses" in said[0]


def test_the_next_start_uses_the_ports_of_the_last_one(tmp_path: Path) -> None:
    home, said = Home.at(tmp_path), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = {"kafka": taken.getsockname()[1], "tracking": free_port()}
        first = choose_ports(home, wanted, (), said.append)
    assert choose_ports(home, wanted, (), said.append) == first
    assert len(said) == 1


def test_a_port_that_the_user_asks_for_comes_before_the_last_one(tmp_path: Path) -> None:
    home, said = Home.at(tmp_path), list[str]()
    choose_ports(home, {"kafka": free_port()}, (), said.append)
    asked = free_port()
    assert choose_ports(home, {"kafka": asked}, {"kafka"}, said.append) == {"kafka": asked}


def test_zero_is_any_port_and_no_news(tmp_path: Path) -> None:
    said: list[str] = []
    assert choose_ports(Home.at(tmp_path), {"kafka": 0}, {"kafka"}, said.append)["kafka"] > 0
    assert said == []


def test_two_servers_never_get_the_same_port(tmp_path: Path) -> None:
    port = free_port()
    chosen = choose_ports(Home.at(tmp_path), {"kafka": port, "tracking": port}, (), lambda _: None)
    assert chosen["kafka"] == port
    assert chosen["tracking"] != port


def test_a_damaged_list_of_ports_is_passed_over(tmp_path: Path) -> None:
    home, port = Home.at(tmp_path), free_port()
    home.ports_file.write_text('{"kafka": "neither')
    assert choose_ports(home, {"kafka": port}, (), lambda _: None) == {"kafka": port}
