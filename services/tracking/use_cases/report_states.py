"""Finds the states of reports that were sent over HTTP."""

from collections.abc import Sequence
from typing import Literal

from asyncpg.pool import PoolConnectionProxy

from services.tracking.store.clicks import held_among, recorded_among
from shared.events.dedupe import dedupe_key
from shared.events.intake import ClickReported

ReportState = Literal["recorded", "waiting", "unknown"]


async def states_of_reports(
    connection: PoolConnectionProxy, account_id: int, source: str, ids: Sequence[str]
) -> list[ReportState]:
    """Return the states of an account's reports from a source, by id.

    `waiting`: the contact or message is not known yet. `unknown`: the report has not been read yet, is a dead letter,
    or was dropped on purpose (test sends, contacts who refuse tracking).
    """
    keys = [dedupe_key(report_id) for report_id in ids]
    recorded = await recorded_among(connection, account_id, source, keys)
    not_recorded = [report_id for report_id, key in zip(ids, keys, strict=True) if key not in recorded]
    held = (
        await held_among(connection, ClickReported.topic, f"{account_id}:".encode(), not_recorded)
        if not_recorded
        else set()
    )
    return [
        "recorded" if key in recorded else "waiting" if report_id in held else "unknown"
        for report_id, key in zip(ids, keys, strict=True)
    ]
