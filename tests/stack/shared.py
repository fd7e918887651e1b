"""Servers that run already, for tests that start none. They cannot be stopped."""

from dataclasses import dataclass

from tests.stack.nodes import create_database, delete_topics, execute


@dataclass(frozen=True, slots=True)
class SharedKafka:
    bootstrap: str

    def delete_topics(self, prefix: str) -> None:
        delete_topics(self.bootstrap, prefix)


@dataclass(frozen=True, slots=True)
class SharedPostgres:
    dsn: str

    def create_database(self, name: str) -> str:
        return create_database(self.dsn, name)

    def drop_database(self, name: str) -> None:
        execute(self.dsn, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
