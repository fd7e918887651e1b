"""Count clicks per contact and label with Quix Streams, exactly once, and publish new labels; print clicks per second.

Runs in an environment of its own (requirements.lock), and imports nothing of Penchant. It keeps no history, and no
database that SQL can query.

    python counting.py KAFKA TOPIC TOTAL FOLDER
"""

import sys
from time import perf_counter
from typing import Any

from quixstreams import Application, State

BETWEEN_COMMITS = 5.0  # seconds: the default of Quix Streams
IDLE = 5.0  # seconds without a click, after which counting ends


class Pace:
    """When the first and the last click were seen, and how many there were."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0
        self.seen = 0

    def note(self, _: Any) -> None:
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
    pace = Pace()
    clicks = application.dataframe(application.topic(topic, value_deserializer="json"))
    clicks = clicks.update(pace.note)
    new = clicks.apply(count, stateful=True, expand=True)
    new.to_topic(application.topic(f"{topic}.quix-labels", value_serializer="json"))
    # Its own count of records does not end the run, so the wait for a further one must not be measured.
    application.run(timeout=IDLE)
    if pace.seen != int(total):
        sys.exit(f"{pace.seen} of {total} clicks came within {IDLE} s of each other")
    sys.stdout.write(f"{pace.seen / (pace.ended - pace.began)}\n")


if __name__ == "__main__":
    main()
