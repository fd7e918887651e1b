"""Times of the account's day, compared with a clock that is read minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.domain.windows import WEEKDAYS, first_in_window, moments_of, next_local_time

BRUSSELS = ZoneInfo("Europe/Brussels")
MINUTE = timedelta(minutes=1)

ZONES = st.sampled_from([BRUSSELS, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
# Around both clock changes of 2026 in each of these zones.
CHANGES = [
    datetime(2026, 3, 29),
    datetime(2026, 10, 25),
    datetime(2026, 3, 8),
    datetime(2026, 11, 1),
    datetime(2026, 4, 5),
]
MOMENTS = st.builds(
    lambda day, minutes: datetime.combine(day, time(0), UTC) + minutes * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-2 * 1440, 2 * 1440),
)


def naive_next(at: time, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first minute after `after` at which the clock shows `at`, or has jumped over it."""
    moment = after.replace(second=0, microsecond=0)
    shown = moment.astimezone(zone)
    while True:
        moment += MINUTE
        before, shown = shown, moment.astimezone(zone)
        if (shown.hour, shown.minute) == (at.hour, at.minute):
            return moment
        jumped = shown.utcoffset() != before.utcoffset() and before.time() < at < shown.time()
        if jumped:
            return moment


@given(TIMES, MOMENTS, ZONES)
@settings(max_examples=60, deadline=None)
def test_the_next_local_time_equals_that_of_a_clock_read_every_minute(
    at: time, after: datetime, zone: ZoneInfo
) -> None:
    assert next_local_time(at, after, zone) == naive_next(at, after, zone)


def test_a_repeated_hour_has_two_moments() -> None:
    first = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    assert moments_of(date(2026, 10, 25), time(2, 45), BRUSSELS) == [first, first + timedelta(hours=1)]
    assert next_local_time(time(2, 45), first + 5 * MINUTE, BRUSSELS) == first + timedelta(hours=1)
    assert next_local_time(time(2, 45), first - 5 * MINUTE, BRUSSELS) == first


def test_a_skipped_local_time_is_the_moment_of_the_clock_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert next_local_time(time(2, 30), change - timedelta(hours=1), BRUSSELS) == change


def naive_inside(moment: datetime, weekdays: tuple[str, ...], begins: time, ends: time | None, zone: ZoneInfo) -> bool:
    local = moment.astimezone(zone)
    now, today = local.time().replace(tzinfo=None), WEEKDAYS[local.weekday()]
    yesterday = WEEKDAYS[(local.weekday() - 1) % 7]
    on = set(weekdays or WEEKDAYS)
    if ends is None or ends > begins:
        return today in on and now >= begins and (ends is None or now < ends)
    return (today in on and now >= begins) or (yesterday in on and now < ends)


@given(
    MOMENTS,
    st.lists(st.sampled_from(WEEKDAYS), max_size=3).map(tuple),
    st.integers(4, 22).map(time),
    st.none() | st.integers(4, 23).map(time),
    ZONES,
)
@settings(max_examples=60, deadline=None)
def test_a_wait_ends_at_the_first_moment_in_the_window(
    after: datetime, weekdays: tuple[str, ...], begins: time, ends: time | None, zone: ZoneInfo
) -> None:
    if begins == ends:
        return
    naive = after
    while not naive_inside(naive, weekdays, begins, ends, zone):
        naive += 15 * MINUTE if naive.minute % 15 == 0 else MINUTE
    assert first_in_window(after, weekdays, begins, ends, zone) == naive


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 30, 0, tzinfo=UTC)),  # the whole window is skipped
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 02:30, the first one
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),  # 02:30, the second one
        (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), datetime(2026, 10, 26, 1, 0, tzinfo=UTC)),  # 03:00: the next day
    ],
)
def test_a_night_window_on_the_days_of_both_clock_changes(after: datetime, expected: datetime) -> None:
    assert first_in_window(after, (), time(2), time(3), BRUSSELS) == expected
