"""Formats values in the language of the request and the time zone of the account."""

from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta

from services.console.api.languages import format_count, language

time_zone: ContextVar[tzinfo] = ContextVar("time_zone", default=UTC)
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86_400, 7 * 86_400


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name; UTC for an unknown one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return UTC


def instant(value: str | datetime) -> datetime:
    """Return an instant, as the API writes it in ISO 8601, in the account's time zone."""
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return parsed.astimezone(time_zone.get())


def when(value: str | datetime | None) -> str:
    """Return a readable instant: "3 minutes ago" in the last day, "Tue 14:05" in the last week, or else the date."""
    if value is None:
        return "—"
    at = instant(value)
    seconds = (datetime.now(UTC) - at).total_seconds()
    if 0 <= seconds < _DAY:
        return format_timedelta(at - datetime.now(UTC), granularity="second", add_direction=True, locale=language.get())
    if 0 <= seconds < _WEEK:
        return format_datetime(at, "EEE HH:mm", locale=language.get())
    return format_date(at, "d MMM y", locale=language.get())


def exactly(value: str | datetime | None) -> str:
    """Return an instant with its day and time."""
    return "—" if value is None else format_datetime(instant(value), "d MMM y HH:mm", locale=language.get())


def day(value: str | date) -> str:
    """Return a formatted date."""
    parsed = value if isinstance(value, date) else date.fromisoformat(value[:10])
    return format_date(parsed, "d MMM y", locale=language.get())


def clock(value: str | datetime) -> str:
    """Return the time of an instant."""
    return format_time(instant(value), "HH:mm:ss", locale=language.get())


def count(value: float | None) -> str:
    """Return a formatted number; a dash if it is unknown."""
    return "—" if value is None else format_count(int(value))


def percent(value: float | None) -> str:
    """Return a share (0 to 1) as a percentage."""
    if value is None:
        return "—"
    text = f"{value * 100:.1f}"
    return (text.replace(".", ",") if language.get() == "nl" else text) + " %"
