"""Accounts and their API keys."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.events.labeling import Scope


class Account(NamedTuple):
    """An account. `time_zone` is an IANA name."""

    account_id: int
    name: str
    time_zone: str
    created_at: datetime


class ApiKey(NamedTuple):
    """An API key as stored: only the hash of its text is known."""

    id: UUID
    account_id: int
    name: str
    scopes: tuple[Scope, ...]
    hash: str
    created_at: datetime
    revoked_at: datetime | None
