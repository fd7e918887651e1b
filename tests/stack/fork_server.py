"""A program that imports a service once, and forks a process for each request on a socket that it inherits.

`python -m tests.stack.fork_server <module> <descriptor>`. Importing a service takes seconds of processor time. A fork
has imported exactly what `python -m <module>` imports, and runs the same `__main__` from there on.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys
from importlib import import_module
from typing import Any


def serve(connection: socket.socket) -> dict[str, Any]:
    """Answer requests until the tests have ended, then kill the remaining processes.

    Return in each fork, with its request.
    """
    running: set[int] = set()
    with connection.makefile("r", encoding="utf-8") as requests:
        for line in requests:
            request = json.loads(line)
            if "reap" in request:
                _, status = os.waitpid(request["reap"], 0)
                running.discard(request["reap"])
                answer = {"code": os.waitstatus_to_exitcode(status)}
            elif pid := os.fork():
                running.add(pid)
                answer = {"pid": pid}
            else:
                connection.close()
                return dict(request)
            connection.sendall(json.dumps(answer).encode() + b"\n")
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    sys.exit(0)


def become(module: str, request: dict[str, Any]) -> None:
    """Set up this fork like a new process, with its own session, files, environment, folder and arguments."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
        os.set_inheritable(target, True)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = [module, *request["arguments"]]


if __name__ == "__main__":
    module, descriptor = sys.argv[1:]
    import_module(f"{module}.app")
    gc.freeze()  # so that garbage collection does not write to the memory that forks share
    become(module, serve(socket.socket(fileno=int(descriptor))))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
