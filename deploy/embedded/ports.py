"""TCP ports on this machine, and which of them a stack uses."""

import json
import random
import socket
from collections.abc import Callable, Collection, Mapping

import psutil

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.private_file import write_private

HOST = "127.0.0.1"
# Below the range of outgoing connections, whose ports could be taken before the server binds them.
NOT_EPHEMERAL = range(15_000, 32_768)
LINKS = "tracking"  # serves tracked links


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = (), host: str = HOST) -> int:
    """Return a port that nobody listens on, outside `taken`."""
    while True:
        port = random.choice(NOT_EPHEMERAL)
        if port not in taken and is_free(port, host):
            return port


def choose_ports(
    home: Home, wanted: Mapping[str, int], asked_for: Collection[str], say: Callable[[str], None]
) -> dict[str, int]:
    """Choose a free port for each server, and store it for the next start, so that clients keep working.

    The port of the last start takes precedence over the default, unless the user set one (`asked_for`). If it is taken,
    another one is used and `say` reports that. Raises StackError if another port would break something: a port that the
    user set, or the port of the last start to which links in sent mails lead.
    """
    last = _kept(home)
    chosen: dict[str, int] = {}
    for server, port in wanted.items():
        first = port if server in asked_for else last.get(server, port)
        if first and first not in chosen.values() and is_free(first):
            chosen[server] = first
            continue
        if first and server in asked_for:
            raise StackError(f"Port {first} is taken{holder(first)}, but PENCHANT_{server.upper()}_PORT is set to it.")
        if first and server == LINKS and server in last:
            raise StackError(
                f"Port {first} is taken{holder(first)}. Tracked links in mails that were sent lead to it, so "
                f"{server} does not choose another one: free the port, or set PENCHANT_{server.upper()}_PORT."
            )
        chosen[server] = free_port(chosen.values())
        if first:
            say(f"Port {first} is taken{holder(first)}: {server} uses {chosen[server]}")
    write_private(home.ports_file, json.dumps(chosen, indent=1) + "\n")
    return chosen


def _kept(home: Home) -> dict[str, int]:
    try:
        kept = json.loads(home.ports_file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {server: port for server, port in kept.items() if isinstance(port, int)} if isinstance(kept, dict) else {}


def holder(port: int) -> str:
    """Return the process that listens on a port, such as " by name (pid)"; empty if the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            here = getattr(connection.laddr, "port", None) == port and connection.status == psutil.CONN_LISTEN
            if here and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} ({connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def listens(pid: int, port: int) -> bool:
    """Return whether the process itself listens on the port: on a taken port another process may answer."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
        for connection in connections
    )
