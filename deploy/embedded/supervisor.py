"""Writes Supervisor's configuration for a stack, and controls it."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from typing import Any, Literal
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deploy.embedded.error import StackError
from deploy.embedded.home import LOWEST_LOCK_DESCRIPTOR, Home
from deploy.embedded.process import Command

LISTENER = "pids"
LOG = "supervisor.log"
ANSWERS_WITHIN_SECONDS = 10.0
STOPS_WITHIN_SECONDS = 90.0
STOPPED_MEANWHILE = "Another command stopped it while it was starting."

Condition = Literal["working", "stopping", "absent"]


class Supervisor:
    """A running supervisor, controlled through its socket."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - any XML-RPC value
        transport = SupervisorTransport(None, None, f"unix://{self._home.control_socket}")
        with ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def condition(self) -> Condition:
        """Return whether it runs, is shutting down, or does not exist."""
        try:
            self._call("getState")
        except Fault:
            return "stopping"  # in that state it answers no requests
        except (OSError, HTTPException):
            return "absent"
        return "working"

    def states(self) -> dict[str, str]:
        """Return the state of each process: RUNNING, STARTING, BACKOFF, EXITED, FATAL, STOPPED, …; the stores first."""
        processes = sorted(self._call("getAllProcessInfo"), key=lambda process: process["group"] != "stores")
        return {process["name"]: process["statename"] for process in processes if process["name"] != LISTENER}

    def pids(self) -> dict[str, int]:
        """Return the pids of the running processes."""
        return running_pids(self._call("getAllProcessInfo"))

    def start_group(self, group: str) -> None:
        """Start all processes of a group, without waiting for them."""
        self._call("startProcessGroup", group, False)

    def start_service(self, name: str) -> None:
        """Start one service, without waiting for it."""
        self._call("startProcess", f"services:{name}", False)

    def stop_service(self, name: str) -> None:
        """Stop one service until it is started again; return when it has ended."""
        try:
            self._call("stopProcess", f"services:{name}")
        except Fault as problem:
            if "NOT_RUNNING" not in problem.faultString:
                raise

    def stop_all(self) -> None:
        """Stop everything, services before the stores, and supervisor itself; return when all processes have ended."""
        try:
            self._call("shutdown")
        except Fault as problem:
            if "SHUTDOWN_STATE" not in problem.faultString:
                raise
        except (OSError, HTTPException):
            if self.condition() == "working":
                raise
            # Another command has stopped it meanwhile.
        if not self._home.is_free_within(STOPS_WITHIN_SECONDS):
            names = ", ".join(f"{process.name()} ({process.pid})" for process in self._home.processes())
            raise StackError(f"Still running after {STOPS_WITHIN_SECONDS:.0f} s: {names}. `penchant down` tries again.")


def running_pids(processes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the names and pids of the processes that supervisor keeps running, without the listener.

    Supervisor's own pid is not included, because supervisor restarts each of these processes.
    """
    return {process["name"]: process["pid"] for process in processes if process["pid"] and process["name"] != LISTENER}


Groups = Mapping[str, Mapping[str, Command]]  # the programs of each group, by name


def launch(home: Home, lock: int, groups: Groups) -> Supervisor:
    """Start supervisor with these programs, without starting any of them.

    It inherits the descriptor `lock`. Groups are stopped in reverse order. Raises StackError if supervisor does not
    start.
    """
    configuration = home.supervisor / "supervisord.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(_configuration(home, groups), encoding="utf-8")
    process = subprocess.Popen(
        (sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(configuration)),
        cwd=home.path,
        env={**os.environ, "PYTHONUTF8": "1"},  # otherwise it reads its configuration in the encoding of the locale
        stdin=subprocess.DEVNULL,
        # If the disk is full it cannot write its log. It then writes to standard error, and would end if that failed
        # too.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C must reach only the command in the foreground, which stops processes in order
        pass_fds=(lock,),
    )
    supervisor = Supervisor(home)
    deadline = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while supervisor.condition() == "absent":
        if process.poll() == 0:
            raise StackError(STOPPED_MEANWHILE)
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise StackError(
                f"Supervisor did not start; {home.logs / LOG} may say why. Its configuration is {configuration}."
            )
        time.sleep(0.02)  # it does not report when its socket is ready
    return supervisor


def _configuration(home: Home, groups: Groups) -> str:
    sections = {
        "unix_http_server": {"file": _escaped(str(home.control_socket)), "chmod": "0700"},
        "supervisord": {
            "nodaemon": "true",
            "silent": "true",
            "logfile": f"logs/{LOG}",  # relative: supervisor would expand a % in the path twice
            "logfile_maxbytes": "5MB",
            "logfile_backups": "2",
            "pidfile": "supervisor/supervisord.pid",
            "identifier": "penchant",
            "minfds": str(LOWEST_LOCK_DESCRIPTOR),
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
        # Groups are stopped from the highest priority down, the listener last.
        f"eventlistener:{LISTENER}": {
            **_program(LISTENER, Command((sys.executable, "-m", "deploy.embedded.listener", str(home.path)))),
            "events": "PROCESS_STATE",
            "buffer_size": "100",
            "priority": "0",
            "autostart": "true",
            "redirect_stderr": "false",  # it communicates with supervisor over its standard output
        },
        **{
            f"program:{name}": _program(name, command)
            for programs in groups.values()
            for name, command in programs.items()
        },
        **{
            f"group:{group}": {"programs": ",".join(programs), "priority": str(priority)}
            for priority, (group, programs) in enumerate(groups.items(), start=1)
        },
    }
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for section, values in sections.items()
    )


def _program(name: str, command: Command) -> dict[str, str]:
    environment = ",".join(f'{key}="{_escaped(value)}"' for key, value in command.environment.items())
    return {
        "command": _escaped(shlex.join(command.arguments)),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "1000",  # each attempt waits a second longer than the previous one
        "stopsignal": command.stop_signal,
        "stopwaitsecs": "30",
        "killasgroup": "true",
        "stdout_logfile": f"logs/{name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "3",
        "stderr_logfile": f"logs/{name}.err.log",
        "redirect_stderr": "true",
        **({"user": command.user} if command.user else {}),
        **({"directory": "/"} if command.user else {}),
        **({"environment": environment} if environment else {}),
    }


def _escaped(text: str) -> str:
    """Escape percent signs, which supervisor's configuration would expand."""
    return text.replace("%", "%%")
