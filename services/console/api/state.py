"""The parts that all pages of a process share."""

from dataclasses import dataclass

from fastapi import Request

from services.console.apis.client import Platform
from services.console.settings import ConsoleSettings
from services.console.use_cases.vault import Vault
from shared.store.database import Database


@dataclass(frozen=True, slots=True)
class Console:
    """The console's own parts: settings, database, connections to the APIs, and the vault of keys."""

    settings: ConsoleSettings
    database: Database
    platform: Platform
    vault: Vault


def console_of(request: Request) -> Console:
    """Return the parts of the application that answers `request`."""
    console: Console = request.app.state.console
    return console
