"""Named queries: one statement per file, so that any of them is found by its name."""

from collections.abc import Iterator, Mapping
from pathlib import Path


class Queries(Mapping[str, str]):
    """The statements of a folder, by file name without `.sql`. An unknown name is a KeyError at once."""

    def __init__(self, folder: Path) -> None:
        self._texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def load_queries(folder: Path) -> Queries:
    """Reads every `*.sql` of `folder`."""
    return Queries(folder)
