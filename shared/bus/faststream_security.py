"""The settings of a connection to Kafka as FastStream takes them.

This is a separate module so that code that needs only a Kafka client, such as the command line, does not import
FastStream.
"""

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.bus.connection import client_options
from shared.settings import CommonSettings


def faststream_security(settings: CommonSettings) -> BaseSecurity | None:
    """Return the security settings as FastStream's type; None for an unencrypted connection without a user."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    context = client_options(settings).get("ssl_context")
    use_ssl = context is not None
    if settings.kafka_sasl_mechanism is None:
        return BaseSecurity(ssl_context=context, use_ssl=use_ssl)
    mechanisms = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    password = "" if settings.kafka_password is None else settings.kafka_password.get_secret_value()
    return mechanisms[settings.kafka_sasl_mechanism](settings.kafka_username or "", password, context, use_ssl)
