"""Writes spreadsheets in a separate process."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.labeling.store.files import PIECE, FileWriter, stream_file
from shared.jobs.job import JobFailed
from shared.store.database import Database


async def write_spreadsheet(
    database: Database, account_id: int, file_id: UUID, filename: str, media_type: str, number_columns: Sequence[int]
) -> FileWriter:
    """Convert a file of delimited text to a spreadsheet; return the writer of the complete file. Raises JobFailed.

    `number_columns` are the indexes of the columns with numbers.
    """
    writer = await FileWriter.open(database.pool, account_id, filename, media_type, datetime.now(UTC))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.labeling.use_cases.spreadsheet_writer",
        *map(str, number_columns),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        feeding = asyncio.create_task(_feed(database, file_id, process))
        assert process.stdout is not None
        while content := await process.stdout.read(PIECE):
            await writer.write(content)
        await feeding
        code = await process.wait()
        await writer.close()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.shield(writer.discard())
        raise
    if code != 0:
        await writer.discard()
        raise JobFailed("The spreadsheet cannot be written. Export as CSV.")
    return writer


async def _feed(database: Database, file_id: UUID, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    async for piece in stream_file(database.pool, file_id):
        process.stdin.write(piece)
        await process.stdin.drain()
    process.stdin.close()
