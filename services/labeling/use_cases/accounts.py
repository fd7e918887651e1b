"""Create, change and delete accounts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.labeling.domain import accounts as domain
from services.labeling.domain.accounts import Account
from services.labeling.domain.errors import NotFoundError
from services.labeling.store import accounts
from services.labeling.use_cases.account_deletion import AccountDeletion
from services.labeling.use_cases.keys import ACCOUNT_SCOPES, add_key, revoke
from shared.events.labeling import AccountChanged, Brand, UtmRule
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.store import enqueue
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


class CreatedAccount(NamedTuple):
    """A new account, and the position of its last event."""

    account_id: int
    position: int | None


class WrittenAccount(NamedTuple):
    """An account that was changed, and the position of its event."""

    account: Account
    position: int | None


async def create_account(database: Database, name: str, time_zone: str, key_hash: str) -> CreatedAccount:
    """Create an account with a first key that has all scopes.

    `time_zone` is an IANA name, `key_hash` the hash of the key's text. Raises InvalidError.
    """
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        account_id = await add_account(work, name, time_zone)
        await add_key(work, account_id, "first key", ACCOUNT_SCOPES, key_hash)
    return CreatedAccount(account_id, work.position)


async def add_account(work: UnitOfWork, name: str, time_zone: str) -> int:
    """Create an account within a unit of work, without keys. Raises InvalidError."""
    account_id = await accounts.insert_account(work.connection, domain.account_name(name), time_zone)
    _append(work, await _find(work, account_id))
    return account_id


async def change_account(database: Database, account_id: int, patch: Mapping[str, Any]) -> WrittenAccount:
    """Apply a merge patch to name, time zone and settings. Raises NotFoundError, InvalidError with a pointer."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        account = domain.patched(await _find(work, account_id), patch)
        await accounts.update_account(work.connection, account)
        _append(work, account)
    return WrittenAccount(account, work.position)


async def delete_account(database: Database, account_id: int) -> WrittenAccount:
    """Delete an account: revoke its keys at once; its contacts are erased by a job. Raises NotFoundError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        account = (await _find(work, account_id))._replace(state="deleted")
        await accounts.update_account(work.connection, account)
        for key_id in await accounts.active_keys(work.connection, account_id):
            await revoke(work, account_id, key_id)
        _append(work, account)
        await enqueue(work.connection, account_id, AccountDeletion.kind, str(account_id))
    return WrittenAccount(account, work.position)


async def _find(work: UnitOfWork, account_id: int) -> Account:
    account = await accounts.account_of_id(work.connection, account_id)
    if account is None or account.state == "deleted":
        raise NotFoundError("account")
    return account


def _append(work: UnitOfWork, account: Account) -> None:
    settings = account.settings
    work.append(
        AccountChanged(
            occurred_at=work.now,
            account_id=account.account_id,
            account_name=account.name,
            time_zone=account.time_zone,
            state="deleted" if account.state == "deleted" else "active",
            brand=None if settings.brand is None else Brand(**settings.brand._asdict()),
            languages=settings.languages,
            track_unknown_consent=settings.track_unknown_consent,
            sender_domains=settings.sender_domains,
            click_domain=settings.click_domain,
            utm=None if settings.utm is None else UtmRule(**settings.utm._asdict()),
        )
    )
