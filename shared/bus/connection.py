"""How every client of Kafka is configured."""

import ssl
from typing import Any

from shared.settings import CommonSettings


def client_options(settings: CommonSettings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client: servers and security."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka,
        "security_protocol": settings.kafka_security_protocol,
        "request_timeout_ms": 20_000,
        "retry_backoff_ms": 100,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(
            cafile=None if settings.kafka_ca_file is None else str(settings.kafka_ca_file)
        )
    if settings.kafka_sasl_mechanism is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = (
            None if settings.kafka_password is None else settings.kafka_password.get_secret_value()
        )
    return options
