"""The metrics report the size of the image."""

from datetime import timedelta

import pytest

from tests.services.segmentation.rig import NOON, Process, Rig, clicked, contact
from tests.stack.waiting import until


@pytest.mark.asyncio
async def test_metrics_report_the_bytes_and_contacts_of_the_image(rig: Rig) -> None:
    async with rig.process(snapshot_seconds=0.2) as process:
        await rig.publish([contact(number, NOON, city="Gent") for number in range(1, 9)])
        await rig.publish([clicked(1, NOON) for _ in range(40)])
        await until(lambda: process.knows(8))
        rig.clock.now += timedelta(seconds=2)
        await until(lambda: shows(process, 'penchant_image_bytes{structure="clicks"}'))
        assert await shows(process, 'penchant_image_bytes{structure="fields"}')
        assert await shows(process, "penchant_image_contacts 8.0")


async def shows(process: Process, line: str) -> bool:
    return line in (await process.client.get("/metrics")).text
