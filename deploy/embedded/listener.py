"""Run by supervisor beside the others: keeps the pids in stack.json true when a process ends or is started again."""

import os
import sys
from pathlib import Path
from xmlrpc.client import Fault

from supervisor.childutils import getRPCInterface, listener

from deploy.embedded.home import Home
from deploy.embedded.stack_file import update_stack_file
from deploy.embedded.supervisor import running_pids


def main() -> None:
    home = Home.at(Path(sys.argv[1]))
    supervisor = getRPCInterface(os.environ).supervisor
    while True:
        listener.wait(sys.stdin, sys.stdout)
        try:
            update_stack_file(home, pids=running_pids(supervisor.getAllProcessInfo()))
        except Fault as refused:  # supervisor is shutting down; whoever asked for that clears the pids
            print(refused, file=sys.stderr)  # noqa: T201 - standard error is its log
        except OSError as problem:  # a full disk; the next change is written again
            print(problem, file=sys.stderr)  # noqa: T201 - the same
        listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
