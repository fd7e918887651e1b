"""OpenTelemetry traces, off unless an OTLP endpoint is set; while off, its SDK is not even imported.

A trace follows one click from the redirect to the workflow: `current_traceparent()` goes into an event's row and from
there into the record's `traceparent` header (W3C), and the handler of the record opens `span(…, parent=…)`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

Attribute = str | int | float | bool
Kind = Literal["internal", "server", "producer", "consumer"]

_OFF = nullcontext()
_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def configure_tracing(service: str, endpoint: str | None, exporter: "SpanExporter | None" = None) -> None:
    """Switch tracing on if there is an `endpoint` (base URL of an OTLP/HTTP collector) or an `exporter`."""
    global _provider, _tracer  # one per process, as logging is
    if endpoint is None and exporter is None:
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{str(endpoint).rstrip('/')}/v1/traces")
    _provider = TracerProvider(resource=Resource.create({"service.name": f"penchant-{service}"}))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("penchant")


def stop_tracing() -> None:
    """Send the remaining spans and switch tracing off; blocks for at most a few seconds."""
    global _provider, _tracer
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


def is_tracing() -> bool:
    """Return whether spans are recorded."""
    return _tracer is not None


def current_traceparent() -> str | None:
    """Return the W3C `traceparent` of the current span; None outside spans or while tracing is off."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def span(
    name: str, *, parent: str | None = None, kind: Kind = "internal", **attributes: Attribute
) -> AbstractContextManager[None]:
    """Return a span around a block; a child of `parent` (a `traceparent`) if given, else of the current span.

    Attributes contain ids and sizes, never personal data. An exception that leaves the block marks the span.
    """
    return _OFF if _tracer is None else _span(_tracer, name, parent, kind, attributes)


@contextmanager
def _span(
    tracer: "Tracer", name: str, parent: str | None, kind: Kind, attributes: dict[str, Attribute]
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        record_exception=False,  # the message of an exception may quote a value
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_status(StatusCode.ERROR, type(error).__name__)
            raise
