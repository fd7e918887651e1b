"""Connections that send records unencrypted between machines are detected."""

import pytest

from shared.bus.connection import travels_in_clear
from shared.settings import CommonSettings


@pytest.mark.parametrize(
    ("kafka", "protocol", "in_clear"),
    [
        ("127.0.0.1:9092", "PLAINTEXT", False),
        ("localhost:9092,[::1]:9092", "PLAINTEXT", False),
        ("127.0.0.1:9092,kafka:9092", "PLAINTEXT", True),
        ("kafka:9092", "SASL_PLAINTEXT", True),
        ("10.0.0.1:9092", "PLAINTEXT", True),
        ("kafka:9092", "SASL_SSL", False),
    ],
)
def test_plaintext_beyond_loopback_travels_in_clear(kafka: str, protocol: str, in_clear: bool) -> None:
    settings = CommonSettings.model_validate({"kafka": kafka, "kafka_security_protocol": protocol})
    assert travels_in_clear(settings) is in_clear
