"""How every client of Kafka is configured."""

import ssl
from ipaddress import ip_address
from typing import Any

from shared.bus.closed_transport import refuse_writes_to_closed_connections
from shared.settings import CommonSettings

refuse_writes_to_closed_connections()


def client_options(settings: CommonSettings) -> dict[str, Any]:
    """Return the keyword arguments for any aiokafka client: servers, security and time-outs."""
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


def travels_in_clear(settings: CommonSettings) -> bool:
    """Return whether records would leave this machine without encryption."""
    hosts = [server.rpartition(":")[0].strip("[] ") for server in settings.kafka.split(",")]
    return settings.kafka_security_protocol.endswith("PLAINTEXT") and not all(map(is_loopback, hosts))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, judging by its name only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
