"""Logs are JSON lines without personal data."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shared.logs import configure_logging, redacted


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Provide the log output."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("things", "info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_structlog_and_standard_logging_redact_addresses_keys_and_passwords(stream: io.StringIO) -> None:
    structlog.get_logger().info("seen", who="jane@example.com", more={"list": ["pk_0123456789abcdef"]}, count=3)
    logging.getLogger("library").warning("cannot reach %s", "postgresql://things:hush@db:5432/things")
    structlog.get_logger().debug("not shown")
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["event"], first["level"], first["service"], first["count"]) == ("seen", "info", "things", 3)
    assert (first["who"], first["more"]) == ("<address>", {"list": ["<key>"]})
    assert second["event"] == "cannot reach postgresql://things:<password>@db:5432/things"
    assert second["logger"] == "library"


def test_an_exception_is_logged_with_its_type_first_line_and_frames(stream: io.StringIO) -> None:
    try:
        raise ValueError("Key (email)=(jane@example.com) already exists.\nDETAIL: more of it")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert line["error"] == "ValueError: Key (email)=(<address>) already exists."
    assert "test_logs.py" in line["frames"][-1]


def test_values_that_json_cannot_represent_are_logged(stream: io.StringIO) -> None:
    structlog.get_logger().info("odd", surrogate="\ud800", large=2**70, thing=object())
    assert json.loads(stream.getvalue())["large"] == 2**70


@given(st.emails())
def test_addresses_are_redacted(address: str) -> None:
    assert "@" not in redacted(f"to <{address}> now")
