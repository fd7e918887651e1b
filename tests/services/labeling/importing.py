"""Imports of files into a shop's account, as the API starts them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from services.labeling.store.imports import Import, import_of_id
from services.labeling.use_cases.imports import check_import, start_import
from services.labeling.use_cases.uploads import Limits, upload
from tests.services.labeling.shop import Shop

SUBSCRIBED = {"subscription": {"set": "subscribed", "basis": "They signed up at the fair."}}


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


async def uploaded(shop: Shop, content: bytes, filename: str = "people.csv", limits: Limits | None = None) -> Import:
    return await upload(shop.database, shop.account_id, UUID(int=1), filename, pieces(content), limits or Limits())


async def checked(shop: Shop, an_import: Import, mapping: Mapping[int, Any] | None = None, **options: Any) -> Import:
    await check_import(shop.database, shop.account_id, an_import.id, mapping or {}, {**SUBSCRIBED, **options}, {})
    await shop.run_jobs()
    return await latest(shop, an_import)


async def imported(shop: Shop, content: bytes, mapping: Mapping[int, Any] | None = None, **options: Any) -> Import:
    found = await checked(shop, await uploaded(shop, content), mapping, **options)
    assert found.state == "checked", found.failure
    await start_import(shop.database, shop.account_id, found.id)
    await shop.run_jobs()
    return await latest(shop, found)


async def latest(shop: Shop, an_import: Import) -> Import:
    found = await import_of_id(shop.database.pool, shop.account_id, an_import.id)
    assert found is not None
    return found


async def contact_of(shop: Shop, email: str) -> dict[str, Any]:
    row = await shop.database.pool.fetchrow(
        "SELECT * FROM contacts WHERE account_id = $1 AND email_key = $2", shop.account_id, email
    )
    assert row is not None, email
    return dict(row)
