"""Tracing is off by default; when it is on, traces are propagated by `traceparent`."""

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


def test_tracing_is_off_by_default() -> None:
    configure_tracing("things", None)
    assert not is_tracing()
    with span("nothing", parent=PARENT, topic="x"):
        assert current_traceparent() is None


def test_a_traceparent_makes_its_span_the_parent_of_another_span(exporter: InMemorySpanExporter) -> None:
    assert is_tracing()
    with span("redirect", kind="server"):
        traceparent = current_traceparent()
    assert traceparent is not None
    with span("assign", parent=traceparent, kind="consumer", records=3), span("inner"):
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


def test_an_exception_marks_its_span_as_failed_without_its_message(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="jane"), span("fails"):
        raise ValueError("jane@example.com")
    stop_tracing()
    (failed,) = exporter.get_finished_spans()
    assert not failed.status.is_ok
    assert "jane" not in failed.to_json()


def test_a_malformed_traceparent_starts_a_new_trace(exporter: InMemorySpanExporter) -> None:
    with span("begins", parent="junk"):
        assert str(current_traceparent()).startswith("00-")
