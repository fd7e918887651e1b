"""Spans around a batch: each record continues the trace of its cause."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from shared.bus.received import Received
from shared.tracing import current_traceparent, is_tracing, span


@contextmanager
def traced(consumer: str, batch: Sequence[Received]) -> Iterator[None]:
    """Open a span for each record that has a trace; events that the handler appends for the record are its children."""
    with ExitStack() as spans:
        if is_tracing():
            for received in batch:
                if received.trace is not None:
                    name = f"{consumer} {type(received.event).__name__}"
                    spans.enter_context(span(name, parent=received.trace, kind="consumer", event_id=received.event_id))
                    received.trace = current_traceparent()
        yield
