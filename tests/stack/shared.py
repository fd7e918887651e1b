"""Servers that already run, for tests that need not start their own. Tests cannot stop them."""

from dataclasses import dataclass

from tests.stack.databases import DatabaseServer
from tests.stack.nodes import delete_topics


@dataclass(frozen=True, slots=True)
class SharedKafka:
    bootstrap: str

    def delete_topics(self, prefix: str) -> None:
        delete_topics(self.bootstrap, prefix)


class SharedPostgres(DatabaseServer):
    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn

    @property
    def dsn(self) -> str:
        return self._dsn
