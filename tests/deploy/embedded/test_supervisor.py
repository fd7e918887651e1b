"""Supervisor's configuration, and the pids of its processes."""

import configparser
import shlex
from pathlib import Path

from deploy.embedded.home import Home
from deploy.embedded.process import Command
from deploy.embedded.supervisor import _configuration as configuration
from deploy.embedded.supervisor import running_pids


def test_services_are_stopped_before_the_stores() -> None:
    sections = _sections({"kafka": Command(("kafka",))}, {"tracking": Command(("tracking",))})
    assert int(sections["group:services"]["priority"]) > int(sections["group:stores"]["priority"])


def test_special_characters_in_arguments_are_escaped() -> None:
    arguments = ("run", "/a b/100%", "it's", '"')
    sections = _sections({"kafka": Command(arguments)}, {"tracking": Command(("t",))})
    assert tuple(shlex.split(sections["program:kafka"]["command"].replace("%%", "%"))) == arguments


def test_a_program_has_a_user_only_if_its_command_names_one() -> None:
    sections = _sections(
        {"kafka": Command(("k",)), "postgres": Command(("p",), user="somebody", stop_signal="INT")}, {}
    )
    assert "user" not in sections["program:kafka"]
    assert sections["program:postgres"]["user"] == "somebody"
    assert sections["program:postgres"]["stopsignal"] == "INT"


def test_running_pids_exclude_stopped_processes_and_the_listener() -> None:
    processes = [{"name": "kafka", "pid": 7}, {"name": "tracking", "pid": 0}, {"name": "pids", "pid": 9}]
    assert running_pids(processes) == {"kafka": 7}


def _sections(stores: dict[str, Command], services: dict[str, Command]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(Home.at(Path("/somewhere")), {"stores": stores, "services": services}))
    return parser
