"""Makes aiokafka's clients survive a write to a connection that the event loop has closed.

aiokafka expects an OSError from such a write. uvloop raises RuntimeError ("the handler is closed"). If that happens in
the task that keeps a client's metadata current, the task ends, and nothing starts it again: after a restart of the
broker the consumer never finds its coordinator, reads nothing, and cannot even be closed.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def _send_if_open(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401 - aiokafka's
    writer = self._writer
    if writer is not None and writer.transport.is_closing():
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError("the connection was closed")
    return _send(self, request, expect_response)


def refuse_writes_to_closed_connections() -> None:
    """Make aiokafka's connections raise KafkaConnectionError, which clients retry, for a write after their end."""
    AIOKafkaConnection.send = _send_if_open
