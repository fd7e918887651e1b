"""Builds the record on `intake.clicks` for a click on a tracked link."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from typing import NamedTuple

import orjson
from uuid_utils import uuid7

from shared.events.codec import Header
from shared.events.intake import HEADERS_KEPT, ClickReported
from shared.http.raw import RawRequest
from shared.tokens import TokenContents
from shared.tracing import current_traceparent, is_tracing, span

TOPIC = ClickReported.topic
_LONGEST_USER_AGENT = 2048
_LONGEST_HEADER = 1000
_KEPT = {name.encode(): name for name in HEADERS_KEPT}
_SPECVERSION = ("ce_specversion", b"1.0")
_SOURCE = ("ce_source", b"/tracking/redirect")
_TYPE = ("ce_type", f"penchant.{ClickReported.name}.v{ClickReported.version}".encode())
_CONTENT_TYPE = ("content-type", b"application/json")


class Click(NamedTuple):
    """A click's id, its time (RFC 3339), its trace (empty if none), and its report as JSON."""

    id: bytes
    time: bytes
    trace: bytes
    value: bytes

    def headers(self) -> Sequence[Header]:
        """Return the CloudEvents headers of its record."""
        headers = [_SPECVERSION, ("ce_id", self.id), _SOURCE, _TYPE, ("ce_time", self.time), _CONTENT_TYPE]
        if self.trace:
            headers.append(("traceparent", self.trace))
        return headers


def click_of(request: RawRequest, recipient: TokenContents, link_id: str) -> Click:
    """Return the click for a request of a tracked link."""
    time = _now()
    report = {
        "account_id": recipient.account_id,
        "contact_id": recipient.contact_id,
        "message_id": recipient.message_id,
        "link_id": link_id,
        "occurred_at": time,
        "method": request.method,
    }
    if recipient.send is not None:
        kind, send_id, sent_at = recipient.send.kind, recipient.send.id, recipient.send.sent_at
        report["send"] = {"kind": kind, "id": send_id, "sent_at": sent_at}
    if request.client:
        report["ip"] = request.client[:64]
    if request.http_version:
        report["http_version"] = request.http_version
    headers = {}
    for name, value in request.headers:
        if name == b"user-agent":
            report["user_agent"] = _text(value, _LONGEST_USER_AGENT)
        elif (known := _KEPT.get(name)) is not None:
            headers[known] = _text(value, _LONGEST_HEADER)
    if headers:
        report["headers"] = headers
    trace = b""
    if is_tracing():
        with span("redirect", parent=request.header(b"traceparent"), kind="producer"):
            trace = (current_traceparent() or "").encode()
    return Click(str(uuid7()).encode(), time.encode(), trace, orjson.dumps(report))


def _now() -> str:
    nanoseconds = time_ns()
    return f"{_second(nanoseconds // 1_000_000_000)}.{nanoseconds // 1000 % 1_000_000:06}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _text(value: bytes, longest: int) -> str:
    return value[:longest].decode("latin-1").replace("\0", "")
