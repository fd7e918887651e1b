"""Periods of days of the account, as the URL of a list contains them."""

from datetime import UTC, date, datetime, time, timedelta

from services.console.api.formats import time_zone

PERIODS = ("1", "7", "30")  # days, today included


def start_of(days: int) -> datetime:
    """Return the instant, in UTC, at which the last `days` days of the account began; today is one of them."""
    return _start(datetime.now(time_zone.get()).date() - timedelta(days=days - 1))


def period_of_day(text: str) -> dict[str, str]:
    """Return `since` and `until` of a day in the form 2026-03-02; {} if it is not a day."""
    try:
        day = date.fromisoformat(text)
        return {"since": _start(day).isoformat(), "until": _start(day + timedelta(days=1)).isoformat()}
    except (ValueError, OverflowError):
        return {}


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), time_zone.get()).astimezone(UTC)
