"""PENCHANT_HOME: the folder with all data of the embedded stack, and its lock."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.embedded.error import StackError

POLL_SECONDS = 0.05
LOCK_WITHIN_SECONDS = 0.5  # another process may hold the lock for a moment, only to test it
FREE_MEGABYTES = 1024  # Kafka and PostgreSQL each allocate hundreds of megabytes while they are empty
FREE_MEGABYTES_WITH_DATA = 64  # logs and a few segments; a folder with data has already allocated the rest
SOCKET_PATH_BYTES = 90  # the limit is 108 (104 on macOS), and supervisor appends its pid when it binds
# Supervisor closes the descriptors below `minfds`, in itself and in its children; the lock must stay open in them all.
LOWEST_LOCK_DESCRIPTOR = 100


@dataclass(frozen=True, slots=True)
class Home:
    path: Path  # absolute

    @classmethod
    def at(cls, path: Path) -> "Home":
        return cls(path.expanduser().absolute())

    @property
    def stack_file(self) -> Path:
        return self.path / "stack.json"

    @property
    def secrets_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    @property
    def inbox(self) -> Path:
        """The folder with the mails that the stack sends."""
        return self.path / "inbox"

    @property
    def delivery_secrets(self) -> Path:
        """The folder of secrets that are created during the start, for delivery."""
        return self.path / "delivery"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def supervisor(self) -> Path:
        return self.path / "supervisor"

    @property
    def control_socket(self) -> Path:
        """The socket of supervisor; outside the home if the home's path is too long for a socket."""
        socket = self.supervisor / "control.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
            return socket
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"penchant-{os.getuid()}-{digest}" / "control.sock"

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    def make(self) -> None:
        """Create the folders. Raises StackError if there is no space, or no permission."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.logs, self.supervisor, self.control_socket.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as problem:
            raise StackError(
                f"{self.path} cannot be used: {problem.strerror}. Set PENCHANT_HOME to another folder."
            ) from problem
        if self.control_socket.parent.stat().st_uid != os.getuid():
            raise StackError(
                f"{self.control_socket.parent} belongs to another user. Set PENCHANT_HOME to a shorter path."
            )
        free, needed = self.free_megabytes(), FREE_MEGABYTES_WITH_DATA if self.holds_data() else FREE_MEGABYTES
        if free < needed:
            raise StackError(f"The disk of {self.path} is full: {free} MB free, {needed} needed. Nothing was started.")

    def holds_data(self) -> bool:
        """Return whether a stack has been started here before."""
        return (self.path / "kafka" / "data").exists() and (self.path / "postgres" / "data").exists()

    def holds_events(self) -> bool:
        """Return whether there are event tables, from which topics can be published again."""
        return (self.path / "postgres" / "data").exists()

    def free_megabytes(self) -> int:
        return shutil.disk_usage(self.path).free // 1_000_000

    def remove_control_socket(self) -> None:
        """Remove the socket of a killed supervisor, and its folder if that is outside the home."""
        self.control_socket.unlink(missing_ok=True)
        if self.control_socket.parent != self.supervisor and self.control_socket.parent.exists():
            self.control_socket.parent.rmdir()

    def lock(self) -> int:
        """Take the lock; return its descriptor, to be passed to supervisor.

        Every process that supervisor starts inherits it. So the lock is released when the last process of the stack has
        ended, even if others were killed, and two stacks never use the same data. Raises StackError if the lock is
        held.
        """
        deadline = time.monotonic() + LOCK_WITHIN_SECONDS
        while (descriptor := self._lock()) is None:
            if time.monotonic() > deadline:
                raise StackError(f"{self.path} is in use.")
            time.sleep(POLL_SECONDS)  # flock cannot wait with a deadline
        return descriptor

    def _lock(self) -> int | None:
        low_descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        descriptor: int = fcntl.fcntl(low_descriptor, fcntl.F_DUPFD, LOWEST_LOCK_DESCRIPTOR)
        os.close(low_descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_locked(self) -> bool:
        if not self._lock_file.exists():
            return False
        with self._lock_file.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def is_free_within(self, seconds: float) -> bool:
        """Wait until the lock is free, for at most `seconds`; return whether it is."""
        deadline = time.monotonic() + seconds
        while self.is_locked():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)  # flock cannot wait with a deadline
        return True

    def processes(self) -> list[psutil.Process]:
        """Return the processes that hold the lock, which are exactly those of the stack."""
        holders = []
        for process in psutil.process_iter():
            try:
                if any(file.path == str(self._lock_file) for file in process.open_files()):
                    holders.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess, FileNotFoundError):
                continue  # it belongs to another user, or has ended
        return holders
