"""Count clicks per contact and label with Quix Streams, exactly once, and publish what is new; print clicks per second.

Runs in an environment of its own (requirements.lock), and imports nothing of Penchant. No history, and no database
that SQL can ask.

    python counting.py KAFKA TOPIC TOTAL FOLDER
"""

import sys
from time import perf_counter
from typing import Any

from quixstreams import Application, State

BETWEEN_COMMITS = 5.0  # seconds: the default of Quix Streams


class Pace:
    """When the first click was seen, and how many came since."""

    def __init__(self) -> None:
        self.began = 0.0
        self.seen = 0

    def note(self, _: Any) -> None:
        self.began = self.began or perf_counter()
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
    application.run(count=int(total), timeout=120)
    sys.stdout.write(f"{pace.seen / (perf_counter() - pace.began)}\n")


if __name__ == "__main__":
    main()
