"""Runs under supervisor: keeps the pids in stack.json current when a process ends or is restarted."""

import os
import sys
from pathlib import Path
from xmlrpc.client import Fault

from supervisor.childutils import getRPCInterface, listener

from deploy.embedded.home import Home
from deploy.embedded.stack_file import record_pids
from deploy.embedded.supervisor import running_pids


def main() -> None:
    home = Home.at(Path(sys.argv[1]))
    supervisor = getRPCInterface(os.environ).supervisor
    while True:
        listener.wait(sys.stdin, sys.stdout)
        try:
            record_pids(home, running_pids(supervisor.getAllProcessInfo()))
        except (Fault, OSError) as problem:
            # Supervisor is shutting down, and the command that stopped it clears the pids; or the disk is full, and the
            # next change writes all pids again. Standard error is the log.
            sys.stderr.write(f"{problem}\n")
        listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
