import pytest
from tests.shared.bus.test_letters import *
@pytest.mark.asyncio
async def test_x(settings):
    await bury(settings, 1)
    f=Follower(settings, from_beginning=module.DEAD_TOPICS)
    async with f:
        print(f._partitions, await f._consumer.end_offsets(f._partitions), await f._consumer.beginning_offsets(f._partitions), [await f._consumer.position(p) for p in f._partitions])
        print(await f.next(2))
        print([await f._consumer.position(p) for p in f._partitions])
    assert 0
