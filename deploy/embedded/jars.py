"""Kafka's jars: pinned in kafka-jars.lock, downloaded once by jgo to the user's cache, checked before every use.

`python -m deploy.embedded.jars` resolves kafka-jars.txt and writes the lock again (to change the version of Kafka).
"""

import hashlib
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from deploy.embedded.error import StackError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

COORDINATES = Path(__file__).with_name("kafka-jars.txt")
LOCK = Path(__file__).with_name("kafka-jars.lock")
CONCURRENT_DOWNLOADS = 4

# (file name, total bytes) -> a context manager; the function that it yields is called with the size of every chunk
Reporter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: the coordinate (`group:artifact:version`), the size in bytes, and the SHA-256."""

    coordinate: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_intact(self, path: Path) -> bool:
        return path.is_file() and path.stat().st_size == self.size and _sha256(path) == self.sha256


def cache_folder() -> Path:
    """Return the cache of jars, which all clones share: $XDG_CACHE_HOME/penchant/jars, or ~/.cache/penchant/jars."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "penchant" / "jars"


def read_lock(path: Path = LOCK) -> list[Jar]:
    jars = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            coordinate, size, sha256 = line.split()
            jars.append(Jar(coordinate, int(size), sha256))
    return jars


def kafka_jars(say: Callable[[str], None] = print) -> list[Path]:
    """Return the jars of the lock. Missing or damaged ones are downloaded first, with a progress bar.

    Raises StackError if a jar cannot be downloaded, or does not match the lock.
    """
    folder = cache_folder()
    jars = read_lock()
    missing = [jar for jar in jars if not jar.is_intact(folder / jar.filename)]
    if missing:
        megabytes = sum(jar.size for jar in missing) / 1e6
        say(f"Downloading Apache Kafka, once: {len(missing)} jars, {megabytes:.1f} MB, to {folder}")
        try:
            _download(missing, folder)
        except (OSError, RuntimeError) as problem:
            raise StackError(
                f"Kafka's jars could not be downloaded ({problem}). Run the command again to continue."
            ) from problem
    return [folder / jar.filename for jar in jars]


def _download(jars: Sequence[Jar], folder: Path) -> None:
    # jgo writes to the final file during the download. Use a separate folder, so that an interrupted or concurrent
    # download never leaves an incomplete jar in the cache.
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="downloading-", dir=folder.parent) as downloads,
        _progress(jars) as reporter,
    ):
        maven = _maven(Path(downloads), reporter)

        def fetch(jar: Jar) -> None:
            group, artifact, version = jar.coordinate.split(":")
            downloaded = maven.project(group, artifact).at_version(version).artifact().resolve()
            if not jar.is_intact(downloaded):
                raise StackError(
                    f"{jar.filename} does not have the SHA-256 pinned in {LOCK.name}; it is not used. "
                    "It was modified during the download: try again, or use another network."
                )
            downloaded.replace(folder / jar.filename)

        with ThreadPoolExecutor(CONCURRENT_DOWNLOADS) as pool:
            futures = [pool.submit(fetch, jar) for jar in jars]
            try:
                for future in futures:
                    future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _maven(folder: Path, reporter: Reporter | None = None) -> "MavenContext":
    import truststore
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver
    from jgo.maven._core import DEFAULT_REMOTE_REPOS

    truststore.inject_into_ssl()  # like pip, trust the system's certificates: a company's proxy may use its own
    mirrors = GlobalSettings.load().repositories  # from the user's jgo.conf, for networks with a mirror
    return MavenContext(
        PythonResolver(progress_callback=reporter),
        repo_cache=folder,
        remote_repos={**mirrors, **DEFAULT_REMOTE_REPOS},
        timeout=30,
    )


@contextmanager
def _progress(jars: Sequence[Jar]) -> Iterator[Reporter]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        total = progress.add_task("Apache Kafka", total=sum(jar.size for jar in jars))
        count, lock = itertools.count(1), Lock()

        @contextmanager
        def reporter(filename: str, size: int) -> Iterator[Callable[[int], None]]:
            task = progress.add_task(f"  {filename}", total=size)

            def advance(count: int) -> None:
                progress.advance(task, count)
                progress.advance(total, count)

            yield advance
            progress.remove_task(task)
            if not console.is_terminal:  # without a terminal, print a line for each file instead of a progress bar
                with lock:  # several files are downloaded concurrently
                    console.print(f"  {next(count)}/{len(jars)} {filename} {size / 1e6:.1f} MB")

        yield reporter


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock() -> list[Jar]:
    """Resolve kafka-jars.txt with jgo, and write kafka-jars.lock from the downloaded files."""
    coordinates = [line for line in COORDINATES.read_text().splitlines() if line and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        maven = _maven(Path(folder))
        direct, transitive = maven.resolver.resolve([maven.create_dependency(coordinate) for coordinate in coordinates])
        jars = []
        for dependency in direct + transitive:
            path = dependency.artifact.resolve()
            coordinate = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
            jars.append(Jar(coordinate, path.stat().st_size, _sha256(path)))
    jars.sort(key=lambda jar: jar.coordinate)
    header = f"# Written by `python -m deploy.embedded.jars` from {COORDINATES.name}: coordinate, bytes, SHA-256.\n"
    LOCK.write_text(header + "".join(f"{jar.coordinate} {jar.size} {jar.sha256}\n" for jar in jars))
    return jars


if __name__ == "__main__":
    sys.stdout.write(f"{len(write_lock())} jars in {LOCK}\n")
