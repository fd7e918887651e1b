"""Traces cost nothing while they are off, and are passed on by `traceparent` while they are on."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing import configure_tracing, current_traceparent, is_tracing, span, stop_tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Provide an exporter that keeps spans in memory."""
    exporter = InMemorySpanExporter()
    configure_tracing("things", None, exporter)
    yield exporter
    stop_tracing()


def test_off_is_the_default() -> None:
    configure_tracing("things", None)
    assert not is_tracing()
    with span("nothing", parent=PARENT, topic="x"):
        assert current_traceparent() is None


def test_a_span_hands_on_where_it_belongs(exporter: InMemorySpanExporter) -> None:
    assert is_tracing()
    with span("redirect", kind="server"):
        handed_on = current_traceparent()
    assert handed_on is not None
    with span("assign", parent=handed_on, kind="consumer", records=3), span("inner"):
        pass
    stop_tracing()
    redirect, inner, assign = exporter.get_finished_spans()
    assert redirect.context is not None
    assert assign.context is not None
    assert assign.parent is not None
    assert inner.parent is not None
    assert assign.parent.span_id == redirect.context.span_id
    assert inner.parent.span_id == assign.context.span_id
    assert assign.attributes == {"records": 3}


def test_a_failure_marks_its_span_without_quoting_values(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="jane"), span("fails"):
        raise ValueError("jane@example.com")
    stop_tracing()
    (failed,) = exporter.get_finished_spans()
    assert not failed.status.is_ok
    assert "jane" not in failed.to_json()


def test_a_malformed_parent_starts_a_trace_of_its_own(exporter: InMemorySpanExporter) -> None:
    with span("begins", parent="junk"):
        assert str(current_traceparent()).startswith("00-")
