"""Days of date fields: periods, coming days, and anniversaries."""

from collections.abc import Iterator
from datetime import date, timedelta

from shared.criteria.grammar import AnniversaryWithinDays, InNextDays, Period


def anniversary_in(day: date, year: int) -> date:
    """Return the anniversary of a day in a year; that of 29 February is 28 February unless it is a leap year."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def window_years(window: AnniversaryWithinDays, today: date) -> Iterator[tuple[date, date]]:
    """Split the window's days into ranges within one year each: first and last day, inclusive."""
    last = min(today, date.max - timedelta(days=window.days - 1)) + timedelta(days=window.days - 1)
    for year in range(today.year, last.year + 1):
        yield max(today, date(year, 1, 1)), min(last, date(year, 12, 31))


def day_in(window: Period | InNextDays | AnniversaryWithinDays, day: date, today: date) -> bool:
    """Return whether a field's day is in a window, as of `today`."""
    if isinstance(window, AnniversaryWithinDays):
        return any(
            day.year < first.year and first <= anniversary_in(day, first.year) <= last
            for first, last in window_years(window, today)
        )
    first, last = window.bounds(today)
    return (first is None or first <= day) and (last is None or day <= last)
