"""The sequence of a record: the position that its writer gave it, which only rises within a topic's partition."""

from shared.events.codec import Headers

# A thousand events a second for thirty years. A record that jumps further was not written by the topic's owner; taking
# it would make everything that follows look like a repetition.
LARGEST_JUMP = 10**12


def sequence_of(headers: Headers) -> int:
    """Return `ce_sequence`, or 0 if there is none that can be read (decoding the record says so later)."""
    try:
        return int(headers["ce_sequence"] or b"")
    except (KeyError, TypeError, ValueError):
        return 0


def is_forged(sequence: int, last: int) -> bool:
    """Return whether a sequence is too far beyond the last one to come from the topic's writer."""
    return sequence - last > LARGEST_JUMP
