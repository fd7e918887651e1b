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
# Below the range of ephemeral ports, which an outgoing connection could take before the server binds them.
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
    """Return a free port that is not in `taken`."""
    while True:
        port = random.choice(NOT_EPHEMERAL)
        if port not in taken and is_free(port, host):
            return port


def choose_ports(
    home: Home, configured: Mapping[str, int], set_by_user: Collection[str], say: Callable[[str], None]
) -> dict[str, int]:
    """Choose a free port for each server, and store it for the next start, so that clients keep working.

    The port of the last start takes precedence over the default, unless the user set one (`set_by_user`). If it is
    taken, another one is used, and `say` reports that. Raises StackError if no other port may be used: if the user set
    the port, or if links in sent mails lead to it.
    """
    last = _ports_of_last_start(home)
    chosen: dict[str, int] = {}
    for server, port in configured.items():
        preferred = port if server in set_by_user else last.get(server, port)
        if preferred and preferred not in chosen.values() and is_free(preferred):
            chosen[server] = preferred
            continue
        if preferred and server in set_by_user:
            raise StackError(
                f"Port {preferred} is taken{holder(preferred)}, but PENCHANT_{server.upper()}_PORT is set to it."
            )
        if preferred and server == LINKS and server in last:
            raise StackError(
                f"Port {preferred} is taken{holder(preferred)}. Tracked links in mails that were sent lead to it, so "
                f"{server} does not choose another one: free the port, or set PENCHANT_{server.upper()}_PORT."
            )
        chosen[server] = free_port(chosen.values())
        if preferred:
            say(f"Port {preferred} is taken{holder(preferred)}: {server} uses {chosen[server]}")
    write_private(home.ports_file, json.dumps(chosen, indent=1) + "\n")
    return chosen


def _ports_of_last_start(home: Home) -> dict[str, int]:
    try:
        stored = json.loads(home.ports_file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return (
        {server: port for server, port in stored.items() if isinstance(port, int)} if isinstance(stored, dict) else {}
    )


def holder(port: int) -> str:
    """Return the process that listens on a port, as " by name (pid)"; an empty text if it is unknown."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens_here = getattr(connection.laddr, "port", None) == port and connection.status == psutil.CONN_LISTEN
            if listens_here and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} ({connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def listens(pid: int, port: int) -> bool:
    """Return whether this very process listens on the port. If the port was taken, another process may answer there."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
        for connection in connections
    )
