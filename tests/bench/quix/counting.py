"""Counts clicks per contact and label with Quix Streams, exactly once, and publishes new labels.

Prints clicks per second. It runs in an environment of its own (requirements.lock), and imports nothing of Penchant. It
keeps no history, and no database that SQL can query.

    python counting.py KAFKA TOPIC TOTAL FOLDER
"""

import sys
from time import perf_counter
from typing import Any

from quixstreams import Application, State

BETWEEN_COMMITS = 5.0  # seconds: the default of Quix Streams
IDLE = 5.0  # seconds without a click, after which counting ends


class ClickTimes:
    """The times of the first and the last click, and the number of clicks."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0
        self.seen = 0

    def record(self, _: Any) -> None:
        self.ended = perf_counter()
        self.began = self.began or self.ended
        self.seen += 1


def count(click: dict[str, Any], state: State) -> list[dict[str, Any]]:
    """Count a click for each of its labels; return the labels that the contact has not had before."""
    new = []
    for label in click["labels"]:
        clicks = state.get(label["id"], 0) + 1
        state.set(label["id"], clicks)
        if clicks == 1:
            new.append({"contact_id": click["contact_id"], "label_id": label["id"], "click_id": click["click_id"]})
    return new


def main() -> None:
    kafka, topic, total, folder = sys.argv[1:]
    application = Application(
        broker_address=kafka,
        consumer_group=f"{topic}.quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=folder,
        commit_interval=BETWEEN_COMMITS,
        loglevel="WARNING",
    )
    times = ClickTimes()
    clicks = application.dataframe(application.topic(topic, value_deserializer="json"))
    clicks = clicks.update(times.record)
    new = clicks.apply(count, stateful=True, expand=True)
    new.to_topic(application.topic(f"{topic}.quix-labels", value_serializer="json"))
    # The run ends after a timeout, not after a number of records; this wait is not measured.
    application.run(timeout=IDLE)
    if times.seen != int(total):
        sys.exit(f"{times.seen} of {total} clicks came within {IDLE} s of each other")
    sys.stdout.write(f"{times.seen / (times.ended - times.began)}\n")


if __name__ == "__main__":
    main()
