"""Events as Kafka records and back: CloudEvents 1.0, binary content mode.

Decoding is the hot path: msgspec converts the bytes to the event, and nothing is checked twice. Only a record that
msgspec refuses, or that is not in the newest version, is checked header by header and decoded by pydantic, whose errors
say what is wrong.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import MsgspecError, json
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from shared.events.registry import EVENTS, Registry
from shared.events.topics import TOPICS
from shared.events.undecodable import Undecodable, wrong_value

Header = tuple[str, bytes]
Headers = Mapping[str, bytes | None]

INTAKE_BYTES = 64 * 1024  # an engagement may carry 16 kB of data, a click a long URL and a long user agent
EVENT_BYTES = 1_000_000  # the default limit of a broker, minus its framing
IDENTITY_BYTES = 500  # of `ce_id` and `ce_source` in intake records

_SPECVERSION: Header = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Header = ("content-type", b"application/json")
_TYPE = re.compile(r"penchant\.([A-Za-z]+)\.v([1-9][0-9]{0,8})")
_INTAKE_TOPICS = frozenset(topic.name for topic in TOPICS.values() if topic.kind == "intake")
_COMPACTED_TOPICS = frozenset(topic.name for topic in TOPICS.values() if topic.compacted)


class Tombstone(NamedTuple):
    """A null value on a compacted topic: the thing named by `key` was erased."""

    key: str


class Decoded(NamedTuple):
    """A decoded record.

    `event` is a model of `shared.events`, an intake report, or a Tombstone. `event_id` and `source` are the headers
    `ce_id` and `ce_source`, unchanged. Records of intake topics have no `sequence` and an empty `after`; `occurred_at`
    is in UTC.
    """

    event: Any
    event_id: str
    source: str
    occurred_at: datetime
    sequence: int | None
    after: Mapping[str, int]
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None


def rfc3339(instant: datetime) -> str:
    """Return the instant in UTC, to the microsecond, ending in `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def headers_of(
    event_type: str,
    event_id: UUID | str,
    source: str,
    occurred_at: datetime,
    sequence: int | None,
    after: Mapping[str, int],
    correlation_id: str | None,
    causation_id: str | None,
    traceparent: str | None,
) -> list[Header]:
    """Return the headers of a record, in the order in which they are documented. Those that are None are omitted."""
    headers: list[Header] = [
        _SPECVERSION,
        ("ce_id", str(event_id).encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
        ("ce_time", rfc3339(occurred_at).encode()),
    ]
    if sequence is not None:
        headers.append(("ce_sequence", b"%020d" % sequence))
    if after:
        headers.append(("ce_after", after_text(after)))
    if correlation_id is not None:
        headers.append(("ce_correlationid", correlation_id.encode()))
    if causation_id is not None:
        headers.append(("ce_causationid", causation_id.encode()))
    headers.append(_CONTENT_TYPE)
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers


def body_of(event: Any) -> bytes:  # noqa: ANN401 - a model of any event or report
    """Return the value of a record: the event as JSON."""
    body: bytes = event.__pydantic_serializer__.to_json(event)
    return body


def after_text(after: Mapping[str, int]) -> bytes:
    """Return the header `ce_after`: `topic=sequence,…`, sorted by topic."""
    return ",".join(f"{topic}={after[topic]}" for topic in sorted(after)).encode()


@lru_cache(maxsize=4096)  # the records of one unit of work share the same text
def after_of(text: bytes | None) -> Mapping[str, int]:
    """Parse the text of `after_text`; None gives an empty result. Do not modify the result: it is shared. Raises
    ValueError."""
    if text is None:
        return {}
    parts = (part.partition("=") for part in text.decode().split(","))
    return {topic: int(sequence) for topic, _, sequence in parts}


class Decoder:
    """Reads records by the models and upcasters of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._newest: dict[str, dict[bytes | None, Callable[..., Any]]] = {}
        for model in registry.carried():
            if model.topic not in _INTAKE_TOPICS:
                by_type = self._newest.setdefault(model.topic, {})
                by_type[f"penchant.{model.name}.v{model.version}".encode()] = json.Decoder(model).decode

    def decode(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> Decoded:
        """Read a record of one of our topics or of an intake topic. If a header is repeated, the last one counts.

        Raises:
            Undecodable: with the reason; it names the header, or the place in the value.
        """
        if topic in _INTAKE_TOPICS:
            return self._decode_with_checks(topic, key, value, headers)
        try:
            event_id, source = headers["ce_id"], headers["ce_source"]
            if headers["ce_specversion"] != b"1.0" or not event_id or not source:
                return self._decode_with_checks(topic, key, value, headers)
            event = self._newest[topic][headers["ce_type"]](value)
            if event.occurred_at.tzinfo is not UTC:  # written by another program
                return self._decode_with_checks(topic, key, value, headers)
            correlation = headers.get("ce_correlationid")
            causation = headers.get("ce_causationid")
            trace = headers.get("traceparent")
            return Decoded(
                event,
                event_id.decode(),
                source.decode(),
                event.occurred_at,
                int(headers["ce_sequence"]),  # type: ignore[arg-type] # None: see the except clause
                after_of(headers.get("ce_after")),
                None if correlation is None else correlation.decode(),
                None if causation is None else causation.decode(),
                None if trace is None else trace.decode(),
            )
        except (KeyError, ValueError, TypeError, AttributeError, MsgspecError):
            # Find out what is wrong, or decode an older version.
            return self._decode_with_checks(topic, key, value, headers)

    def read(self, topic: str, event_type: str, value: bytes) -> Any:  # noqa: ANN401 - the model of any event
        """Read the JSON of an event whose type is known, of this version or an older one.

        Raises:
            Undecodable: with the reason.
        """
        name, version = _name_and_version(event_type)
        model = self._registry.model_on(topic, name)
        if model is None:
            raise Undecodable("unknown_type", f"{event_type} on {topic}")
        if version > model.version:
            raise Undecodable(
                "newer_version", f"{event_type}, but this program can only read up to version {model.version}"
            )
        steps = self._registry.steps(name, version)
        if steps is None:
            raise Undecodable("unknown_version", f"{event_type} is older than the versions that this program can read")
        try:
            # strict, like the JSON Schemas: "1" is not 1
            if not steps:
                return model.__pydantic_validator__.validate_json(value, strict=True)
            body = _json_object(value)
            for step in steps:
                body = step(body)
            return model.__pydantic_validator__.validate_json(to_json(body), strict=True)
        except ValidationError as error:
            raise wrong_value(error) from None

    def _decode_with_checks(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> Decoded:
        intake = topic in _INTAKE_TOPICS
        if value is None and topic not in _COMPACTED_TOPICS:
            raise Undecodable("null_value", "the record has no value")
        if value is not None and len(value) > (INTAKE_BYTES if intake else EVENT_BYTES):
            raise Undecodable("too_large", f"{len(value)} bytes")
        if _required(headers, "ce_specversion") != "1.0":
            raise Undecodable("header", "ce_specversion is not 1.0")
        event_type = _required(headers, "ce_type") if value is not None else ""
        event_id, source = _required(headers, "ce_id"), _required(headers, "ce_source")
        if intake:
            _check_identity("ce_id", event_id)
            _check_identity("ce_source", source)
        event: Any = _tombstone(key) if value is None else self.read(topic, event_type, value)
        return Decoded(
            event,
            event_id,
            source,
            _time(headers) if value is None else event.occurred_at,
            None if intake else _sequence(_required(headers, "ce_sequence")),
            {} if intake else _after(headers.get("ce_after")),
            _text(headers, "ce_correlationid"),
            _text(headers, "ce_causationid"),
            _text(headers, "traceparent"),
        )


decode = Decoder(EVENTS).decode


def _text(headers: Headers, name: str) -> str | None:
    raw = headers.get(name)
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        raise Undecodable("header", f"{name} is not UTF-8") from None


def _required(headers: Headers, name: str) -> str:
    text = _text(headers, name)
    if not text:
        raise Undecodable("header", f"{name} is missing")
    return text


def _check_identity(name: str, text: str) -> None:
    # Both become parts of a database key; PostgreSQL cannot store NUL in a text.
    if len(text.encode()) > IDENTITY_BYTES or "\x00" in text:
        raise Undecodable("header", f"{name} is longer than {IDENTITY_BYTES} bytes, or contains a NUL character")


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Undecodable("header", "ce_sequence is not a number")
    return int(text)


def _after(text: bytes | None) -> Mapping[str, int]:
    try:
        return after_of(text)
    except ValueError:
        raise Undecodable("header", "ce_after is not topic=sequence,…") from None


def _time(headers: Headers) -> datetime:
    try:
        instant = datetime.fromisoformat(_required(headers, "ce_time"))
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Undecodable("header", "ce_time is not a time") from None


def _tombstone(key: bytes | None) -> Tombstone:
    try:
        return Tombstone((key or b"").decode())
    except UnicodeDecodeError:
        raise Undecodable("null_value", "the key of a tombstone is not UTF-8") from None


def _name_and_version(event_type: str) -> tuple[str, int]:
    match = _TYPE.fullmatch(event_type)
    if match is None:
        raise Undecodable("unknown_type", event_type[:200])
    return match[1], int(match[2])


def _json_object(value: bytes) -> dict[str, Any]:
    try:
        body = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise Undecodable("not_json", f"Invalid JSON: {error}") from None
    if not isinstance(body, dict):
        raise Undecodable("wrong_value", "value: Input should be an object")
    return body
