"""Supervisor's configuration."""

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


def test_a_command_keeps_its_words_whatever_is_in_them() -> None:
    words = ("run", "/a b/100%", "it's", '"')
    sections = _sections({"kafka": Command(words)}, {"tracking": Command(("t",))})
    assert tuple(shlex.split(sections["program:kafka"]["command"].replace("%%", "%"))) == words


def test_only_what_must_not_run_as_root_has_another_user() -> None:
    sections = _sections(
        {"kafka": Command(("k",)), "postgres": Command(("p",), user="somebody", stop_signal="INT")}, {}
    )
    assert "user" not in sections["program:kafka"]
    assert sections["program:postgres"]["user"] == "somebody"
    assert sections["program:postgres"]["stopsignal"] == "INT"


def test_the_pids_are_those_of_what_is_started_again_when_it_ends() -> None:
    processes = [{"name": "kafka", "pid": 7}, {"name": "tracking", "pid": 0}, {"name": "pids", "pid": 9}]
    assert running_pids(processes) == {"kafka": 7}


def _sections(stores: dict[str, Command], services: dict[str, Command]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(Home.at(Path("/somewhere")), {"stores": stores, "services": services}))
    return parser
