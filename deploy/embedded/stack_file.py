"""The file stack.json: the running processes, for people and programs."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.embedded.home import Home
from deploy.embedded.private_file import write_private


class StackFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    kafka: str  # bootstrap servers
    databases: dict[str, str]  # DSNs
    urls: dict[str, str]
    public_url: str
    partitions: int
    account_id: int | None = None
    api_key: str | None = None  # an admin key of the account that the stack created for its user
    operator_key: str  # creates accounts
    pids: dict[str, int] = {}

    @classmethod
    def read(cls, home: Home) -> "StackFile | None":
        """Return the file's content; None if it does not exist or cannot be read."""
        try:
            return cls.model_validate_json(home.stack_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, home: Home) -> None:
        with _write_lock(home):
            _write(home, self)


def record_pids(home: Home, pids: Mapping[str, int]) -> None:
    """Write the running processes to the file, if it exists."""
    with _write_lock(home):
        current = StackFile.read(home)
        if current:
            _write(home, current.model_copy(update={"pids": dict(pids)}))


@contextmanager
def _write_lock(home: Home) -> Iterator[None]:
    """Serialise writes of the command and of supervisor's listener."""
    with (home.path / "stack.json.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


def _write(home: Home, content: StackFile) -> None:
    write_private(home.stack_file, content.model_dump_json(indent=1) + "\n")
