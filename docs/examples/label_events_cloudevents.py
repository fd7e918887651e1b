"""Follows label events with the CloudEvents SDK and none of Penchant's code.

Penchant's records are CloudEvents 1.0 in Kafka's binary content mode, so any SDK reads them; this is the one for
Python (`pip install cloudevents aiokafka`).

    PENCHANT_KAFKA=… python docs/examples/label_events_cloudevents.py
"""

import asyncio
import os
import signal
from typing import Any

from aiokafka import AIOKafkaConsumer
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event


async def main() -> None:
    """Print a line for each event until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    consumer = AIOKafkaConsumer(
        f"{os.environ.get('PENCHANT_TOPIC_PREFIX', '')}labeling.labels",
        bootstrap_servers=os.environ["PENCHANT_KAFKA"],
        auto_offset_reset="earliest",
    )
    async with consumer:
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    event = from_binary_event(KafkaMessage(dict(record.headers), record.key, record.value))
                    data: Any = event.get_data()
                    cause = event.get_extension("causationid")
                    print(
                        f"{event.get_time():%H:%M:%S} {event.get_type()} from {event.get_source()}: "
                        f"contact {data['contact_id']}, {data['label_name']}, because of {cause}",
                        flush=True,
                    )


if __name__ == "__main__":
    asyncio.run(main())
