"""Checks whether a report of an engagement can be used, apart from its form."""

from datetime import datetime, timedelta

from services.labeling.domain.errors import InvalidError
from shared.events.intake import EngagementReport

# Clocks differ; an event further in the future would count on a day that has not begun.
MOST_AHEAD = timedelta(minutes=5)


def check_report(report: EngagementReport, now: datetime) -> None:
    """Raise InvalidError, with a pointer, for a report that cannot be used for any contact."""
    if report.occurred_at > now + MOST_AHEAD:
        raise InvalidError("occurred_at is more than 5 minutes in the future", "/occurred_at")
