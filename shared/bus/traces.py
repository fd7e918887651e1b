"""Spans around a batch: each record goes on with the trace that its cause began."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from shared.bus.received import Received
from shared.tracing import current_traceparent, is_tracing, span


@contextmanager
def traced(consumer: str, batch: Sequence[Received]) -> Iterator[None]:
    """Provide a span per record that has a trace; what the handler appends because of the record becomes its child."""
    with ExitStack() as spans:
        if is_tracing():
            for received in batch:
                if received.trace is not None:
                    name = f"{consumer} {type(received.event).__name__}"
                    spans.enter_context(span(name, parent=received.trace, kind="consumer", event_id=received.event_id))
                    received.trace = current_traceparent()
        yield
