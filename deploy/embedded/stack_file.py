"""stack.json: what is running, for people and programs (interfaces, "Settings")."""

import fcntl
from typing import Any

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
    api_key: str | None = None  # an admin key of an account that the stack made for its user, empty at first
    operator_key: str  # creates accounts
    pids: dict[str, int] = {}

    @classmethod
    def read(cls, home: Home) -> "StackFile | None":
        """None where there is none, or nothing that can be used."""
        try:
            return cls.model_validate_json(home.stack_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, home: Home) -> None:
        write_private(home.stack_file, self.model_dump_json(indent=1) + "\n")


def update_stack_file(home: Home, **changes: Any) -> None:  # noqa: ANN401 - any of the fields above
    """Change some fields of the file, if it is there. The command and supervisor's listener both do, in turn."""
    with (home.path / "stack.json.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        current = StackFile.read(home)
        if current:
            current.model_copy(update=changes).write(home)
