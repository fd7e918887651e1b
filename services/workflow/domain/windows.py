"""Local times of an account: the next occurrence of a time, and windows of a week.

A change of summer time skips some local times and repeats others. A skipped time means the moment of the change; a
repeated time occurs twice.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)


def next_local_time(at: time, after: datetime, zone: tzinfo) -> datetime:
    """Return the first moment after `after` with the local time `at` in `zone`, in UTC."""
    first = after.astimezone(zone).date() - DAY
    moments = (moment for ahead in range(4) for moment in moments_of(first + ahead * DAY, at, zone))
    return min(moment for moment in moments if moment > after)


def first_in_window(
    after: datetime, weekdays: Sequence[str], begins: time, ends: time | None, zone: tzinfo
) -> datetime:
    """Return the first moment at or after `after` in one of the windows, in UTC.

    A window begins on each of `weekdays` (every day if there are none) at `begins`, and ends at the next `ends`, or
    with the day if that is None. The end is exclusive.
    """
    first = after.astimezone(zone).date() - DAY
    starts = [max(begin, after) for begin, end in _windows(first, weekdays, begins, ends, zone) if end > after]
    return min(starts).astimezone(UTC)


def moments_of(day: date, at: time, zone: tzinfo) -> list[datetime]:
    """Return the moments with the local time `at` on that day, in UTC: one, or two in a repeated hour."""
    earlier, later = (datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    if earlier <= later:
        return [earlier] if earlier == later else [earlier, later]
    # The clock skips this time: the change is between the two readings.
    return [_change_between(later, earlier, zone)]


def _windows(
    first: date, weekdays: Sequence[str], begins: time, ends: time | None, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    for ahead in range(10):
        day = first + ahead * DAY
        if weekdays and WEEKDAYS[day.weekday()] not in weekdays:
            continue
        begin = moments_of(day, begins, zone)[0]
        last_day = day if ends is not None and ends > begins else day + DAY
        end = moments_of(last_day, ends or time(0), zone)[-1]
        if begin < end:
            yield begin, end


def _change_between(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Return the moment between two at which the offset of `zone` changes, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
