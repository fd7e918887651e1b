"""Structured logs: one JSON object per line on standard output, without secrets and personal data.

Get a logger with `structlog.get_logger()` and log a stable event name with named values: `log.info("segment counted",
segment_id=…, took_ms=…)`. The correlation id is added here. As a last safeguard, texts that look like e-mail addresses
are replaced, also in messages of exceptions, which often quote values.
"""

import json
import logging
import re
import sys
import traceback
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from shared.correlation import correlation_id

_EMAIL = re.compile(r"[^\s@<>()\[\]\",;:]+(?:@|%40)[^\s@<>()\[\]\"',;:&]+")
_DSN_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]*(?=@)")
_API_KEY = re.compile(r"\bpk_[A-Za-z0-9_-]{8,}")
# These libraries log each retry, poll or request; the relevant ones are logged by our own code.
_NOISY = {"aiokafka": logging.WARNING, "asyncio": logging.WARNING, "uvicorn": logging.ERROR, "httpx": logging.WARNING}


def configure_logging(service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (standard output) as JSON lines."""
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_context(service),
        _render_exception,
        _redact,
    ]
    threshold = logging.getLevelName(level.upper())
    output = stream or sys.stdout
    structlog.configure(
        processors=[*common, structlog.processors.JSONRenderer(serializer=_to_json)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_to_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name, minimum in _NOISY.items():
        logging.getLogger(name).setLevel(max(minimum, threshold))
    logging.captureWarnings(capture=True)


def _to_json(event: EventDict, **_: object) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # for lone surrogates and integers beyond 64 bits: slower, but the line is not lost
        return json.dumps(event, default=str)


def _add_context(service: str) -> Processor:
    def add(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        event["service"] = service
        correlation = correlation_id.get()
        if correlation is not None:
            event.setdefault("correlation_id", str(correlation))
        return event

    return add


def _render_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    exc_info = event.pop("exc_info", None)
    error = _error_of(exc_info)
    if error is not None:
        event["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return event


def _error_of(exc_info: ExcInfo | BaseException | bool | None) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None


def redacted(text: str) -> str:
    """Return `text` without e-mail addresses, API keys and passwords of DSNs."""
    if "pk_" in text:
        text = _API_KEY.sub("<key>", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("<address>", _DSN_PASSWORD.sub(r"\1:<password>", text))
    return text


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        event[name] = _redacted_value(value)
    return event


def _redacted_value(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted_value(item) for item in value]
    if isinstance(value, BaseException):
        return redacted(f"{type(value).__name__}: {value}")
    return value
