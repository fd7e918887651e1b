"""One trace spans all steps from the redirect to the last consumer, by headers of Kafka records."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing import configure_tracing, stop_tracing
from tests.shared.bus.rig import Counting, Rig, clicked
from tests.stack.waiting import until

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.asyncio
async def test_events_caused_by_a_click_continue_its_trace(rig: Rig) -> None:
    exporter = InMemorySpanExporter()
    configure_tracing("labeling", None, exporter)
    try:
        await rig.publish([clicked(1)], traceparent=TRACE.decode())
        async with rig.relay(), rig.worker(Counting()):
            await until(lambda: rig.has_counted(1))
            await until(lambda: rig.all_published())
    finally:
        stop_tracing()
    [record] = await rig.read("labeling.labels")
    carried = dict(record.headers)["traceparent"]
    assert carried.split(b"-")[1] == TRACE.split(b"-")[1]
    assert carried != TRACE
    [span] = exporter.get_finished_spans()
    assert span.name == "counting ContactClicked"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
