"""The sequence of a record: its position in the writer's event table, which only increases within a partition."""

from shared.events.codec import Headers

# A thousand events a second for thirty years. A record that jumps further was not written by the topic's owner;
# accepting it would make all later records look like duplicates.
LARGEST_JUMP = 10**12


def sequence_of(headers: Headers) -> int:
    """Return `ce_sequence`, or 0 if it is missing or malformed (decoding the record reports that later)."""
    try:
        return int(headers["ce_sequence"] or b"")
    except (KeyError, TypeError, ValueError):
        return 0


def is_forged(sequence: int, last: int) -> bool:
    """Return whether a sequence is too far above the last one to come from the topic's writer."""
    return sequence - last > LARGEST_JUMP
